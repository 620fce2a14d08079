"""`POST /v1/redact` and `POST /v1/unredact` of the native dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from guardhouse.detectors.base import Detector
from guardhouse.engine.redacting import REDACTION_RECIPE, redacted_content, redaction_overrides
from guardhouse.errors import InvalidInput, UnknownRecipe
from guardhouse.model.codec import evaluation_to_dict, log_fields_from_data, rules_from_data
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.key import Permission
from guardhouse.model.messages import conversation_from_messages, conversation_from_text
from guardhouse.model.policy import Scope
from guardhouse.model.recipe import Recipe
from guardhouse.model.request import EvaluationRequest
from guardhouse.server.dialects.base import front_of, json_response
from guardhouse.server.dialects.native_schema import REDACTION
from guardhouse.server.dialects.offload import off_loop
from guardhouse.server.openapi import DENIED, ERROR, OBJECT, operation
from guardhouse.server.strict_json import decode_json

_STRINGS = ("text", "action", "recipe", "service", "env", "conversation_id", "fpe_context")
_MEMBERS = frozenset({*_STRINGS, "messages", "parameters", "kinds", "rules", "log_fields"})
_UNREDACT_MEMBERS = frozenset({"data", "originals", "fpe_context", "service"})


def parse_redact(
    document: object, detectors: Mapping[str, Detector], recipes: Mapping[str, Recipe]
) -> EvaluationRequest:
    """The request in `document`. Raises `InvalidInput` with the path of what is wrong; unknown members are refused."""
    body = _object(document, _MEMBERS)
    for name in _STRINGS:
        if not isinstance(body.get(name, ""), str):
            raise InvalidInput.wrong_type("string", (name,))
    text, messages = body.get("text"), body.get("messages")
    if (text is None) == (messages is None):
        code = "missing" if text is None else "conflict"
        raise InvalidInput("exactly one of text and messages is required", code=code)
    kinds = body.get("kinds")
    if kinds is not None and (not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds)):
        raise InvalidInput.wrong_type("array", ("kinds",))
    parameters = body.get("parameters", {})
    if not isinstance(parameters, Mapping):
        raise InvalidInput.wrong_type("object", ("parameters",))
    recipe = body.get("recipe") or REDACTION_RECIPE
    if recipe not in recipes:
        raise UnknownRecipe(recipe)
    return EvaluationRequest(
        conversation_from_messages(messages, judge_all=True) if text is None else conversation_from_text(text),
        scope=Scope(body.get("service") or None, body.get("env") or None),
        recipe=recipe,
        overrides=redaction_overrides(
            detectors,
            recipe=recipes[recipe],
            action=body.get("action"),
            parameters=parameters,
            kinds=kinds,
            rules=rules_from_data(body.get("rules", {}), ("rules",)),
        ),
        log_fields=log_fields_from_data(body.get("log_fields", {})),
        conversation_id=body.get("conversation_id", ""),
        fpe_context=body.get("fpe_context"),
    )


async def _redact(request: Request) -> Response:
    request.state.dialect = "native"
    front = front_of(request)
    key = await front.admit(request)
    body = await front.read_body(request)
    document = await off_loop(len(body), decode_json, body)
    recipes = (await front.services.policies.snapshot()).recipes
    asked = await off_loop(len(body), parse_redact, document, front.services.guard.detectors, recipes)
    evaluation = await front.evaluate(request, asked, key)
    return await off_loop(len(body), _answer, document, evaluation)


def _answer(document: Mapping[str, Any], evaluation: Evaluation) -> Response:
    member = "text" if document.get("text") is not None else "messages"
    redacted = redacted_content(document[member], evaluation)
    return json_response(
        {
            "id": evaluation.id,
            member: redacted.content,
            "count": redacted.count,
            "redactions": evaluation_to_dict(evaluation)["redactions"],
            "fpe_context": redacted.fpe_context,
        }
    )


async def _unredact(request: Request) -> Response:
    request.state.dialect = "native"
    front = front_of(request)
    key = await front.admit(request, Permission.UNREDACT)
    body = await front.read_body(request)
    document = _object(await off_loop(len(body), decode_json, body), _UNREDACT_MEMBERS)
    wants_originals = document.get("originals", False)
    if not isinstance(wants_originals, bool):
        raise InvalidInput.wrong_type("boolean", ("originals",))
    if wants_originals and "data" in document:
        raise InvalidInput("one of data and originals is given, not both", path=("originals",), code="conflict")
    for name in ("fpe_context",) if wants_originals else ("data", "fpe_context"):
        if name not in document:
            raise InvalidInput(f"{name} is required", path=(name,), code="missing")
    service = document.get("service")
    if not isinstance(service, str | None):
        raise InvalidInput.wrong_type("string", ("service",))
    context, services = document["fpe_context"], front.services
    if wants_originals:
        told = await services.originals(context, key, service=service or None, size=len(body))
        return await off_loop(len(body), json_response, {"id": told.id, "originals": told.data})
    told = await services.unredact(document["data"], context, key, service=service or None, size=len(body))
    return await off_loop(len(body), json_response, {"id": told.id, "data": told.data})


def _object(document: object, members: frozenset[str]) -> dict[str, Any]:
    """The body; members that are null are as good as absent, but for `data`."""
    if not isinstance(document, Mapping):
        raise InvalidInput.wrong_type("object", ())
    unknown = sorted(set(map(str, document)) - members)
    if unknown:
        raise InvalidInput(f"there is no member {unknown[0]!r:.80}", path=(unknown[0],), code="unknown_member")
    return {name: value for name, value in document.items() if value is not None or name == "data"}


ROUTES: tuple[BaseRoute, ...] = (
    Route("/v1/redact", _redact, methods=["POST"]),
    Route("/v1/unredact", _unredact, methods=["POST"]),
)
_STRING = {"type": "string"}
_FAILURES: dict[int, tuple[str, dict[str, Any]]] = {
    400: ("The body is not of this form; `path` says where.", ERROR),
    **DENIED,
    413: ("The body is too large.", ERROR),
    500: ("A fault of the server; the id is in its log.", ERROR),
    503: ("The server is busy; see Retry-After.", ERROR),
}
OPENAPI_PATHS: dict[str, Any] = {
    "/v1/redact": {
        "post": operation(
            "Take what is sensitive out of a text or of all messages.",
            body={
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    **dict.fromkeys(_STRINGS, _STRING),
                    "messages": {"type": "array", "items": OBJECT},
                    "parameters": OBJECT,
                    "kinds": {"type": "array", "items": _STRING},
                    "rules": OBJECT,
                    "log_fields": OBJECT,
                },
            },
            answers={
                200: (
                    "The content with its edits.",
                    {
                        "type": "object",
                        "required": ["id", "count", "redactions", "fpe_context"],
                        "properties": {
                            "id": _STRING,
                            "text": _STRING,
                            "messages": {"type": "array", "items": OBJECT},
                            "count": {"type": "integer"},
                            "redactions": {"type": "array", "items": REDACTION},
                            "fpe_context": {"type": ["string", "null"]},
                        },
                    },
                ),
                **_FAILURES,
            },
            tag="native",
        )
    },
    "/v1/unredact": {
        "post": operation(
            "Put originals back; needs a key with the permission to un-redact.",
            body={
                "type": "object",
                "additionalProperties": False,
                "required": ["fpe_context"],
                "properties": {
                    "data": {"description": "What quotes the redaction; exactly one of data and originals is given."},
                    "originals": {"type": "boolean", "description": "Give all originals instead."},
                    "fpe_context": _STRING,
                    "service": _STRING,
                },
            },
            answers={
                200: (
                    "The data with its originals, or all originals by what was put in their place.",
                    {
                        "type": "object",
                        "properties": {
                            "id": {**_STRING, "description": "Of the record in the activity log."},
                            "data": {},
                            "originals": {"type": "object", "additionalProperties": _STRING},
                        },
                    },
                ),
                **_FAILURES,
            },
            tag="native",
        )
    },
}
