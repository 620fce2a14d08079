"""The schema from nothing, from every older version, and by many processes at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, insert, inspect
from store_support import START, make_key, make_record

from guardhouse.errors import ConfigurationError
from guardhouse.model.policy import Blocking, Policy, Scope
from guardhouse.settings import Settings
from guardhouse.storage import tables
from guardhouse.storage.base import ActivityQuery
from guardhouse.storage.migrations import migrate, postgres, sqlite
from guardhouse.storage.store import SqlStore, store_of

pytestmark = pytest.mark.anyio


async def open_at(settings: Settings, version: int) -> SqlStore:
    """A store whose schema is as old as `version`."""
    store = store_of(settings)
    database = store._database
    await database.prepare()
    async with database.migrating() as connection:
        await migrate(connection, database.steps[:version])
    return store


def test_both_back_ends_have_the_same_steps() -> None:
    assert [step.__name__ for step in sqlite.STEPS] == [step.__name__ for step in postgres.STEPS]


async def test_the_migrated_schema_is_what_queries_see(store: SqlStore) -> None:
    def columns(connection: Connection) -> dict[str, Any]:
        inspector = inspect(connection)
        return {
            table: {column["name"]: column["nullable"] for column in inspector.get_columns(table)}
            for table in inspector.get_table_names()
        }

    async with store._database.reading() as connection:
        found = await connection.run_sync(columns)
    expected = {
        table.name: {column.name: bool(column.nullable) for column in table.columns}
        for table in tables.metadata.tables.values()
    }
    for table in ("keys", "migrations"):  # SQLite reports its text and integer primary keys as nullable
        for name in ("id", "number"):
            found[table].pop(name, None)
            expected[table].pop(name, None)
    found["activity"].pop("seq")
    expected["activity"].pop("seq")
    assert found == expected


async def test_a_schema_of_version_one_keeps_its_keys(settings: Settings) -> None:
    old = await open_at(settings, 1)
    await old.keys.add(make_key())
    assert await old.schema_version() == 1
    await old.close()
    new = store_of(settings)
    await new.open()
    assert await new.schema_version() == 5
    assert await new.keys.all() == [make_key()]
    await new.activity.append([make_record()])
    await new.close()


async def test_a_schema_of_version_two_keeps_its_policies(settings: Settings) -> None:
    old = await open_at(settings, 2)
    policy = Policy(blocking=Blocking.BLOCK)
    await old.policies.change_policy(Scope("shop"), lambda _: policy, at=START)
    await old.close()
    new = store_of(settings)
    await new.open()
    stored = await new.policies.load()
    assert (stored.revision, stored.policies) == (1, {Scope("shop"): policy})
    assert await new.activity.count(ActivityQuery()) == 0
    await new.close()


async def test_a_schema_of_version_three_keeps_what_it_had(settings: Settings) -> None:
    old = await open_at(settings, 3)
    await old.activity.append([make_record()])
    await old.close()
    new = store_of(settings)
    await new.open()
    assert (await new.policies.load()).configurations == {}
    assert await new.activity.count(ActivityQuery()) == 1
    await new.close()


async def test_many_may_start_at_once_on_nothing(settings: Settings) -> None:
    stores = [store_of(settings) for _ in range(6)]
    await asyncio.gather(*(store.open() for store in stores))
    async with stores[0]._database.reading() as connection:
        applied = (await connection.exec_driver_sql("SELECT number, name FROM migrations ORDER BY number")).all()
    assert [tuple(row) for row in applied] == [
        (1, "create_keys"),
        (2, "create_policies"),
        (3, "create_activity"),
        (4, "create_configurations"),
        (5, "create_answers"),
    ]
    await asyncio.gather(*(store.close() for store in stores))


async def test_a_store_of_a_newer_version_is_left_alone(store: SqlStore, settings: Settings) -> None:
    async with store._database.writing() as connection:
        await connection.execute(insert(tables.migrations).values(number=6, name="from_the_future", applied_us=0))
    older = store_of(settings)
    with pytest.raises(ConfigurationError, match="newer version: it has schema 6, this version knows 5"):
        await older.open()
    await older.close()


async def test_a_step_that_fails_leaves_no_half_of_it(settings: Settings) -> None:
    store = await open_at(settings, 2)

    async def create_half(connection: Any) -> None:
        await connection.exec_driver_sql("CREATE TABLE half (id INTEGER)")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with store._database.migrating() as connection:
            await migrate(connection, [*store._database.steps[:2], create_half])
    async with store._database.reading() as connection:
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert "half" not in names
    assert await store.schema_version() == 2
    await store.close()
