"""The client for code under an event loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from guardhouse.client import wire
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.recipe import Overrides


class AsyncGuardClient:
    """`GuardClient` with `await`. Belongs to one event loop; close it, or use it in `async with`."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout_s: float = wire.DEFAULT_TIMEOUT_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url, headers=wire.headers(key), timeout=timeout_s, transport=transport, follow_redirects=False
        )

    async def evaluate(
        self,
        content: str | Sequence[Mapping[str, Any]],
        *,
        recipe: str | None = None,
        service: str | None = None,
        env: str | None = None,
        role: str | None = None,
        overrides: Overrides | Mapping[str, Any] | None = None,
        block: bool = False,
    ) -> Evaluation:
        """Judge one text, or the last turn of a list of chat messages; raises as `GuardClient.evaluate` does."""
        body = wire.request_body(content, role=role, recipe=recipe, service=service, env=env, overrides=overrides)
        try:
            response = await self._http.post(wire.EVALUATE_PATH, content=body)
        except httpx.TransportError as error:
            raise wire.unreachable(error) from error
        return wire.read_evaluation(response, block=block)

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
