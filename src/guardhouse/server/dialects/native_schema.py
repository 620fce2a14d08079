"""The native routes in OpenAPI."""

from __future__ import annotations

from typing import Any

from guardhouse.model.conversation import Role
from guardhouse.model.evaluation import Action, Outcome
from guardhouse.model.policy import SensitiveData, ToolPolicy
from guardhouse.model.recipe import RuleAction
from guardhouse.server.openapi import DENIED, ERROR, OBJECT, operation

_STRING = {"type": "string"}
_UNIT = {"type": "number", "minimum": 0, "maximum": 1}
_SPAN = {
    "type": ["array", "null"],
    "items": {"type": "integer"},
    "description": "Half open, in code points of the original string.",
}
_STEPS = {"type": "array", "items": {"type": ["string", "integer"]}}
_ACTION = {"enum": [item.value for item in RuleAction]}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "properties": properties}
    return {**made, "required": list(required)} if required else made


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _map(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


_FINDING = _object(
    kind=_STRING,
    confidence=_UNIT,
    threshold=_UNIT,
    action=_ACTION,
    blocked={"type": "boolean"},
    detector=_STRING,
    analyzer=_STRING,
    path={**_STRING, "description": "Where the text stands in the request, e.g. messages[2].content."},
    steps=_STEPS,
    span=_SPAN,
    evidence=_map(_STRING),
    value=_STRING,
    replacement={"type": ["string", "null"]},
)
_REPORT = _object(
    detector=_STRING,
    outcome={"enum": [item.value for item in Outcome]},
    action={"oneOf": [_ACTION, {"type": "null"}]},
    findings=_array(_FINDING),
    analyzers=_array(_object(analyzer=_STRING, confidence=_UNIT)),
    detail=_STRING,
)
REDACTION = _object(
    path=_STRING,
    steps=_STEPS,
    span=_SPAN,
    redacted_span=_SPAN,
    detector=_STRING,
    kind=_STRING,
    operator=_ACTION,
    replacement=_STRING,
)
EVALUATION = _object(
    ("version", "id", "action", "reason", "blocked", "blocking_enabled", "recipe", "reports"),
    version={"type": "integer"},
    id={"type": "string", "format": "uuid"},
    action={"enum": [item.name for item in Action]},
    reason=_STRING,
    blocked={"type": "boolean", "description": "Whether the caller is to act on the verdict under its policy."},
    blocking_enabled={"type": "boolean"},
    recipe=_STRING,
    reports=_array(_REPORT),
    confidences=_map(_UNIT),
    thresholds=_map(_UNIT),
    redactions=_array(REDACTION),
    texts=_array(_object(path=_STRING, steps=_STEPS, text=_STRING)),
    timings_ms=_map({"type": "number"}),
    policy_revision={"type": "integer"},
    fpe_context={"type": ["string", "null"], "description": "Puts originals back; see POST /v1/unredact."},
)
_REQUEST = {
    **_object(
        text={**_STRING, "description": "One text; exactly one of text and messages is given."},
        messages={"type": "array", "minItems": 1, "items": OBJECT, "description": "Chat messages, oldest first."},
        role={"enum": [item.value for item in Role], "description": "Who speaks `text`; user when it is not given."},
        judge={"enum": ["last", "all"], "description": "The last turn (the default), or every message."},
        recipe=_STRING,
        overrides=_object(ignore_recipe={"type": "boolean"}, detectors=_map(OBJECT)),
        service=_STRING,
        env=_STRING,
        sensitivity={"oneOf": [_UNIT, _object(default=_UNIT, by_category=_map(_UNIT))]},
        sensitive_data={"enum": [item.value for item in SensitiveData]},
        tool_policies=_map({"enum": [item.value for item in ToolPolicy]}),
        log_fields=_map(_STRING),
        conversation_id=_STRING,
        fpe_context={**_STRING, "description": "Of the conversation's last answer: its names and encryptions go on."},
    ),
    "additionalProperties": False,
}


def _query(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": _STRING}


OPENAPI_PATHS: dict[str, Any] = {
    "/": {
        "get": operation(
            "What this server is.", answers={200: ("Name and version.", OBJECT)}, security=(), tag="native"
        )
    },
    "/v1/evaluate": {
        "post": operation(
            "Judge a text or a conversation.",
            body=_REQUEST,
            answers={
                200: ("The evaluation.", EVALUATION),
                400: ("The body is not of this form; `path` says where.", ERROR),
                **DENIED,
                408: ("The body came too slowly.", ERROR),
                413: ("The body is too large.", ERROR),
                500: ("A fault of the server; the id is in its log.", ERROR),
                503: ("The server is busy; see Retry-After.", ERROR),
            },
            tag="native",
        )
    },
    "/v1/recipes": {
        "get": operation(
            "All recipes.", answers={200: ("Recipes.", _object(recipes=_array(OBJECT))), **DENIED}, tag="native"
        )
    },
    "/v1/policy": {
        "get": operation(
            "The policy that holds for a service and an environment.",
            parameters=(_query("service"), _query("env")),
            answers={200: ("The policy; null where no scope says anything.", OBJECT), **DENIED},
            tag="native",
        )
    },
}
