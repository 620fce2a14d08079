from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from service_support import RECIPE, StillClock, make_guard
from store_fixtures import anyio_backend

from guardhouse.model.key import ApiKey, KeyRole
from guardhouse.service.app import Services, open_services
from guardhouse.settings import Settings
from guardhouse.storage.store import SqlStore, store_of

__all__ = ["anyio_backend"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", threads=2)


@pytest.fixture
async def store(settings: Settings, anyio_backend: str) -> AsyncIterator[SqlStore]:
    store = store_of(settings)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
async def services(settings: Settings, anyio_backend: str) -> AsyncIterator[Services]:
    """Services that judge by the recipe `words`."""
    async with await open_services(settings, guard=make_guard(settings)) as services:
        await services.recipes.save(RECIPE)
        yield services


@pytest.fixture
async def key(services: Services) -> ApiKey:
    return (await services.keys.create(name="caller", role=KeyRole.EVALUATOR))[0]
