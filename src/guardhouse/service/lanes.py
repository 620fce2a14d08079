"""The threads that judge: short requests, large ones and those with images apart, each bounded and none too late."""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from pathlib import PurePath
from typing import TypeVar

from guardhouse.errors import DetectorFailed, GuardhouseError, Unavailable

logger = logging.getLogger("guardhouse.evaluate")

_T = TypeVar("_T")

LARGE_CHARACTERS = 64 * 1024
"""A request with more judged text than this takes the lane for large ones."""
MOST_WAITING = 16
"""Requests that may wait or run in the lane for large ones, and as many in the lane for those with images."""


class Lane(Enum):
    """What holds up only its own kind."""

    SHORT = "judge"
    LARGE = "judge-large"
    IMAGES = "judge-images"


class Lanes:
    """`threads` threads for short work, one for large and one for images, so that big ones never make small ones wait.

    At most `max_queued` pieces of work are waiting or running. Work that has not begun after `deadline_s` is refused:
    its caller has gone, and judging for nobody would only make the next one late as well.
    """

    def __init__(self, *, threads: int, max_queued: int, deadline_s: float) -> None:
        self._pools = {
            lane: ThreadPoolExecutor(threads if lane is Lane.SHORT else 1, thread_name_prefix=lane.value)
            for lane in Lane
        }
        self._max_queued = max_queued
        self._deadline_s = deadline_s
        self._waiting: Counter[Lane] = Counter()
        self._closed = False

    @property
    def waiting(self) -> int:
        """Pieces of work waiting or running."""
        return self._waiting.total()

    async def run(self, characters: int, work: Callable[[float], _T], *, has_images: bool = False) -> _T:
        """What `work` returns; it is given the milliseconds that it waited.

        Raises `Unavailable` when there is too much to do, what `work` raises of our own errors, and `DetectorFailed`,
        without the original's message, for everything else.
        """
        lane = Lane.IMAGES if has_images else Lane.LARGE if characters > LARGE_CHARACTERS else Lane.SHORT
        if self._closed:
            raise Unavailable("the server is stopping")
        if self.waiting >= self._max_queued or (lane is not Lane.SHORT and self._waiting[lane] >= MOST_WAITING):
            raise Unavailable("too many evaluations are waiting", retry_after_s=1)
        loop = asyncio.get_running_loop()
        accepted = time.monotonic()
        self._count(lane, 1)
        job: Future[_T] = self._pools[lane].submit(self._begin, accepted, work)
        job.add_done_callback(lambda _: loop.is_closed() or loop.call_soon_threadsafe(self._count, lane, -1))
        waiting = asyncio.wrap_future(job)
        try:
            await asyncio.wait([waiting])
        finally:
            waiting.cancel()  # for a caller who has gone: what has not begun is not begun
        if job.cancelled():
            raise Unavailable("the server is stopping")
        error = waiting.exception()
        if error is None or isinstance(error, GuardhouseError):
            return waiting.result()
        where = _where(error)
        logger.error("an evaluation failed: %s in %s", type(error).__name__, where)
        raise DetectorFailed(f"the evaluation failed: {type(error).__name__} in {where}")

    def close(self) -> None:
        """Finishes what is running and starts nothing more."""
        self._closed = True
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)

    def _begin(self, accepted: float, work: Callable[[float], _T]) -> _T:
        waited_s = time.monotonic() - accepted
        if waited_s > self._deadline_s:
            raise Unavailable("the evaluation waited too long", retry_after_s=2)
        return work(waited_s * 1000)

    def _count(self, lane: Lane, change: int) -> None:
        self._waiting[lane] += change


def _where(error: BaseException) -> str:
    """File and line that raised. Never the message: it may quote what was judged."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
