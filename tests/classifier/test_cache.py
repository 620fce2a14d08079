"""The bounded memory of readings."""

from __future__ import annotations

import pytest

from guardhouse.classifier.base import ClassifierInput
from guardhouse.classifier.cache import ReadingCache
from guardhouse.model.conversation import Channel


def test_forgets_the_least_recently_used() -> None:
    cache = ReadingCache(2)
    cache.put(b"a", b"1")
    cache.put(b"b", b"2")
    assert cache.get(b"a") == b"1"
    cache.put(b"c", b"3")
    assert cache.get(b"b") is None
    assert (cache.get(b"a"), cache.get(b"c")) == (b"1", b"3")
    assert len(cache) == 2


def test_keys_tell_text_and_channel_apart() -> None:
    given = [
        ClassifierInput("a", Channel.USER),
        ClassifierInput("a", Channel.TOOL),
        ClassifierInput("b", Channel.USER),
        ClassifierInput("\ud800", Channel.USER),
    ]
    assert len({ReadingCache.key(one) for one in given}) == 4
    assert ReadingCache.key(ClassifierInput("a", Channel.USER)) == ReadingCache.key(given[0])


def test_needs_room() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ReadingCache(0)
