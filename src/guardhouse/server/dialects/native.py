"""The native dialect: the whole evaluation, in the model's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from guardhouse import __version__
from guardhouse.errors import GuardhouseError, InvalidInput
from guardhouse.model.codec import (
    evaluation_to_dict,
    log_fields_from_data,
    overrides_from_dict,
    recipe_to_dict,
    sensitivity_from_data,
    tool_policies_from_data,
)
from guardhouse.model.conversation import Conversation, Role, render_path
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.key import Permission
from guardhouse.model.messages import conversation_from_messages, conversation_from_text
from guardhouse.model.policy import EffectivePolicy, Scope, SensitiveData
from guardhouse.model.request import EvaluationRequest
from guardhouse.server.dialects import native_activity, native_redact
from guardhouse.server.dialects.base import error_headers, front_of, json_response
from guardhouse.server.dialects.native_schema import OPENAPI_PATHS
from guardhouse.server.dialects.offload import off_loop
from guardhouse.server.errors import status_of, title_of
from guardhouse.server.strict_json import decode_json

MEMBERS = frozenset(
    {
        "text",
        "messages",
        "role",
        "judge",
        "recipe",
        "overrides",
        "service",
        "env",
        "sensitivity",
        "sensitive_data",
        "tool_policies",
        "log_fields",
        "conversation_id",
        "fpe_context",
    }
)
_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Guardhouse</title>
<h1>Guardhouse {version}</h1>
<p>This server judges prompts, answers, tool calls, tool results and documents.
<p>Send them to <code>POST /v1/evaluate</code>. Everything it answers is described in
<a href="/openapi.json">/openapi.json</a>; whether it is well is told by <a href="/readyz">/readyz</a>.
</html>
"""


class NativeDialect:
    """Guardhouse's own dialect."""

    name = "native"

    def routes(self) -> Sequence[BaseRoute]:
        """Evaluation, redaction, the activity log, recipes and policy."""
        return [
            Route("/", _index, methods=["GET"]),
            Route("/v1/evaluate", _evaluate, methods=["POST"]),
            *native_redact.ROUTES,
            *native_activity.ROUTES,
            Route("/v1/recipes", _recipes, methods=["GET"]),
            Route("/v1/policy", _policy, methods=["GET"]),
        ]

    def owns(self, path: str, host: str) -> bool:
        """Whatever no other dialect owns."""
        return True

    def render_error(self, error: GuardhouseError, request: Request) -> Response:
        """`{"error": {"code", "message", "path"}}`; `path` is where in the body, empty for elsewhere."""
        if isinstance(error, InvalidInput):
            code, path = error.code, render_path(error.path)
        else:
            code, path = title_of(error).lower().replace(" ", "_"), ""
        message = getattr(error, "detail", title_of(error))
        return json_response(
            {"error": {"code": code, "message": message, "path": path}},
            status=status_of(error),
            headers=error_headers(error),
        )

    def openapi_paths(self) -> Mapping[str, Any]:
        """Its routes."""
        return {**OPENAPI_PATHS, **native_redact.OPENAPI_PATHS, **native_activity.OPENAPI_PATHS}


def parse_request(document: object) -> EvaluationRequest:
    """The request in `document`. Raises `InvalidInput` with the path of what is wrong; unknown members are refused."""
    if not isinstance(document, Mapping):
        raise InvalidInput("the body must be a JSON object", code="wrong_type", expected="object")
    unknown = sorted(set(map(str, document)) - MEMBERS)
    if unknown:
        raise InvalidInput(f"there is no member {unknown[0]!r:.80}", path=(unknown[0],), code="unknown_member")
    overrides = document.get("overrides")
    return EvaluationRequest(
        conversation=_conversation(document),
        scope=Scope(service=_string(document, "service"), env=_string(document, "env")),
        recipe=_string(document, "recipe"),
        overrides=None if overrides is None else overrides_from_dict(overrides),
        sensitivity=sensitivity_from_data(document.get("sensitivity")),
        sensitive_data=_choice(document, "sensitive_data", SensitiveData),
        tool_policies=tool_policies_from_data(_or_none_given(document, "tool_policies")),
        log_fields=log_fields_from_data(_or_none_given(document, "log_fields")),
        conversation_id=_string(document, "conversation_id") or "",
        fpe_context=_string(document, "fpe_context"),
    )


def _conversation(document: Mapping[str, Any]) -> Conversation:
    judge = document.get("judge")
    if judge not in (None, "last", "all"):
        raise InvalidInput("judge must be 'last' or 'all'", path=("judge",), code="not_in_enum")
    text, messages = document.get("text"), document.get("messages")
    if (text is None) == (messages is None):
        code = "missing" if text is None else "conflict"
        raise InvalidInput("exactly one of text and messages is required", code=code)
    if text is None:
        if document.get("role") is not None:
            raise InvalidInput("role goes with text; messages have their own", path=("role",), code="conflict")
        return conversation_from_messages(messages, judge_all=judge == "all")
    if not isinstance(text, str):
        raise InvalidInput("text must be a string", path=("text",), code="wrong_type", expected="string")
    return conversation_from_text(text, role=_choice(document, "role", Role) or Role.USER)


def _or_none_given(document: Mapping[str, Any], member: str) -> Any:
    """The member as it came, an empty object where it is absent or null."""
    value = document.get(member)
    return {} if value is None else value


def _string(document: Mapping[str, Any], member: str) -> str | None:
    value = document.get(member)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f"{member} must be a string", path=(member,), code="wrong_type", expected="string")
    return value or None


def _choice(document: Mapping[str, Any], member: str, kind: Any) -> Any:
    value = _string(document, member)
    try:
        return None if value is None else kind(value)
    except ValueError:
        choices = ", ".join(item.value for item in kind)
        raise InvalidInput(f"{member} must be one of {choices}", path=(member,), code="not_in_enum") from None


async def _index(request: Request) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(_PAGE.format(version=__version__))
    about = {"name": "guardhouse", "version": __version__, "evaluate": "/v1/evaluate", "openapi": "/openapi.json"}
    return json_response(about)


async def _evaluate(request: Request) -> Response:
    front = front_of(request)
    key = await front.admit(request)
    body = await front.read_body(request)
    asked = await off_loop(len(body), _read, body)
    evaluation = await front.evaluate(request, asked, key)
    return await off_loop(len(body), _answer, evaluation)


def _read(body: bytes) -> EvaluationRequest:
    return parse_request(decode_json(body))


def _answer(evaluation: Evaluation) -> Response:
    return json_response(evaluation_to_dict(evaluation))


async def _recipes(request: Request) -> Response:
    front = front_of(request)
    await front.admit(request, Permission.EVALUATE, Permission.READ_ACTIVITY)
    recipes = await front.services.recipes.list()
    return json_response({"recipes": [recipe_to_dict(recipe) for recipe in recipes]})


async def _policy(request: Request) -> Response:
    front = front_of(request)
    await front.admit(request, Permission.EVALUATE, Permission.READ_ACTIVITY)
    query = request.query_params
    scope = Scope(service=query.get("service") or None, env=query.get("env") or None)
    return json_response(_policy_to_dict(await front.services.policies.effective(scope)))


def _policy_to_dict(policy: EffectivePolicy) -> dict[str, Any]:
    return {
        "revision": policy.revision,
        "blocking": policy.blocking,
        "sensitivity": asdict(policy.sensitivity),
        "sensitive_data": policy.sensitive_data,
        "recipe": policy.recipe,
        "evaluation_context": policy.evaluation_context,
        "tool_policies": dict(policy.tool_policies),
        "fail_mode": policy.fail_mode,
        "store_text": policy.store_text,
    }
