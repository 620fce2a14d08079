"""Every error of the tree in the vendor's form, and whose a path is."""

from __future__ import annotations

import json

import pytest
from starlette.requests import Request

from guardhouse.errors import (
    Conflict,
    Forbidden,
    GuardhouseError,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    RateLimited,
    RequestTimeout,
    TooLarge,
    Unauthorized,
    Unavailable,
)
from guardhouse.server.dialects.trend import TrendDialect
from guardhouse.server.errors import ServerFault


@pytest.mark.parametrize(
    ("error", "status", "code", "message"),
    [
        (InvalidInput("prompt is required"), 400, "BadRequest", "prompt is required"),
        (Unauthorized("no live key"), 401, "Unauthorized", "no live key"),
        (Forbidden("x"), 403, "AccessDenied", "x"),
        (NotFound("x"), 404, "NotFound", "x"),
        (MethodNotAllowed("x"), 405, "MethodNotAllowed", "x"),
        (RequestTimeout("x"), 408, "RequestTimeout", "x"),
        (Conflict("x"), 409, "Conflict", "x"),
        (TooLarge("x"), 413, "PayloadTooLarge", "x"),
        (RateLimited("x", retry_after_s=7), 429, "TooManyRequests", "x"),
        (ServerFault("0f"), 500, "InternalServerError", "internal error, incident 0f"),
        (Unavailable("the server is busy", retry_after_s=2), 503, "ServiceUnavailable", "the server is busy"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_error_has_its_code(error: GuardhouseError, status: int, code: str, message: str) -> None:
    request = Request({"type": "http", "headers": [], "method": "POST", "path": "/applyGuardrails"})
    answer = TrendDialect().render_error(error, request)
    assert answer.status_code == status
    assert json.loads(bytes(answer.body)) == {"error": {"code": code, "message": message}}
    assert answer.headers.get("retry-after") == {429: "7", 503: "2"}.get(status)


@pytest.mark.parametrize(
    ("path", "owned"),
    [
        ("/v3.0/aiSecurity/applyGuardrails", True),
        ("/v3.0/anything", True),
        ("/applyGuardrails", True),
        ("/applyGuardrails/", True),
        ("/", False),
        ("/v3.1/aiSecurity", False),
        ("/v1/evaluate", False),
    ],
)
def test_whose_a_path_is(path: str, owned: bool) -> None:
    assert TrendDialect().owns(path, "guard.example") is owned
