"""Every error of the tree in the vendor's envelope, and whose a path is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from starlette.requests import Request

from guardhouse.errors import (
    Conflict,
    Forbidden,
    GuardhouseError,
    InvalidInput,
    InvalidPattern,
    MethodNotAllowed,
    NotFound,
    RateLimited,
    RequestTimeout,
    StorageUnavailable,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnknownName,
    UnknownRecipe,
)
from guardhouse.server.dialects.pangea import PangeaDialect
from guardhouse.server.dialects.pangea.envelope import mark_start
from guardhouse.server.errors import ServerFault

KEYS = ["request_id", "request_time", "response_time", "status", "summary", "result"]


def request() -> Request:
    made = Request({"type": "http", "headers": [], "method": "POST", "path": "/v1/text/guard"})
    made.state.request_id = "0123456789abcdef" * 2
    return made


def rendered(error: GuardhouseError) -> tuple[int, dict[str, Any], dict[str, str]]:
    answer = PangeaDialect().render_error(error, request())
    body = json.loads(bytes(answer.body))
    assert list(body) == KEYS
    assert body["request_id"] == answer.headers["x-request-id"] == "prq_" + "abcdefghijklmnop" * 2
    return answer.status_code, body, dict(answer.headers)


@pytest.mark.parametrize(
    ("error", "http", "status"),
    [
        (InvalidInput("x"), 400, "ValidationError"),
        (UnknownRecipe("mine"), 400, "RecipeNotExist"),
        (UnknownName("x"), 400, "ValidationError"),
        (InvalidPattern("x"), 400, "ValidationError"),
        (Unauthorized(), 401, "Unauthorized"),
        (Forbidden(), 403, "ServiceNotEnabled"),
        (NotFound(), 404, "NotFound"),
        (MethodNotAllowed(), 405, "MethodNotAllowed"),
        (RequestTimeout(), 408, "RequestTimeout"),
        (Conflict(), 409, "Conflict"),
        (TooLarge("x"), 413, "ValidationError"),
        (RateLimited("x", retry_after_s=3), 429, "TooManyRequests"),
        (ServerFault("0f"), 500, "InternalError"),
        (Unavailable(), 503, "ServiceNotAvailable"),
        (StorageUnavailable("x"), 503, "ServiceNotAvailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_error_has_its_status(error: GuardhouseError, http: int, status: str) -> None:
    code, body, headers = rendered(error)
    assert (code, body["status"]) == (http, status)
    assert body["summary"]
    assert (body["result"] is None) is (http not in (400, 413))
    assert headers.get("retry-after") == {429: "3", 503: "1"}.get(http)


@pytest.mark.parametrize(
    ("error", "code", "source"),
    [
        (InvalidInput("x", path=("a", 0, "b/c~d")), "BadFormat", "/a/0/b~1c~0d"),
        (InvalidInput("x", code="missing"), "FieldRequired", ""),
        (InvalidInput("x", code="empty"), "BadFormat", ""),
        (InvalidInput("x", path=("a",), code="empty"), "BelowMinLength", "/a"),
        (InvalidInput("x", code="unknown_member"), "UnexpectedProperty", ""),
        (InvalidInput("x", code="not_in_enum"), "NotEnumMember", ""),
        (InvalidInput("x", code="out_of_range"), "BadFormat", ""),
        (InvalidInput("x", path=("a",), code="out_of_range"), "NotWithinRange", "/a"),
        (InvalidInput("x", code="too_long"), "AboveMaxLength", ""),
        (InvalidInput("x", code="conflict"), "MutuallyExclusive", ""),
        (InvalidInput.wrong_type("string", ("a",)), "InvalidString", "/a"),
        (InvalidInput.wrong_type("object", ()), "InvalidObject", ""),
        (InvalidInput.wrong_type("array", ()), "InvalidArray", ""),
        (InvalidInput.wrong_type("number", ()), "InvalidNumber", ""),
        (InvalidInput.wrong_type("boolean", ()), "InvalidBool", ""),
        (InvalidInput("x", code="wrong_type", expected="date"), "BadFormat", ""),
        (TooLarge("x"), "AboveMaxLength", ""),
    ],
)
def test_what_is_wrong_has_the_vendors_code_and_place(error: GuardhouseError, code: str, source: str) -> None:
    _, body, _ = rendered(error)
    assert body["summary"] == "There was 1 error in the request."
    (problem,) = body["result"]["errors"]
    assert (problem["code"], problem["source"]) == (code, source)


def test_every_code_of_ours_has_one_of_the_vendors() -> None:
    for code in InvalidInput.CODES:
        _, body, _ = rendered(InvalidInput("x", code=code))
        assert body["result"]["errors"][0]["code"]


def test_request_time_is_when_work_began() -> None:
    made = request()
    mark_start(made)
    body = json.loads(bytes(PangeaDialect().render_error(NotFound(), made).body))
    assert body["request_time"] < body["response_time"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", body["request_time"])


@pytest.mark.parametrize(
    ("path", "host", "owned"),
    [
        ("/v1/text/guard", "guard.example", True),
        ("/v1/guard", "127.0.0.1", True),
        ("/v1beta/anything", "", True),
        ("/request/prq_x", "", True),
        ("/ai-guard", "", True),
        ("/prompt-guard/x", "", True),
        ("/redact/v1/redact", "", True),
        ("/aidr/aiguard/v1/x", "", True),
        ("/v1/evaluate", "", False),
        ("/v1/evaluate", "ai-guard.guard.example", True),
        ("/v1/anything", "redact.guard.example", True),
        ("/applyGuardrails", "ai-guard.trend-ai-security.svc", False),
        ("/", "guard.example", False),
        ("/v1/activity/x", "guard.example", False),
        ("/api/v2/ai-guard/evaluate", "guard.example", False),
        ("*", "", False),
        ("", "", False),
    ],
)
def test_whose_a_path_is(path: str, host: str, owned: bool) -> None:
    assert PangeaDialect().owns(path, host) is owned
