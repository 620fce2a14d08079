"""The client for code under an event loop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

from guardhouse.client import wire
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.recipe import Overrides
from guardhouse.model.redacted import RedactedContent
from guardhouse.text.spots import PieceReplacer


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
        conversation_id: str = "",
        fpe_context: str | None = None,
    ) -> Evaluation:
        """Judge one text, or the last turn of a list of chat messages; raises as `GuardClient.evaluate` does."""
        body = wire.request_body(
            content,
            role=role,
            recipe=recipe,
            service=service,
            env=env,
            overrides=overrides,
            conversation_id=conversation_id,
            fpe_context=fpe_context,
        )
        return wire.read_evaluation(await self._post(wire.EVALUATE_PATH, body), block=block)

    async def redact(
        self,
        content: str | Sequence[Mapping[str, Any]],
        *,
        action: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        kinds: Sequence[str] | None = None,
        rules: Mapping[str, Any] | None = None,
        recipe: str | None = None,
        service: str | None = None,
        env: str | None = None,
        conversation_id: str = "",
        fpe_context: str | None = None,
    ) -> RedactedContent:
        """One text, or all of a list of chat messages, with what is sensitive taken out.

        Takes what `Guard.redact` takes; raises `InvalidInput`, and as `evaluate` does.
        """
        body = wire.redact_body(
            content,
            action=action,
            parameters=parameters,
            kinds=None if kinds is None else list(kinds),
            rules=rules,
            recipe=recipe,
            service=service,
            env=env,
            conversation_id=conversation_id,
            fpe_context=fpe_context,
        )
        return wire.read_redacted(await self._post(wire.REDACT_PATH, body))

    async def unredact(self, data: Any, fpe_context: object, *, service: str | None = None) -> Any:
        """`data` (a text or any JSON document) with the originals of a redaction put back wherever they are quoted.

        The key needs the permission to un-redact. Raises `Forbidden` without it, `InvalidContext` for a context that is
        none, was changed, or belongs to another key or service, and as `evaluate` does.
        """
        body = wire.unredact_body(data, fpe_context, service=service)
        return wire.read_member(await self._post(wire.UNREDACT_PATH, body), "data")

    async def originals(self, fpe_context: object, *, service: str | None = None) -> dict[str, str]:
        """Every original that the context can give, by what was put in its place; raises as `unredact`."""
        body = wire.originals_body(fpe_context, service=service)
        return wire.read_originals(await self._post(wire.UNREDACT_PATH, body))

    async def unredactor(self, fpe_context: str | Sequence[str], *, service: str | None = None) -> PieceReplacer:
        """Restores a text that comes in pieces, under one context or several: `feed` them, then `finish`.

        Asks for all originals of the contexts now, and for nothing afterwards; raises as `unredact`.
        """
        contexts = [fpe_context] if isinstance(fpe_context, str) else fpe_context
        return wire.unredactor_of([await self.originals(context, service=service) for context in contexts])

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _post(self, path: str, body: bytes) -> httpx.Response:
        try:
            return await self._http.post(path, content=body)
        except httpx.TransportError as error:
            raise wire.unreachable(error) from error
