from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from guardhouse.errors import RateLimited
from guardhouse.server.limits import Limiter, LimitPassed, Usage


@asynccontextmanager
async def limiter_of(**options: Any) -> AsyncIterator[Limiter]:
    chosen = {"key_requests_per_minute": 0, "address_requests_per_minute": 0, "key_tokens_per_day": 0, **options}
    limiter = Limiter(**chosen)
    try:
        yield limiter
    finally:
        await limiter.close()


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    if shutil.which("redis-server") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("redis-server is not installed")
        pytest.skip("redis-server is not installed")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        else:
            pytest.fail("redis-server did not start")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
def storage(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"redis_url": request.getfixturevalue("redis_url")} if request.param == "redis" else {}


@pytest.fixture(autouse=True)
def _clear_of_the_turn_of_a_minute() -> None:
    """Windows begin with the minutes of the clock; a test that straddles two of them would count in both."""
    second = time.time() % 60
    if second > 57:
        time.sleep(60.05 - second)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]


def test_a_key_has_so_many_requests_a_minute(storage: dict[str, str]) -> None:
    async def scenario() -> None:
        async with limiter_of(key_requests_per_minute=3, **storage) as limiter:
            usages = [await limiter.count_key("k-minute") for _ in range(3)]
            assert [usage and (usage.limit, usage.remaining) for usage in usages] == [(3, 2), (3, 1), (3, 0)]
            with pytest.raises(LimitPassed) as raised:
                await limiter.count_key("k-minute")
            assert raised.value.usage.remaining == 0
            assert 1 <= raised.value.retry_after_s == raised.value.usage.reset_s <= 60
            assert isinstance(await limiter.count_key("k-other"), Usage)

    run(scenario)


def test_an_address_is_counted_apart_from_keys(storage: dict[str, str]) -> None:
    async def scenario() -> None:
        async with limiter_of(key_requests_per_minute=1, address_requests_per_minute=2, **storage) as limiter:
            await limiter.count_address("192.0.2.77")
            await limiter.count_key("192.0.2.77")
            await limiter.count_address("192.0.2.77")
            with pytest.raises(RateLimited, match="address"):
                await limiter.count_address("192.0.2.77")

    run(scenario)


def test_tokens_of_the_day(storage: dict[str, str]) -> None:
    async def scenario() -> None:
        async with limiter_of(key_tokens_per_day=100, **storage) as limiter:
            await limiter.count_tokens("k-tokens", 90)
            with pytest.raises(RateLimited, match="tokens"):
                await limiter.count_tokens("k-tokens", 11)
            await limiter.count_tokens("k-tokens", 10)
            with pytest.raises(RateLimited) as raised:
                await limiter.count_tokens("k-tokens", 0)
            assert 0 < raised.value.retry_after_s <= 24 * 3600

    run(scenario)


def test_zero_is_no_limit() -> None:
    async def scenario() -> None:
        async with limiter_of() as limiter:
            for _ in range(50):
                assert await limiter.count_key("k") is None
                await limiter.count_address("192.0.2.1")
                await limiter.count_tokens("k", 10**12)

    run(scenario)


@pytest.mark.redis
def test_replicas_count_together_in_redis(redis_url: str) -> None:
    async def scenario() -> None:
        async with (
            limiter_of(key_requests_per_minute=2, redis_url=redis_url) as one,
            limiter_of(key_requests_per_minute=2, redis_url=redis_url) as other,
        ):
            await one.count_key("k-shared")
            await other.count_key("k-shared")
            with pytest.raises(RateLimited):
                await one.count_key("k-shared")

    run(scenario)


def test_without_redis_counting_goes_on_in_memory(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    now = [0.0]

    async def scenario() -> None:
        url = f"redis://:secret-word@127.0.0.1:{port}/0"
        async with limiter_of(key_requests_per_minute=2, redis_url=url, clock=lambda: now[0]) as limiter:
            await limiter.count_key("k")
            await limiter.count_key("k")
            with pytest.raises(RateLimited):
                await limiter.count_key("k")
            assert len(caplog.records) == 1
            now[0] += 60
            with pytest.raises(RateLimited):
                await limiter.count_key("k")

    run(scenario)
    assert len(caplog.records) == 2
    assert "Redis failed" in caplog.text
    assert "secret-word" not in caplog.text
