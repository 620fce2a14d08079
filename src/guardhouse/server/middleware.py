"""Around every request: its id, its log line, its count."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from guardhouse.server.dialects.base import front_of

LOGGED_PATH_CHARACTERS = 128


class Watcher:
    """Gives `request.state.request_id`, the header `x-request-id` where a dialect sets none, and one log line."""

    def __init__(self, app: ASGIApp, *, owner_name: Callable[[Request], str]) -> None:
        self._app = app
        self._owner_name = owner_name
        # Ids must differ, not be secret: asking the system for each would hand the interpreter to another thread.
        self._ids = random.Random()  # noqa: S311

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and watches the answer go by."""
        if scope["type"] != "http":
            await self._app(scope, receive, _without_traceback(send))
            return
        request = Request(scope)
        request_id = request.state.request_id = f"{self._ids.getrandbits(128):032x}"
        started = time.perf_counter()
        status = 500

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).setdefault("x-request-id", request_id)
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        finally:
            front_of(request).telemetry.finished(
                dialect=self._owner_name(request),
                status=status,
                seconds=time.perf_counter() - started,
                fields=_fields(request, request_id),
            )


def _without_traceback(send: Send) -> Send:
    """A server that cannot start says why in one line."""

    async def short_send(message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            message = {**message, "message": message.get("message", "").strip().rpartition("\n")[2]}
        await send(message)

    return short_send


def _fields(request: Request, request_id: str) -> dict[str, Any]:
    """What the log line says: ids, the path without its query, the verdict."""
    state = request.state
    fields: dict[str, Any] = {
        "request_id": request_id,
        "method": request.method,
        "path": request.scope["path"][:LOGGED_PATH_CHARACTERS],
        "key_id": getattr(state, "key_id", ""),
        "error": getattr(state, "error", ""),
    }
    evaluation = getattr(state, "evaluation", None)
    if evaluation is not None:
        fields |= {"evaluation_id": evaluation.id, "action": evaluation.action.name, "blocked": evaluation.blocked}
    return fields
