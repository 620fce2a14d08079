"""Answers that a client may ask for again of another worker or replica: sealed under the key that it called with.

The store holds of a key only its hash, so that nobody who has the store can open an answer; what was asked and said
stays unreadable there, and goes after five minutes. Keeping is best effort and in the background: no answer waits.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guardhouse.errors import StorageUnavailable
from guardhouse.storage.base import AnswerStore, SealedAnswer

logger = logging.getLogger("guardhouse.answers")

KEPT = timedelta(minutes=5)
KEEP_ROWS = 10_000
LIMIT_BYTES = 32 * 1024
"""A longer answer is not shared."""
_EVERY_S = 0.25
_PRUNED_EVERY = timedelta(seconds=5)
_MOST_WAITING = 1_000
_NONCE = bytes(12)
"""Each answer has a key of its own, made from its id: none is used twice."""


class SharedAnswers:
    """What this process shares with the others of the same store. Nothing is kept before `start`."""

    def __init__(self, store: AnswerStore, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._now = now
        self._waiting: deque[SealedAnswer] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._pruned = datetime.min.replace(tzinfo=UTC)

    @property
    def is_shared(self) -> bool:
        """True when there are others to share with."""
        return self._writer is not None

    def start(self) -> None:
        """Begins to write what is offered, in the running loop."""
        self._writer = asyncio.get_running_loop().create_task(self._write(), name="answers")

    def offer(self, answer_id: str, secret: str, body: bytes) -> None:
        """Keeps one answer, unless it is long or too many are waiting."""
        if self._writer is None or len(body) > LIMIT_BYTES or len(self._waiting) >= _MOST_WAITING:
            return
        sealed = _cipher(answer_id, secret).encrypt(_NONCE, body, None)
        self._waiting.append(SealedAnswer(answer_id, self._now() + KEPT, base64.b64encode(sealed).decode("ascii")))

    async def find(self, answer_id: str, secret: str) -> bytes | None:
        """The answer that was given to the key `secret`, None when there is none (any more) or it was another's."""
        if self._writer is None:
            return None
        found = await self._store.find(answer_id, now=self._now())
        if found is None:
            return None
        try:
            return _cipher(answer_id, secret).decrypt(_NONCE, base64.b64decode(found.sealed), None)
        except InvalidTag:
            return None

    async def flush(self) -> None:
        """Writes what is waiting. What the store refuses is lost: a client can ask again what it wanted to know."""
        batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not batch:
            return
        try:
            await self._store.put(batch)
            if self._now() - self._pruned >= _PRUNED_EVERY:
                self._pruned = self._now()
                await self._store.prune(now=self._now(), keep_rows=KEEP_ROWS)
        except StorageUnavailable as error:
            logger.warning("%d answers could not be shared: %s", len(batch), error.detail)

    async def close(self) -> None:
        """Writes what is waiting and stops."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])
            self._writer = None
            await self.flush()

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.flush()


def _cipher(answer_id: str, secret: str) -> AESGCM:
    label = f"guardhouse answer\0{answer_id}".encode("utf-8", "surrogatepass")
    return AESGCM(hmac.digest(secret.encode("utf-8", "surrogatepass"), label, "sha256"))
