from __future__ import annotations

from datetime import timedelta

import pytest

from guardhouse.errors import Conflict, InvalidInput, NotFound
from guardhouse.service import configurations as module
from guardhouse.service.app import Services
from guardhouse.service.configurations import LIMIT_BYTES, new_name

pytestmark = pytest.mark.anyio


async def test_made_changed_and_deleted(services: Services) -> None:
    made = await services.configurations.create("c1", "redact", "One", {"a": 1})
    assert await services.configurations.all() == {"c1": made}
    changed = await services.configurations.update(made, name="Two", document={"a": 2})
    assert (changed.name, changed.document, changed.created) == ("Two", {"a": 2}, made.created)
    assert changed.updated > made.updated
    assert await services.configurations.all() == {"c1": changed}
    with pytest.raises(Conflict, match="meanwhile"):
        await services.configurations.update(made, name="Three", document={})
    with pytest.raises(NotFound):
        await services.configurations.delete("c1", "guard")
    assert await services.configurations.delete("c1", "redact") == changed
    assert await services.configurations.all() == {}
    with pytest.raises(NotFound):
        await services.configurations.update(changed, name="Four", document={})


async def test_every_change_moves_the_time_even_under_a_clock_that_stands(services: Services) -> None:
    made = await services.configurations.create("c1", "redact", "One", {})
    services.configurations._now = lambda: made.created
    changed = await services.configurations.update(made, name="One", document={})
    assert changed.updated == made.updated + timedelta(microseconds=1)


async def test_it_is_one_object_until_something_changes(services: Services) -> None:
    await services.configurations.create("c1", "redact", "One", {})
    before = await services.configurations.all()
    assert await services.configurations.current() is before
    await services.configurations.create("c2", "redact", "Two", {})
    assert set(await services.configurations.all()) == {"c1", "c2"}


@pytest.mark.parametrize(
    ("name", "document"), [("", {}), ("n" * 201, {}), ("n", {"a": "x" * LIMIT_BYTES})], ids=["none", "name", "document"]
)
async def test_what_is_too_long_is_refused(services: Services, name: str, document: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        await services.configurations.create("c1", "redact", name, document)
    assert await services.configurations.all() == {}


async def test_there_is_an_end_to_how_many(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 1)
    await services.configurations.create("c1", "redact", "One", {})
    with pytest.raises(Conflict, match="delete one"):
        await services.configurations.create("c2", "redact", "Two", {})


def test_names_are_random_base32() -> None:
    names = {new_name() for _ in range(50)}
    assert len(names) == 50
    assert all(len(name) == 32 and set(name) <= set("abcdefghijklmnopqrstuvwxyz234567") for name in names)
