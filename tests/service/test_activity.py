from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from store_support import START, eventually, make_key, make_record

from guardhouse.errors import StorageUnavailable
from guardhouse.service import activity as activity_module
from guardhouse.service.activity import Activity, Retention
from guardhouse.storage.base import ActivityQuery
from guardhouse.storage.store import SqlStore

pytestmark = pytest.mark.anyio

FREE = make_key()
BOUND = replace(FREE, service="desk")


@pytest.fixture
async def filled(store: SqlStore) -> SqlStore:
    services = ["shop", "desk", "desk", "", "shop"]
    await store.activity.append([make_record(f"r{n}", minutes=n, service=name) for n, name in enumerate(services)])
    return store


@pytest.mark.parametrize(
    ("key", "query", "expected"),
    [
        (None, None, ["r4", "r3", "r2", "r1", "r0"]),
        (FREE, ActivityQuery(services=("shop",)), ["r4", "r0"]),
        (BOUND, None, ["r2", "r1"]),
        (BOUND, ActivityQuery(services=("shop", "desk")), ["r2", "r1"]),
        (BOUND, ActivityQuery(services=("shop",)), []),
        (BOUND, ActivityQuery(until=START + timedelta(minutes=2)), ["r1"]),
    ],
    ids=["nobody", "free", "bound", "bound-both", "bound-other", "bound-time"],
)
async def test_a_bound_key_sees_its_own_service(
    filled: SqlStore, key: object, query: ActivityQuery | None, expected: list[str]
) -> None:
    activity = Activity(filled.activity)
    page = await activity.query(query, key=key)  # type: ignore[arg-type]
    assert [record.id for record in page.records] == expected
    assert await activity.count(query, key=key) == len(expected)  # type: ignore[arg-type]


async def test_getting_one(filled: SqlStore) -> None:
    activity = Activity(filled.activity)
    assert (await activity.get("r0")) == make_record("r0", minutes=0, service="shop")
    assert await activity.get("r0", key=FREE) is not None
    assert await activity.get("r0", key=BOUND) is None
    assert await activity.get("r1", key=BOUND) is not None
    assert await activity.get("nonsense") is None


@pytest.mark.parametrize(
    ("days", "rows", "left"),
    [(0, 0, 5), (1, 0, 3), (0, 2, 2), (1, 1, 1), (1000, 1000, 5)],
    ids=["unbounded", "age", "rows", "both", "wide"],
)
async def test_a_sweep_deletes_all_that_is_over_the_bounds(
    filled: SqlStore, days: int, rows: int, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity_module, "_SWEEP_ROWS", 1)  # so that it takes several turns
    monkeypatch.setattr(activity_module, "_PAUSE_S", 0)
    now = START + timedelta(days=1, minutes=2)
    retention = Retention(filled.activity, days=days, rows=rows, now=lambda: now)
    assert await retention.sweep() == 5 - left
    page = await filled.activity.query(ActivityQuery())
    assert [record.id for record in page.records] == ["r4", "r3", "r2", "r1", "r0"][:left]
    assert await retention.sweep() == 0


async def test_sweeping_goes_on_after_the_store_was_away(
    filled: SqlStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(activity_module, "SWEEP_EVERY_S", 0)
    prune = filled.activity.prune
    calls = 0

    async def flaky(**bounds: object) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise StorageUnavailable("the store is out of reach")
        return await prune(**bounds)  # type: ignore[arg-type]

    monkeypatch.setattr(filled.activity, "prune", flaky)
    with caplog.at_level(logging.INFO, "guardhouse.activity"):
        running = asyncio.create_task(Retention(filled.activity, days=0, rows=2).run())
        await eventually(lambda: calls >= 3)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert caplog.messages == [
        "retention could not sweep: the store is out of reach",
        "retention deleted 3 records",
    ]
