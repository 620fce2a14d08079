"""Datadog AI Guard: `POST {mount}/evaluate`, as the vendor's own tracers call it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from guardhouse.errors import Forbidden, GuardhouseError, RateLimited, Unauthorized
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.key import ApiKey, Permission
from guardhouse.model.policy import SensitiveData
from guardhouse.model.request import EvaluationRequest
from guardhouse.server.auth import bearer_of
from guardhouse.server.dialects.base import error_headers, front_of, json_response, usage_of
from guardhouse.server.dialects.datadog.parse import parse_request
from guardhouse.server.dialects.datadog.render import render_evaluation
from guardhouse.server.dialects.datadog.schema import openapi_paths
from guardhouse.server.dialects.offload import off_loop
from guardhouse.server.errors import status_of, title_of
from guardhouse.server.front import Front
from guardhouse.server.limits import LimitPassed
from guardhouse.server.strict_json import decode_json

MOUNT = "/api/v2/ai-guard"
PATHS = (f"{MOUNT}/evaluate", f"{MOUNT}//evaluate", "/evaluate", "//evaluate")
"""Clients append `/evaluate` to the endpoint they are given, which may end in a slash and may have no mount."""
MEDIA_TYPE = "application/vnd.api+json"
_SHORT = {401: "Unauthorized", 403: "Forbidden", 429: "Too many requests"}
"""Errors that are given as a plain string."""


class DatadogDialect:
    """The dialect of Datadog's tracers."""

    name = "datadog"

    def routes(self) -> Sequence[BaseRoute]:
        """One endpoint under each of its paths."""
        return [Route(path, _evaluate, methods=["POST"]) for path in PATHS]

    def owns(self, path: str, host: str) -> bool:
        """Everything under the mount, and the bare endpoint."""
        return path.startswith(MOUNT) or path in PATHS

    def render_error(self, error: GuardhouseError, request: Request) -> Response:
        """`{"errors": [...]}`; never a member of a success beside it."""
        status = status_of(error)
        item: Any = _SHORT.get(status) or {
            "status": str(status),
            "title": title_of(error),
            "detail": getattr(error, "detail", title_of(error)),
        }
        headers = {**_rate_headers(request, error), **error_headers(error)}
        return json_response({"errors": [item]}, status=status, headers=headers)

    def openapi_paths(self) -> Mapping[str, Any]:
        """The endpoint at its documented path and at the bare one."""
        return openapi_paths((PATHS[0], "/evaluate"))


async def _evaluate(request: Request) -> Response:
    front = front_of(request)
    key = await _admit(front, request)
    body = await front.read_body(request)
    document, asked = await off_loop(len(body), _read, body, request.headers)
    evaluation = await front.evaluate(request, await _with_redaction(front, asked, key), key)
    return await off_loop(len(body), _answer, evaluation, document, _rate_headers(request, None))


def _read(body: bytes, headers: Mapping[str, str]) -> tuple[Any, EvaluationRequest]:
    document = decode_json(body)
    return document, parse_request(document, headers)


def _answer(evaluation: Evaluation, document: Any, headers: Mapping[str, str]) -> Response:
    return json_response(render_evaluation(evaluation, document), media_type=MEDIA_TYPE, headers=headers)


async def _with_redaction(front: Front, asked: EvaluationRequest, key: ApiKey) -> EvaluationRequest:
    """A request that switches scanning on does not take away the redaction that its policy wants as well."""
    if asked.sensitive_data is SensitiveData.SCAN:
        scope = replace(asked.scope, service=key.service or asked.scope.service)
        policy = await front.services.policies.effective(scope)
        if policy.sensitive_data is SensitiveData.REDACT:
            return replace(asked, sensitive_data=SensitiveData.REDACT)
    return asked


async def _admit(front: Front, request: Request) -> ApiKey:
    """The application key, once both keys are found live; or the bearer's.

    A wrong API key is 401; a wrong application key, or one that may not evaluate, is 403.
    """
    await front.admit_address(request)
    api_secret = request.headers.get("dd-api-key", "")
    if not api_secret and (bearer := bearer_of(request)):
        key = await front.authenticate(bearer)
    else:
        await front.authenticate(api_secret)
        try:
            key = await front.authenticate(request.headers.get("dd-application-key", ""))
        except Unauthorized:
            raise Forbidden("the application key is missing or not live") from None
    await front.admit_key(request, key, Permission.EVALUATE)
    return key


def _rate_headers(request: Request, error: GuardhouseError | None) -> dict[str, str]:
    usage = error.usage if isinstance(error, LimitPassed) else usage_of(request)
    if usage is None:
        return {}
    return {
        "x-ratelimit-limit": str(usage.limit),
        "x-ratelimit-period": str(usage.period_s),
        "x-ratelimit-remaining": str(0 if isinstance(error, RateLimited) else usage.remaining),
        "x-ratelimit-reset": str(usage.reset_s),
        "x-ratelimit-name": "ai_guard_evaluate_per_org",
    }
