"""Usage limits: requests per minute for a key and for a client's address, tokens per day for a key.

Counted by the `limits` library, in memory or, for all workers and replicas together, in Redis. A Redis that fails is
left alone for a while and counting goes on in memory: limits then hold per worker, and no request is refused for it.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter, SlidingWindowCounterRateLimiter
from limits.errors import StorageError

from guardhouse.errors import RateLimited

logger = logging.getLogger("guardhouse.limits")

PERIOD_S = 60
REDIS_PAUSE_S = 5.0
"""How long a Redis that failed is left alone."""
REDIS_TIMEOUT_S = 0.5
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Usage:
    """Where a caller stands: `remaining` of `limit` requests, full again in `reset_s` seconds."""

    limit: int
    remaining: int
    reset_s: int
    period_s: int = PERIOD_S


class _Counters:
    """Both strategies over one storage. The keyspace is named by strategy: one key under two is an error in Redis."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.sliding = SlidingWindowCounterRateLimiter(storage)
        self.fixed = FixedWindowRateLimiter(storage)


class Limiter:
    """Counts and refuses. A limit of 0 is no limit and counts nothing."""

    def __init__(
        self,
        *,
        key_requests_per_minute: int,
        address_requests_per_minute: int,
        key_tokens_per_day: int,
        redis_url: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._key_item = _per_minute(key_requests_per_minute)
        self._address_item = _per_minute(address_requests_per_minute)
        self._token_item = RateLimitItemPerDay(key_tokens_per_day, namespace="fixed") if key_tokens_per_day else None
        self._memory = _Counters(MemoryStorage())
        self._redis = _Counters(_redis_storage(redis_url)) if redis_url else None
        self._redis_down_until = -math.inf
        self._clock = clock

    async def count_address(self, address: str) -> None:
        """Counts one request of `address`. Raises `RateLimited`."""
        item = self._address_item
        if item is not None and not await self._hit(item, "address", address):
            raise LimitPassed("too many requests from this address", usage=await self._usage(item, "address", address))

    async def count_key(self, key_id: str) -> Usage | None:
        """Counts one request of a key. Raises `RateLimited`, whose `usage` says where the key stands."""
        item = self._key_item
        if item is None:
            return None
        allowed = await self._hit(item, "key", key_id)
        usage = await self._usage(item, "key", key_id)
        if not allowed:
            raise LimitPassed("too many requests with this key", usage=usage)
        return usage

    async def count_tokens(self, key_id: str, tokens: int) -> None:
        """Counts the tokens of one request. One that does not fit is refused and not counted. Raises `RateLimited`."""
        item = self._token_item
        if item is None:
            return
        cost = max(1, tokens)
        if await self._with_storage(lambda counters: counters.fixed.test(item, "tokens", key_id, cost=cost)):
            await self._with_storage(lambda counters: counters.fixed.hit(item, "tokens", key_id, cost=cost))
            return
        stats = await self._with_storage(lambda counters: counters.fixed.get_window_stats(item, "tokens", key_id))
        raise RateLimited("the key has used its tokens of the day", retry_after_s=_seconds_until(stats.reset_time))

    async def close(self) -> None:
        """Closes the connections to Redis."""
        if self._redis is not None:
            await _close(self._redis.storage)

    async def _hit(self, item: RateLimitItem, scope: str, name: str) -> bool:
        return await self._with_storage(lambda counters: counters.sliding.hit(item, scope, name))

    async def _usage(self, item: RateLimitItem, scope: str, name: str) -> Usage:
        stats = await self._with_storage(lambda counters: counters.sliding.get_window_stats(item, scope, name))
        return Usage(item.amount, max(0, stats.remaining), min(PERIOD_S, _seconds_until(stats.reset_time)))

    async def _with_storage(self, use: Callable[[_Counters], Awaitable[_Result]]) -> _Result:
        if self._redis is not None and self._clock() >= self._redis_down_until:
            try:
                return await use(self._redis)
            except StorageError as error:
                self._redis_down_until = self._clock() + REDIS_PAUSE_S
                cause = type(error.storage_error).__name__
                logger.warning("Redis failed (%s); limits are counted in memory for %.0f s", cause, REDIS_PAUSE_S)
        return await use(self._memory)


class LimitPassed(RateLimited):
    """A limit on requests is passed; `usage` is for the rate headers."""

    def __init__(self, detail: str, *, usage: Usage) -> None:
        super().__init__(detail, retry_after_s=usage.reset_s)
        self.usage = usage


def _per_minute(amount: int) -> RateLimitItem | None:
    return RateLimitItemPerMinute(amount, namespace="sliding") if amount else None


def _seconds_until(reset_time: float) -> int:
    return max(1, math.ceil(reset_time - time.time()))


def _redis_storage(url: str) -> Storage:
    options: dict[str, Any] = {"socket_timeout": REDIS_TIMEOUT_S, "socket_connect_timeout": REDIS_TIMEOUT_S}
    return RedisStorage(f"async+{url}", wrap_exceptions=True, implementation="redispy", **options)


async def _close(storage: Storage) -> None:
    connection = getattr(getattr(storage, "bridge", None), "storage", None)
    if connection is not None:
        await connection.aclose()
