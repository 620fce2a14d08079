"""The client for ordinary code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from guardhouse.client import wire
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.recipe import Overrides


class GuardClient:
    """A Guardhouse server. Keeps connections open; safe to share between threads; close it, or use it in `with`.

    `transport` is for tests and for special networks.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        timeout_s: float = wire.DEFAULT_TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=base_url, headers=wire.headers(key), timeout=timeout_s, transport=transport, follow_redirects=False
        )

    def evaluate(
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
        """Judge one text, or the last turn of a list of chat messages.

        Raises the errors of `guardhouse.errors`: `InvalidInput`, `Unauthorized`, `RateLimited`, `Unavailable` (also
        when the server does not answer in time), and with `block=True` `Blocked` when the verdict is to be acted on.
        """
        body = wire.request_body(content, role=role, recipe=recipe, service=service, env=env, overrides=overrides)
        try:
            response = self._http.post(wire.EVALUATE_PATH, content=body)
        except httpx.TransportError as error:
            raise wire.unreachable(error) from error
        return wire.read_evaluation(response, block=block)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
