from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from service_support import make_guard

from guardhouse.errors import StorageUnavailable
from guardhouse.service import app as app_module
from guardhouse.service.app import Services, open_services
from guardhouse.settings import Settings

pytestmark = pytest.mark.anyio


async def test_ready_when_store_and_model_are(services: Services) -> None:
    assert await services.ready() == {"store": "ok", "model": "ok"}


async def test_without_judging_the_model_is_not_loaded(settings: Settings) -> None:
    async with await open_services(settings, judging=False) as services:
        assert await services.ready() == {"store": "ok", "model": "not loaded"}


async def test_a_store_that_goes_away_is_told_and_asked_only_once_a_second(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def fail() -> None:
        nonlocal asked
        asked += 1
        raise StorageUnavailable("the store is out of reach: gone")

    monkeypatch.setattr(services.store, "ping", fail)
    for _ in range(3):
        assert (await services.ready())["store"] == "the store is out of reach: gone"
    assert asked == 1


async def test_a_store_that_hangs_is_told(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang() -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(services.store, "ping", hang)
    monkeypatch.setattr(app_module, "_READY_TIMEOUT_S", 0.05)
    assert (await services.ready())["store"] == "does not answer"


async def test_what_cannot_be_opened_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "guardhouse.db").write_text("this is not a database, but long enough to look like one" * 20)
    before = asyncio.all_tasks()
    with pytest.raises(StorageUnavailable):
        await open_services(Settings(data_dir=tmp_path), guard=make_guard())
    assert asyncio.all_tasks() == before


async def test_every_category_of_every_detector_is_known(services: Services) -> None:
    assert services.known_categories() == {"SECRET", "ATTACK"}


async def test_the_guard_is_made_with_the_key_of_the_data_folder(tmp_path: Path) -> None:
    async with await open_services(Settings(data_dir=tmp_path), judging=False) as services:
        assert not (tmp_path / "redaction.key").exists()
        assert services.guard is services.guard
        assert (tmp_path / "redaction.key").exists()
