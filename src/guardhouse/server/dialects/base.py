"""What a dialect is, and what every dialect's handlers share.

A handler is an `async def handler(request: Request) -> Response`. It takes `front_of(request)` and goes through the
same steps everywhere, raising errors of `guardhouse.errors` (never answering them itself: the application gives every
raised error to `render_error` of the dialect that owns the path):

    front = front_of(request)
    key = await front.admit(request)                      # address limit, bearer key, permission, key limit
    document = await front.read_json(request)             # bounded, with a deadline, strict
    asked = parse(document)                               # the dialect's own: EvaluationRequest
    evaluation = await front.evaluate(request, asked, key)
    return json_response(render(evaluation))              # the dialect's own
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from guardhouse.errors import GuardhouseError, RateLimited, Unauthorized, Unavailable
from guardhouse.server.limits import Usage
from guardhouse.server.strict_json import encode_json

if TYPE_CHECKING:
    from guardhouse.server.front import Front


class Dialect(Protocol):
    """One vendor's words. A dialect holds no state of its own; everything lies in the request's `Front`."""

    @property
    def name(self) -> str:
        """`lower_snake`, as in the setting `dialects` and in the activity log."""
        ...

    def routes(self) -> Sequence[BaseRoute]:
        """Its routes. Paths with and without a doubled slash are listed by the dialect where clients send both."""
        ...

    def owns(self, path: str, host: str) -> bool:
        """True when errors on this path (404 and 405 included) are to be in this dialect's form.

        `host` is the Host header in lower case without its port. Asked in the order of `app.DIALECTS`; the native
        dialect owns what no other does.
        """
        ...

    def render_error(self, error: GuardhouseError, request: Request) -> Response:
        """The error in the vendor's form. `status_of(error)` and `error_headers(error)` are the same everywhere.

        Called for `CallerError`, `Unavailable` and `server.errors.ServerFault` (500; its `incident` is the logged id).
        """
        ...

    def openapi_paths(self) -> Mapping[str, Any]:
        """Its part of `paths` in `/openapi.json`: every route, with request, answer and errors."""
        ...


def front_of(request: Request) -> Front:
    """The server's shared state: services, settings, limits, telemetry."""
    return cast("Front", request.app.state.front)


def usage_of(request: Request) -> Usage | None:
    """How much of the key's requests per minute is left after this one, for rate headers; None before `admit_key`
    and where no limit is set."""
    return cast("Usage | None", getattr(request.state, "usage", None))


def request_id_of(request: Request) -> str:
    """32 hexadecimal characters, fresh for every request, the same as in the log line."""
    return cast("str", request.state.request_id)


def error_headers(error: GuardhouseError) -> dict[str, str]:
    """`Retry-After` for what may be tried again, the scheme that RFC 9110 wants beside a 401, else nothing."""
    if isinstance(error, RateLimited | Unavailable):
        return {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, Unauthorized):
        return {"WWW-Authenticate": "Bearer"}
    return {}


def json_response(
    value: Any, *, status: int = 200, media_type: str = "application/json", headers: Mapping[str, str] | None = None
) -> Response:
    """`value` as JSON. Lone surrogates are written as `\\uXXXX` escapes, so no text can make an answer fail."""
    return Response(encode_json(value), status_code=status, media_type=media_type, headers=dict(headers or {}))
