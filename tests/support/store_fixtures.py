"""Fixtures of empty stores, for the folders whose tests need one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from store_support import drop_postgres_database, make_postgres_database, run_postgres

from guardhouse.settings import Settings
from guardhouse.storage.store import SqlStore, store_of


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """One database for the run; what a test needs empty, it empties."""
    url = make_postgres_database()
    yield url
    drop_postgres_database(url)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of an empty store, on each back end in turn."""
    data_dir = tmp_path / "data"
    if request.param == "sqlite":
        return Settings(data_dir=data_dir)
    url = request.getfixturevalue("postgres_url")
    asyncio.run(run_postgres(url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public"))
    return Settings(data_dir=data_dir, database_url=url)


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[SqlStore]:
    """An open, empty store, on each back end in turn."""
    store = store_of(settings)
    await store.open()
    yield store
    await store.close()
