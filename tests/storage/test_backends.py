"""What is particular to each back end, and what is said when one is out of reach."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, make_url, text
from store_support import make_record

from guardhouse.errors import ConfigurationError, MissingExtra, StorageUnavailable
from guardhouse.settings import Settings
from guardhouse.storage import postgres, sqlite, tables
from guardhouse.storage.base import ActivityQuery
from guardhouse.storage.database import WriteRefused
from guardhouse.storage.sqlite import SqliteDatabase
from guardhouse.storage.store import SqlStore, store_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def embedded(tmp_path: Path, anyio_backend: str) -> AsyncIterator[SqlStore]:
    store = store_of(Settings(data_dir=tmp_path / "data"))
    await store.open()
    yield store
    await store.close()


async def test_only_the_owner_can_read_the_file(embedded: SqlStore, tmp_path: Path) -> None:
    await embedded.activity.append([make_record()])
    folder = tmp_path / "data"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in os.listdir(folder)}
    names = ("guardhouse.db", "guardhouse.db-wal", "guardhouse.db-shm", "guardhouse.db-next", "guardhouse.db-turn")
    assert modes == dict.fromkeys(names, 0o600)


async def test_every_connection_commits_to_the_disk(embedded: SqlStore) -> None:
    async with embedded._database.reading() as first, embedded._database.reading() as second:
        for connection in (first, second):
            assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar() == "wal"
            assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar() == 2
    await embedded.activity.append([make_record()])
    assert isinstance(embedded._database, SqliteDatabase)
    writer = embedded._database._writer._connection
    assert writer is not None
    assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer.execute("PRAGMA synchronous").fetchone() == (2,)


async def test_the_writer_goes_on_after_a_refusal(embedded: SqlStore) -> None:
    await embedded.activity.append([make_record("r1")])
    for _ in range(2):
        with pytest.raises(WriteRefused):
            await embedded.activity.append([make_record("r2"), make_record("r1")])
    with pytest.raises(WriteRefused, match="UnicodeEncodeError"):
        await embedded.activity.append([make_record("\ud800")])
    await embedded.activity.append([make_record("r2")])
    assert await embedded.activity.count(ActivityQuery()) == 2


async def test_a_closed_store_can_be_used_again(embedded: SqlStore) -> None:
    await embedded.activity.append([make_record("r1")])
    await embedded.close()
    await embedded.activity.append([make_record("r2")])
    assert await embedded.activity.count(ActivityQuery()) == 2


async def test_reading_goes_on_while_somebody_writes(embedded: SqlStore) -> None:
    async with embedded._database.writing() as connection:
        await connection.execute(text("INSERT INTO recipes VALUES ('r', '{}')"))
        assert await embedded.policies.revision() == 0


async def test_a_store_that_stays_locked_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.05)
    store = store_of(Settings(data_dir=tmp_path))
    await store.open()
    holder = sqlite3.connect(tmp_path / "guardhouse.db")
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable, match="database is locked"):
        await store.activity.append([make_record()])
    holder.rollback()
    holder.close()
    await store.activity.append([make_record()])
    await store.close()


async def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "guardhouse.db").write_text("this is not a database, but long enough to look like one" * 20)
    store = store_of(Settings(data_dir=tmp_path))
    with pytest.raises(StorageUnavailable, match=r"guardhouse\.db.*not a database"):
        await store.open()
    await store.close()


async def test_a_folder_that_cannot_be_made_is_said_to_be_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    store = store_of(Settings(data_dir=tmp_path / "taken"))
    with pytest.raises(StorageUnavailable, match=r"taken/guardhouse\.db"):
        await store.open()
    await store.close()


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "postgres://nobody:pw@127.0.0.1:1/none"])
async def test_a_server_out_of_reach_is_unavailable(url: str, tmp_path: Path) -> None:
    pytest.importorskip("asyncpg")
    store = store_of(Settings(data_dir=tmp_path, database_url=url))
    with pytest.raises(StorageUnavailable, match="out of reach") as caught:
        await store.open()
    assert "pw" not in str(caught.value)
    await store.close()


def test_without_the_driver_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"guardhouse\[postgres\]"):
        store_of(Settings(data_dir=tmp_path, database_url="postgresql://127.0.0.1/x"))


async def test_a_refusal_quotes_no_value(store: SqlStore) -> None:
    record = make_record("planted-secret", service="planted-secret")
    await store.activity.append([record])
    with pytest.raises(WriteRefused) as caught:
        await store.activity.append([record])
    assert "planted" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"database": "surely_not_there"}, 'database "surely_not_there" does not exist'),
        ({"username": "surely_not_there", "password": "planted"}, "surely_not_there"),
        ({"query": {"sslmode": "require"}}, "out of reach"),
    ],
    ids=["database", "user", "no-tls"],
)
async def test_why_a_server_lets_nobody_in(
    postgres_url: str, tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    url = make_url(postgres_url).set(**change).render_as_string(hide_password=False)
    store = store_of(Settings(data_dir=tmp_path, database_url=url))
    with pytest.raises(StorageUnavailable) as caught:
        await store.open()
    assert says in str(caught.value)
    assert "planted" not in str(caught.value)
    await store.close()


@pytest.mark.postgres
async def test_parameters_of_the_url_reach_the_server(postgres_url: str, tmp_path: Path) -> None:
    query = "sslmode=prefer&application_name=gh-test&prepared_statement_cache_size=0"
    store = store_of(Settings(data_dir=tmp_path, database_url=f"{postgres_url}?{query}"))
    async with store._database.reading() as connection:
        assert (await connection.exec_driver_sql("SHOW application_name")).scalar() == "gh-test"
        assert (await connection.exec_driver_sql("SHOW transaction_isolation")).scalar() == "repeatable read"
        assert (await connection.exec_driver_sql("SHOW transaction_read_only")).scalar() == "on"
    async with store._database.writing() as connection:
        assert (await connection.exec_driver_sql("SHOW synchronous_commit")).scalar() == "on"
        assert (await connection.exec_driver_sql("SHOW transaction_read_only")).scalar() == "off"
    await store.close()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://127.0.0.1:99999/x", "port 99999"),
        ("postgresql://127.0.0.1:port/x", "is not a URL like"),
        ("postgresql://127.0.0.1/x?nonsense=1", "parameter 'nonsense'"),
        ("mysql://127.0.0.1/x", "must begin with postgresql://"),
    ],
    ids=["port", "form", "parameter", "kind"],
)
def test_urls_that_make_no_sense(tmp_path: Path, url: str, says: str) -> None:
    pytest.importorskip("asyncpg")
    with pytest.raises(ConfigurationError, match=says):
        store_of(Settings(data_dir=tmp_path, database_url=url))


async def test_what_a_newer_version_stored_is_not_misread(store: SqlStore) -> None:
    async with store._database.writing() as connection:
        await connection.execute(insert(tables.policies).values(scope='["shop",null]', document='{"future":1}'))
    with pytest.raises(StorageUnavailable, match=r"cannot be read by this version: .*'future'"):
        await store.policies.load()


async def test_switching_to_wal_waits_for_who_holds_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_S", 0.1)
    holder = sqlite3.connect(tmp_path / "guardhouse.db")
    holder.execute("CREATE TABLE held (x)")
    holder.execute("BEGIN EXCLUSIVE")
    store = store_of(Settings(data_dir=tmp_path))
    with pytest.raises(StorageUnavailable, match="locked"):
        await store.open()
    holder.rollback()
    holder.close()
    await store.open()
    await store.close()
