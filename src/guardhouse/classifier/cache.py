"""A bounded memory of readings: agents resend their whole history, and only new text is worth reading."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from threading import Lock

from guardhouse.classifier.base import ClassifierInput


class ReadingCache:
    """The least recently used of at most `entries` packed readings, by content. Safe between threads."""

    def __init__(self, entries: int) -> None:
        if entries < 1:
            raise ValueError(f"a cache holds at least 1 entry, not {entries!r}")
        self._entries = entries
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._kept)

    @staticmethod
    def key(given: ClassifierInput) -> bytes:
        """A digest of text and channel. Cryptographic: a collision made on purpose would borrow a verdict."""
        digest = hashlib.blake2b(given.channel.value.encode(), digest_size=16)
        digest.update(b"\0")
        digest.update(given.text.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def get(self, key: bytes) -> bytes | None:
        """What was put under `key`, unless forgotten since."""
        with self._lock:
            packed = self._kept.get(key)
            if packed is not None:
                self._kept.move_to_end(key)
            return packed

    def put(self, key: bytes, packed: bytes) -> None:
        """Remember `packed`, forgetting the least recently used when full."""
        with self._lock:
            self._kept[key] = packed
            self._kept.move_to_end(key)
            if len(self._kept) > self._entries:
                self._kept.popitem(last=False)
