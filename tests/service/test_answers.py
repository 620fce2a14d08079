"""Answers shared between processes: sealed, bounded, and lost rather than waited for."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from guardhouse.errors import StorageUnavailable
from guardhouse.service import answers as module
from guardhouse.service.answers import KEPT, LIMIT_BYTES, SharedAnswers
from guardhouse.storage.store import SqlStore

pytestmark = pytest.mark.anyio


class Clock:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def shared(store: SqlStore, clock: Clock) -> AsyncIterator[SharedAnswers]:
    made = SharedAnswers(store.answers, now=clock)
    made.start()
    yield made
    await made.close()


async def test_another_process_finds_it_with_the_key_that_asked(
    shared: SharedAnswers, store: SqlStore, clock: Clock
) -> None:
    shared.offer("prq_a", "key of ann", b"planted words")
    await shared.flush()
    other = SharedAnswers(store.answers, now=clock)
    assert await other.find("prq_a", "key of ann") is None, "it shares with nobody"
    other.start()
    assert await other.find("prq_a", "key of ann") == b"planted words"
    assert await other.find("prq_a", "key of bob") is None
    assert await other.find("prq_b", "key of ann") is None
    kept = await store.answers.find("prq_a", now=clock.now)
    assert kept is not None
    assert "planted" not in kept.sealed
    clock.now += KEPT
    assert await other.find("prq_a", "key of ann") == b"planted words"
    clock.now += KEPT
    assert await other.find("prq_a", "key of ann") is None
    await other.close()


async def test_long_and_surplus_answers_are_not_shared(shared: SharedAnswers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_WAITING", 1)
    shared.offer("prq_long", "k", b"x" * (LIMIT_BYTES + 1))
    shared.offer("prq_a", "k", b"x" * LIMIT_BYTES)
    shared.offer("prq_b", "k", b"x")
    await shared.flush()
    assert await shared.find("prq_a", "k") == b"x" * LIMIT_BYTES
    assert await shared.find("prq_long", "k") is None
    assert await shared.find("prq_b", "k") is None


async def test_what_has_expired_is_deleted_now_and_then(
    shared: SharedAnswers, store: SqlStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEEP_ROWS", 1)
    start = clock.now
    for name in ("prq_a", "prq_b"):
        shared.offer(name, "k", b"x")
        await shared.flush()
        clock.now += module._PRUNED_EVERY
    found = [await store.answers.find(name, now=start) is not None for name in ("prq_a", "prq_b")]
    assert found == [False, True]


async def test_closing_writes_what_waits(shared: SharedAnswers, store: SqlStore, clock: Clock) -> None:
    shared.offer("prq_a", "k", b"x")
    await shared.close()
    assert await store.answers.find("prq_a", now=clock.now) is not None
    shared.offer("prq_b", "k", b"x")
    assert not shared.is_shared


async def test_what_the_store_refuses_is_lost_and_said(
    shared: SharedAnswers, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise StorageUnavailable("the store is out of reach: disk full")

    monkeypatch.setattr(shared._store, "put", refuse)
    shared.offer("prq_a", "k", b"planted")
    with caplog.at_level(logging.WARNING):
        await shared.flush()
    assert "1 answers could not be shared: the store is out of reach: disk full" in caplog.text
    assert "planted" not in caplog.text
