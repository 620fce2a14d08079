"""Trend Vision One AI Guard: `POST /v3.0/aiSecurity/applyGuardrails` and `POST /applyGuardrails`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from guardhouse.errors import CallerError, GuardhouseError, MethodNotAllowed, Unavailable
from guardhouse.model.activity import LogFields
from guardhouse.model.policy import Scope, SensitiveData
from guardhouse.model.recipe import DetectorOverride, Recipe, Rule, RuleAction
from guardhouse.model.request import EvaluationRequest
from guardhouse.server.dialects.base import error_headers, front_of, json_response
from guardhouse.server.dialects.offload import off_loop
from guardhouse.server.dialects.trend.headers import (
    Wishes,
    application_of,
    client_of,
    request_type_of,
    wishes_of,
)
from guardhouse.server.dialects.trend.openapi import openapi_paths
from guardhouse.server.dialects.trend.parse import Body, read_body
from guardhouse.server.dialects.trend.render import rendered
from guardhouse.server.dialects.trend.rules import SENSITIVE_DETECTORS
from guardhouse.server.errors import status_of, title_of
from guardhouse.server.front import Front
from guardhouse.server.strict_json import decode_json

MOUNT = "/v3.0/aiSecurity"
PATHS = (f"{MOUNT}/applyGuardrails", "/applyGuardrails")
RECIPE = "application_guard"
LIMIT_BYTES = 1024 * 1024
"""Largest body; the setting `max_body_bytes` can only lower it."""
_CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "AccessDenied",
    404: "NotFound",
    405: "MethodNotAllowed",
    408: "RequestTimeout",
    409: "Conflict",
    413: "PayloadTooLarge",
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}


class TrendDialect:
    """The dialect of Trend's snippet and of the gateways that speak it."""

    name = "trend"

    def routes(self) -> Sequence[BaseRoute]:
        """One endpoint under each of its paths."""
        return [
            *(Route(path, _apply_guardrails, methods=["POST"]) for path in PATHS),
            Route("/", _root, methods=["POST"]),
        ]

    def owns(self, path: str, host: str) -> bool:
        """Everything under the vendor's mount, and the bare endpoint."""
        return path.startswith(("/v3.0/", "/applyGuardrails"))

    def render_error(self, error: GuardhouseError, request: Request) -> Response:
        """`{"error": {"code", "message"}}`; never an `action`, which a client could take for a verdict."""
        status = status_of(error)
        message = getattr(error, "detail", "") or title_of(error)
        body = {"error": {"code": _CODES.get(status, "InternalServerError"), "message": message}}
        return json_response(body, status=status, headers=error_headers(error))

    def openapi_paths(self) -> Mapping[str, Any]:
        """The endpoint under both paths."""
        return openapi_paths(PATHS)


async def _root(request: Request) -> Response:
    """Some clients post to the bare endpoint; nobody else may own it then, so errors are answered here too."""
    if tuple(front_of(request).settings.dialects) != (TrendDialect.name,):
        raise MethodNotAllowed("this path does not take this method")
    try:
        return await _apply_guardrails(request)
    except (CallerError, Unavailable) as error:
        request.state.error = type(error).__name__
        return TrendDialect().render_error(error, request)


async def _apply_guardrails(request: Request) -> Response:
    front = front_of(request)
    key = await front.admit(request)
    raw = await front.read_body(request, limit_bytes=LIMIT_BYTES)
    application = application_of(request)
    kind = request_type_of(request)
    wishes = wishes_of(request)
    document = await off_loop(len(raw), decode_json, raw)
    body = await off_loop(len(raw), read_body, document, kind)
    asked = await _evaluation_request(front, body, Scope(service=application), wishes, client_of(request))
    evaluation = await front.evaluate(request, asked, key)
    return json_response(await off_loop(len(raw), rendered, evaluation, document, wishes))


async def _evaluation_request(front: Front, body: Body, scope: Scope, wishes: Wishes, client: str) -> EvaluationRequest:
    changes: Mapping[str, DetectorOverride] = {}
    sensitive_data: SensitiveData | None = None
    if wishes.redact:
        snapshot = await front.services.policies.snapshot()
        policy = front.services.policies.resolve(snapshot, scope)
        if policy.sensitive_data is not SensitiveData.OFF:
            sensitive_data = SensitiveData.REDACT
            changes = redactions_of(snapshot.recipes.get(policy.recipe or RECIPE))
    return EvaluationRequest(
        conversation=body.conversation,
        scope=scope,
        overrides=body.overrides(changes),
        sensitive_data=sensitive_data,
        default_recipe=RECIPE,
        log_fields=LogFields(client=client),
        dialect=TrendDialect.name,
    )


def redactions_of(recipe: Recipe | None) -> dict[str, DetectorOverride]:
    """What turns a recipe's blocks on sensitive data into redactions: only of what it looks for anyway."""
    return {
        setting.detector: DetectorOverride(default=Rule(RuleAction.REPLACE))
        for setting in (recipe.detectors if recipe is not None else ())
        if setting.detector in SENSITIVE_DETECTORS
    }
