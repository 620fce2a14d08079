"""The dialect's part of `/openapi.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardhouse.server.openapi import OBJECT, operation

_STRING = {"type": "string"}
_FLAG = {"type": "boolean"}
_ENVELOPE_KEYS = ("request_id", "request_time", "response_time", "status", "summary")


def _envelope(result: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**dict.fromkeys(_ENVELOPE_KEYS, _STRING), "result": result},
        "required": [*_ENVELOPE_KEYS, "result"],
        "additionalProperties": False,
    }


def _object(required: tuple[str, ...] = (), **properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _answers(result: dict[str, Any]) -> dict[int, tuple[str, dict[str, Any]]]:
    error = _envelope({"type": ["object", "null"]})
    return {
        200: ("The verdict; a block is a success too.", _envelope(result)),
        400: ("The request does not fit; `result.errors` says where.", error),
        401: ("No live key.", error),
        413: ("The body is too large.", error),
        429: ("A usage limit is passed.", error),
        503: ("The server is busy.", error),
    }


_VERDICT = {"recipe": _STRING, "blocked": _FLAG, "transformed": _FLAG, "detectors": OBJECT, "access_rules": OBJECT}
_TEXT_GUARD = operation(
    "Guard one text, or the messages of a model call.",
    body=_object(
        text=_STRING,
        messages={"type": ["array", "object"]},
        recipe=_STRING,
        debug=_FLAG,
        overrides=OBJECT,
        log_fields=OBJECT,
        config_id=_STRING,
    ),
    answers=_answers(
        _object(
            ("blocked", "detectors"),
            **_VERDICT,
            fpe_context=_STRING,
            prompt_text=_STRING,
            prompt_messages={"type": ["array", "object"]},
        )
    ),
    tag="pangea",
)
_GUARD = operation(
    "Guard the whole body of a model call (`input`), or look for prompt injection (`messages` alone).",
    body=_object(
        input=OBJECT,
        messages={"type": "array"},
        recipe=_STRING,
        debug=_FLAG,
        overrides=OBJECT,
        event_type={"enum": ["input", "output", "tool_input", "tool_output", "tool_listing"]},
        count_tokens=_FLAG,
        extra_info=OBJECT,
        analyzers={"type": "array", "items": _STRING},
        classify=_FLAG,
        config_id=_STRING,
    ),
    answers=_answers(_object((), **_VERDICT, output=OBJECT, detected=_FLAG, confidence={"type": "number"})),
    tag="pangea",
)
_CHAT_COMPLETIONS = operation(
    "Guard the whole body of a model call, as the successor product spells it.",
    body=_object(("guard_input",), guard_input=OBJECT, event_type=_STRING, extra_info=OBJECT),
    answers=_answers(
        _object(("blocked",), guard_output=OBJECT, blocked=_FLAG, transformed=_FLAG, policy=_STRING, detectors=OBJECT)
    ),
    tag="pangea",
)
_REQUEST = operation(
    "An answer given in the last five minutes, to the key that asked.",
    answers={200: ("The answer as it was.", _envelope(OBJECT)), 404: ("None is kept.", _envelope({"type": "null"}))},
    parameters=[{"name": "request_id", "in": "path", "required": True, "schema": _STRING}],
    tag="pangea",
)

_REDACT_RESULT: dict[str, dict[str, Any]] = {"count": {"type": "integer"}, "report": OBJECT, "fpe_context": _STRING}
_REDACT_OPTIONS: dict[str, dict[str, Any]] = {
    "rules": {"type": "array", "items": _STRING},
    "rulesets": {"type": "array", "items": _STRING},
    "redaction_method_overrides": OBJECT,
    "return_result": _FLAG,
    "debug": _FLAG,
    "llm_request": _FLAG,
    "vault_parameters": OBJECT,
    "config_id": _STRING,
}
_REDACT = operation(
    "Take what is sensitive out of a text.",
    body=_object(("text",), text=_STRING, **_REDACT_OPTIONS),
    answers=_answers(_object(("count",), redacted_text=_STRING, **_REDACT_RESULT)),
    tag="pangea",
)
_REDACT_STRUCTURED = operation(
    "Take what is sensitive out of the strings of a JSON document, all or those that JSONPaths choose.",
    body=_object(("data",), data={}, jsonp={"type": "array"}, format={"enum": ["json"]}, **_REDACT_OPTIONS),
    answers=_answers(_object(("count",), redacted_data={}, **_REDACT_RESULT)),
    tag="pangea",
)
_UNREDACT = operation(
    "Put the originals back that were encrypted; needs a key with the permission to un-redact.",
    body=_object(("redacted_data", "fpe_context"), redacted_data={}, fpe_context=_STRING),
    answers=_answers(_object(("data",), data={})),
    tag="pangea",
)
_UNREDACT_EVENTS = operation(
    "Put the originals back in up to 1,000 logged events, each under its own context; needs the same permission.",
    body=_object(
        ("events",),
        events={"type": "array", "items": _object(("envelope",), envelope=OBJECT, fpe_context=_STRING)},
    ),
    answers=_answers(_object(("events",), events={"type": "array", "items": _object(("envelope",), envelope=OBJECT)})),
    tag="pangea",
)
_CONFIG = _object(("id", "name", "updated_at"), id=_STRING, name=_STRING, updated_at=_STRING)
_SERVICES = "under /ai-guard, /prompt-guard or /redact"


def _config(summary: str, result: dict[str, Any], required: tuple[str, ...] = (), **members: dict[str, Any]) -> Any:
    return operation(
        f"{summary}; {_SERVICES}.", body=_object(required, **members), answers=_answers(result), tag="pangea"
    )


_CONFIGS: dict[str, Any] = {
    "/v1beta/config": _config("Get a service's configuration", _CONFIG, ("id",), id=_STRING),
    "/v1beta/config/create": _config(
        "Make a configuration; needs a key that may edit", _CONFIG, ("name",), name=_STRING
    ),
    "/v1beta/config/update": _config(
        "Replace a configuration, as it was last seen; needs a key that may edit",
        _CONFIG,
        ("id", "name", "updated_at"),
        id=_STRING,
        name=_STRING,
        updated_at=_STRING,
    ),
    "/v1beta/config/delete": _config("Delete a configuration; needs a key that may edit", _CONFIG, ("id",), id=_STRING),
    "/v1beta/config/list": _config(
        "List a service's configurations",
        _object(("count", "items"), count={"type": "integer"}, last=_STRING, items={"type": "array", "items": _CONFIG}),
        filter=OBJECT,
        last=_STRING,
        order={"enum": ["asc", "desc"]},
        order_by={"enum": ["id", "created_at", "updated_at"]},
        size={"type": "integer"},
    ),
}

OPENAPI_PATHS: Mapping[str, Any] = {
    "/v1/text/guard": {"post": _TEXT_GUARD},
    "/v1beta/text/guard": {"post": _TEXT_GUARD},
    "/v1/guard": {"post": _GUARD},
    "/v1beta/guard": {"post": _GUARD},
    "/v1/guard_async": {"post": _GUARD},
    "/v1beta/guard_async": {"post": _GUARD},
    "/v1/guard_chat_completions": {"post": _CHAT_COMPLETIONS},
    "/redact/v1/redact": {"post": _REDACT},
    "/redact/v1/unredact": {"post": _UNREDACT},
    "/v1/redact_structured": {"post": _REDACT_STRUCTURED},
    "/v1/unredact_events": {"post": _UNREDACT_EVENTS},
    "/request/{request_id}": {"get": _REQUEST},
    **{path: {"post": call} for path, call in _CONFIGS.items()},
}
