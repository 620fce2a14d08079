"""Answers kept for a short while, so that a client that polls `GET /request/{id}` finds what it was told."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

KEPT_S = 300.0
LIMIT_BYTES = 8 * 1024 * 1024


class KeptAnswers:
    """The newest answers of one worker, in memory only, each readable by the key that asked and by no other."""

    def __init__(
        self, *, limit_bytes: int = LIMIT_BYTES, kept_s: float = KEPT_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._answers: OrderedDict[str, tuple[float, str, bytes]] = OrderedDict()
        self._bytes = 0
        self._limit_bytes = limit_bytes
        self._kept_s = kept_s
        self._clock = clock

    def keep(self, request_id: str, key_id: str, body: bytes) -> None:
        """Keep one answer; the oldest make room."""
        self._answers[request_id] = (self._clock(), key_id, body)
        self._bytes += len(body)
        self._drop()

    def find(self, request_id: str, key_id: str) -> bytes | None:
        """The answer, when it is still here and this key's."""
        self._drop()
        kept = self._answers.get(request_id)
        return kept[2] if kept is not None and kept[1] == key_id else None

    def _drop(self) -> None:
        oldest_kept = self._clock() - self._kept_s
        while self._answers:
            request_id, (kept_at, _, body) = next(iter(self._answers.items()))
            if self._bytes <= self._limit_bytes and kept_at >= oldest_kept:
                break
            del self._answers[request_id]
            self._bytes -= len(body)
