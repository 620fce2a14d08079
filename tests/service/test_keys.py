from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from service_support import StillClock

from guardhouse.errors import Conflict, InvalidInput, NotFound, Unauthorized
from guardhouse.model.key import ApiKey, KeyRole
from guardhouse.service import keys as keys_module
from guardhouse.service.keys import Keys, digest_of, expiry_warning, new_secret
from guardhouse.storage.keys import SqlKeys
from guardhouse.storage.store import SqlStore

pytestmark = pytest.mark.anyio


class CountingKeys(SqlKeys):
    """The real store, counting look-ups."""

    looked_up = 0

    async def by_digest(self, digest: str) -> ApiKey | None:
        self.looked_up += 1
        return await super().by_digest(digest)


@pytest.fixture
async def counting(store: SqlStore) -> CountingKeys:
    return CountingKeys(store._database)


@pytest.fixture
async def keys(counting: CountingKeys, clock: StillClock) -> Keys:
    return Keys(counting, now=clock.now, clock=clock)


def test_a_secret_is_random_and_easy_to_recognise() -> None:
    secrets = {new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert all(re.fullmatch(r"gh_[a-z2-7]{32}", secret) for secret in secrets)


async def test_a_new_key_opens_the_door(keys: Keys, clock: StillClock) -> None:
    key, secret = await keys.create(name="app", role=KeyRole.EVALUATOR, service="shop", may_unredact=True)
    assert await keys.authenticate(secret) == key
    assert (key.name, key.role, key.service, key.may_unredact) == ("app", KeyRole.EVALUATOR, "shop", True)
    assert key.expires == clock.now() + timedelta(days=90)
    assert key.digest == hashlib.sha256(secret.encode()).hexdigest()


async def test_the_secret_itself_is_stored_nowhere(keys: Keys, store: SqlStore) -> None:
    _, secret = await keys.create(name="app", role=KeyRole.ADMIN)
    async with store._database.reading() as connection:
        rows = (await connection.exec_driver_sql("SELECT * FROM keys")).all()
    assert len(rows) == 1
    assert secret.removeprefix("gh_") not in str(rows)


@pytest.mark.parametrize(
    "secret",
    ["", "x", "gh_" + "a" * 32, "gh_\0", "\ud800", "é" * 200, "a" * 257, "a" * 1_000_000],
    ids=["empty", "short", "unknown", "nul", "surrogate", "accents", "long", "huge"],
)
async def test_wrong_keys(keys: Keys, secret: str) -> None:
    await keys.create(name="app", role=KeyRole.EVALUATOR)
    with pytest.raises(Unauthorized) as caught:
        await keys.authenticate(secret)
    assert len(secret) < 3 or secret not in str(caught.value)


async def test_nobody_looks_up_what_cannot_be_a_key(keys: Keys, counting: CountingKeys) -> None:
    for secret in ("", "a" * 257):
        with pytest.raises(Unauthorized):
            await keys.authenticate(secret)
    assert counting.looked_up == 0


async def test_a_key_ends_at_its_expiry_even_while_remembered(keys: Keys, clock: StillClock) -> None:
    _, secret = await keys.create(name="app", role=KeyRole.EVALUATOR, expires_in=timedelta(seconds=0.5))
    await keys.authenticate(secret)
    clock.seconds += 0.5
    with pytest.raises(Unauthorized, match="expired"):
        await keys.authenticate(secret)


async def test_a_key_without_expiry_lasts(keys: Keys, clock: StillClock) -> None:
    key, secret = await keys.create(name="app", role=KeyRole.EVALUATOR, expires_in=None)
    clock.seconds += 400 * 24 * 3600
    assert await keys.authenticate(secret) == key


async def test_a_look_up_is_believed_for_one_second(keys: Keys, counting: CountingKeys, clock: StillClock) -> None:
    _, secret = await keys.create(name="app", role=KeyRole.EVALUATOR)
    for _ in range(3):
        await keys.authenticate(secret)
        clock.seconds += 0.33
    assert counting.looked_up == 1
    clock.seconds += 0.01
    await keys.authenticate(secret)
    assert counting.looked_up == 2


async def test_a_wrong_key_is_remembered_too(keys: Keys, counting: CountingKeys) -> None:
    for _ in range(3):
        with pytest.raises(Unauthorized):
            await keys.authenticate("gh_wrong")
    assert counting.looked_up == 1


async def test_wrong_keys_do_not_push_out_right_ones(
    keys: Keys, counting: CountingKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys_module, "_CACHED", 8)
    _, secret = await keys.create(name="app", role=KeyRole.EVALUATOR)
    await keys.authenticate(secret)
    for number in range(50):
        with pytest.raises(Unauthorized):
            await keys.authenticate(f"gh_{number}")
    before = counting.looked_up
    await keys.authenticate(secret)
    assert counting.looked_up == before
    assert len(keys._missed._entries) == 8


async def test_revoking_works_at_once_here_and_within_a_second_elsewhere(
    keys: Keys, counting: CountingKeys, clock: StillClock
) -> None:
    elsewhere = Keys(counting, now=clock.now, clock=clock)
    key, secret = await keys.create(name="app", role=KeyRole.EVALUATOR)
    await keys.authenticate(secret)
    await elsewhere.authenticate(secret)
    assert await keys.revoke("app") == key
    with pytest.raises(Unauthorized):
        await keys.authenticate(secret)
    clock.seconds += 1.0
    with pytest.raises(Unauthorized):
        await elsewhere.authenticate(secret)


async def test_revoking_by_id_or_name_leaves_the_others(keys: Keys) -> None:
    one, first = await keys.create(name="one", role=KeyRole.EVALUATOR)
    _, second = await keys.create(name="two", role=KeyRole.EVALUATOR)
    await keys.revoke(one.id)
    with pytest.raises(Unauthorized):
        await keys.authenticate(first)
    assert (await keys.authenticate(second)).name == "two"
    with pytest.raises(NotFound, match="'one'"):
        await keys.revoke("one")


async def test_rotation_by_overlap(keys: Keys, clock: StillClock) -> None:
    _, old = await keys.create(name="app", role=KeyRole.EVALUATOR)
    clock.seconds += 1
    _, new = await keys.create(name="app-2", role=KeyRole.EVALUATOR)
    assert (await keys.authenticate(old)).name == "app"
    assert (await keys.authenticate(new)).name == "app-2"
    await keys.revoke("app")
    clock.seconds += 1
    again, _ = await keys.create(name="app", role=KeyRole.EVALUATOR)
    assert [key.name for key in await keys.list()] == ["app", "app-2", "app"]
    assert again.revoked is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 65},
        {"name": "two\nlines"},
        {"name": " padded"},
        {"name": "\x1b[31mred"},
        {"service": ""},
        {"service": "x" * 201},
        {"expires_in": timedelta(0)},
        {"expires_in": timedelta(days=-1)},
        {"expires_in": timedelta(days=3651)},
    ],
    ids=str,
)
async def test_keys_that_make_no_sense_are_refused(keys: Keys, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        await keys.create(**{"name": "app", "role": KeyRole.EVALUATOR, **wrong})  # type: ignore[arg-type]
    assert not await keys.any()


async def test_a_name_that_is_in_use_is_refused(keys: Keys) -> None:
    await keys.create(name="app", role=KeyRole.EVALUATOR)
    with pytest.raises(Conflict):
        await keys.create(name="app", role=KeyRole.ADMIN)


async def test_an_index_that_compares_loosely_opens_nothing(keys: Keys, counting: CountingKeys) -> None:
    key, secret = await keys.create(name="app", role=KeyRole.EVALUATOR)

    async def loose(digest: str) -> ApiKey:
        return key

    counting.by_digest = loose  # type: ignore[method-assign]
    assert await keys.authenticate(secret) == key
    with pytest.raises(Unauthorized):
        await keys.authenticate("gh_other")


async def test_a_key_near_its_end_is_warned_of_once_a_day(
    keys: Keys, clock: StillClock, caplog: pytest.LogCaptureFixture
) -> None:
    key, secret = await keys.create(name="app", role=KeyRole.EVALUATOR, expires_in=timedelta(days=15))
    with caplog.at_level(logging.WARNING, "guardhouse.keys"):
        await keys.authenticate(secret)
        assert caplog.messages == []
        clock.seconds += 24 * 3600 + 60
        await keys.authenticate(secret)
        await keys.authenticate(secret)
        assert caplog.messages == [f"key {key.id} (app) expires in 13 days; make a new one in time"]
        clock.seconds += 24 * 3600
        await keys.authenticate(secret)
    assert len(caplog.messages) == 2
    assert secret not in caplog.text


@pytest.mark.parametrize(
    ("left", "warning"),
    [
        (timedelta(days=14, seconds=1), ""),
        (timedelta(days=14), "expires in 14 days"),
        (timedelta(days=1, hours=3), "expires in 1 day"),
        (timedelta(hours=3), "expires today"),
        (timedelta(0), ""),
        (None, ""),
    ],
    ids=["early", "fortnight", "day", "today", "over", "never"],
)
async def test_warnings(keys: Keys, clock: StillClock, left: timedelta | None, warning: str) -> None:
    key, _ = await keys.create(name="app", role=KeyRole.EVALUATOR)
    key = replace(key, expires=None if left is None else clock.now() + left)
    assert expiry_warning(key, clock.now()) == warning


def test_the_digest_of_a_known_secret() -> None:
    assert digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
