"""Originals are given out only to who may have them, and never without a durable record of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from service_support import StillClock, make_guard
from store_support import make_key

from guardhouse.errors import ConfigurationError, Forbidden, InvalidContext, StorageUnavailable
from guardhouse.model.activity import ActivityRecord, RecordKind, Unredaction
from guardhouse.model.key import KeyRole
from guardhouse.service.lanes import Lanes
from guardhouse.service.unredact import Unredactions
from guardhouse.settings import Settings
from guardhouse.storage.base import ActivityQuery
from guardhouse.storage.group_commit import GroupCommit
from guardhouse.storage.store import SqlStore

pytestmark = pytest.mark.anyio

GUARD = make_guard()
NUMBERED = {"action": "replace", "parameters": {"reversible": True}, "kinds": ["SECRET"]}
MAY = replace(make_key(), may_unredact=True)
RING = GUARD.restorer(GUARD.redact("secret", **NUMBERED).fpe_context).key[0]  # type: ignore[arg-type]


def hidden(text: str, service: str | None = None) -> tuple[str, str]:
    told = GUARD.redact(text, service=service, **NUMBERED)  # type: ignore[arg-type]
    assert told.fpe_context is not None
    return told.content, told.fpe_context


class Running:
    """Un-redactions over a store, or over an `append` that is given."""

    def __init__(self, log: GroupCommit) -> None:
        self.clock = StillClock()
        self.lanes = Lanes(threads=1, max_queued=8, deadline_s=30)
        self.log = log
        self.unredactions = Unredactions(GUARD, self.lanes, log, now=self.clock.now, new_id=lambda: "u-1")
        log.start()

    async def close(self) -> None:
        self.lanes.close()
        await self.log.close()


async def test_it_is_in_the_log_without_a_value(store: SqlStore) -> None:
    running = Running(GroupCommit(store.activity.append))
    text, context = hidden("my secret is secret")
    data = {"a": text, "b": [text]}
    told = await running.unredactions.data(data, context, MAY, service=None, dialect="native", size=10)
    assert told.data == {"a": "my secret is secret", "b": ["my secret is secret"]}
    assert "secret" not in repr(told)
    record = await store.activity.get("u-1")
    assert record == ActivityRecord(
        id="u-1",
        time=running.clock.now(),
        key_id=MAY.id,
        dialect="native",
        service="",
        env="",
        evaluation=None,
        unredaction=Unredaction({"SECRET": 1}, RING, 1),
    )
    assert record.what is RecordKind.UNREDACTION
    await running.close()


async def test_a_list_of_originals_is_recorded_as_one(store: SqlStore) -> None:
    running = Running(GroupCommit(store.activity.append))
    _, context = hidden("secret", service="shop")
    bound = replace(MAY, service="shop")
    told = await running.unredactions.originals(context, bound, service=None, dialect="pangea", size=0)
    assert told.data == {"<SECRET_1>": "secret"}
    record = await store.activity.get("u-1")
    assert record is not None
    assert (record.service, record.dialect) == ("shop", "pangea")
    assert record.unredaction == Unredaction({"SECRET": 1}, RING, 1, is_list=True)
    assert record.unredaction.count == 1
    await running.close()


async def test_data_that_quotes_nothing_is_recorded_as_nothing(store: SqlStore) -> None:
    running = Running(GroupCommit(store.activity.append))
    told = await running.unredactions.data("x", hidden("secret")[1], MAY, service=None, dialect="native", size=0)
    assert told.data == "x"
    page = await store.activity.query(ActivityQuery(what=RecordKind.UNREDACTION))
    assert [record.unredaction for record in page.records] == [Unredaction({}, RING, 1)]
    await running.close()


async def test_nothing_is_answered_that_could_not_be_recorded() -> None:
    async def refuse(_: object) -> None:
        raise StorageUnavailable("the disk is full")

    running = Running(GroupCommit(refuse))
    text, context = hidden("secret")
    with pytest.raises(StorageUnavailable, match="disk"):
        await running.unredactions.data(text, context, MAY, service=None, dialect="native", size=0)
    await running.close()


async def test_the_answer_waits_for_the_record() -> None:
    written, go_on = asyncio.Event(), asyncio.Event()

    async def append(_: object) -> None:
        written.set()
        await go_on.wait()

    running = Running(GroupCommit(append))
    text, context = hidden("secret")
    answer = asyncio.ensure_future(
        running.unredactions.data(text, context, MAY, service=None, dialect="native", size=0)
    )
    await written.wait()
    assert not answer.done()
    go_on.set()
    assert (await answer).data == "secret"
    await running.close()


@pytest.mark.parametrize(
    ("key", "service", "error"),
    [
        (make_key(), None, Forbidden),
        (replace(make_key(), role=KeyRole.ADMIN), None, Forbidden),
        (replace(MAY, service="shop"), "desk", Forbidden),
        (replace(MAY, service="shop"), None, InvalidContext),
        (MAY, "desk", InvalidContext),
    ],
    ids=["evaluator", "admin", "bound-elsewhere", "bound", "wrong-service"],
)
async def test_who_may_not_gets_nothing_and_leaves_no_record(
    store: SqlStore, key: object, service: str | None, error: type[Exception]
) -> None:
    running = Running(GroupCommit(store.activity.append))
    text, context = hidden("secret")
    with pytest.raises(error):
        await running.unredactions.data(text, context, key, service=service, dialect="native", size=0)  # type: ignore[arg-type]
    assert await store.activity.count(ActivityQuery()) == 0
    await running.close()


async def test_services_without_judging_give_nothing(settings: Settings) -> None:
    from guardhouse.service.app import open_services

    async with await open_services(settings, guard=GUARD, judging=False) as services:
        for call in (services.unredact("x", "y", MAY), services.originals("y", MAY)):
            with pytest.raises(ConfigurationError, match="without judging"):
                await call
