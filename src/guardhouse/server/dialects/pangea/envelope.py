"""The envelope that every answer wears, and errors in it.

It has exactly six keys: the vendor's Python client refuses an answer with a seventh, on any status.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

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
    UnknownRecipe,
)
from guardhouse.server.dialects.base import error_headers, json_response, request_id_of
from guardhouse.server.dialects.pangea.schema import Problem, problems_of

_TO_BASE32 = str.maketrans("0123456789abcdef", "abcdefghijklmnop")

_STATUSES: tuple[tuple[type[GuardhouseError], int, str], ...] = (
    (UnknownRecipe, 400, "RecipeNotExist"),
    (InvalidInput, 400, "ValidationError"),
    (TooLarge, 413, "ValidationError"),
    (Unauthorized, 401, "Unauthorized"),
    (Forbidden, 403, "ServiceNotEnabled"),
    (NotFound, 404, "NotFound"),
    (MethodNotAllowed, 405, "MethodNotAllowed"),
    (RequestTimeout, 408, "RequestTimeout"),
    (Conflict, 409, "Conflict"),
    (RateLimited, 429, "TooManyRequests"),
    (Unavailable, 503, "ServiceNotAvailable"),
)
"""First match wins. The names that clients know are the vendor's; any other reaches them as a plain API error."""


def vendor_request_id(request: Request) -> str:
    """`prq_` and 32 of `a-z2-7`: the hexadecimal id of the log line, digit for letter (0 is a, f is p)."""
    return "prq_" + request_id_of(request).translate(_TO_BASE32)


def mark_start(request: Request) -> None:
    """Remember when work on this request began, for `request_time`."""
    request.state.pangea_start = datetime.now(UTC)


def enveloped(request: Request, *, status: str, summary: str, result: Any) -> dict[str, Any]:
    """The six keys."""
    now = datetime.now(UTC)
    return {
        "request_id": vendor_request_id(request),
        "request_time": _stamp(getattr(request.state, "pangea_start", now)),
        "response_time": _stamp(now),
        "status": status,
        "summary": summary,
        "result": result,
    }


def success(request: Request, *, summary: str, result: Any) -> Response:
    """HTTP 200 with `result` in the envelope."""
    envelope = enveloped(request, status="Success", summary=summary, result=result)
    return json_response(envelope, headers={"x-request-id": envelope["request_id"]})


def failure(error: GuardhouseError, request: Request) -> Response:
    """Any error in the envelope, with the status words that the vendor's clients turn into their exceptions."""
    http_status, status = next(
        ((code, word) for kind, code, word in _STATUSES if isinstance(error, kind)), (500, "InternalError")
    )
    result: dict[str, Any] | None = None
    summary = getattr(error, "detail", "") or "the request could not be served"
    if isinstance(error, InvalidInput | TooLarge):
        problems = _problems(error)
        result = {"errors": [problem.as_dict() for problem in problems]}
        if status == "ValidationError":
            summary = _counted(len(problems))
    envelope = enveloped(request, status=status, summary=summary, result=result)
    headers = {"x-request-id": envelope["request_id"], **error_headers(error)}
    return json_response(envelope, status=http_status, headers=headers)


def _problems(error: InvalidInput | TooLarge) -> tuple[Problem, ...]:
    if isinstance(error, TooLarge):
        return (Problem("AboveMaxLength", error.detail),)
    return problems_of(error)


def _counted(number: int) -> str:
    return "There was 1 error in the request." if number == 1 else f"There were {number} errors in the request."


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
