"""Lets processes take turns. SQLite's own waiting sleeps for longer and longer, and forgets who came first."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

if sys.platform != "win32":  # there SQLite's own lock has to do
    import fcntl

_POLL_S = 0.001


class Turnstile:
    """Two advisory file locks: who is inside, and who is next.

    A process that has just been inside has to become next again, so that it cannot pass one that is waiting. The
    locks go with the process when it dies. They only order writers: correctness stays with SQLite, and after
    `timeout_s` a process goes ahead without its turn.
    """

    def __init__(self, path: Path, *, timeout_s: float) -> None:
        self._paths = (path.with_name(path.name + "-next"), path.with_name(path.name + "-turn"))
        self._timeout_s = timeout_s
        self._files: tuple[int, int] | None = None
        self._inside = asyncio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Inside, no other process and no other task of this one is inside as well."""
        async with self._inside:
            following, inside = self._opened()
            give_up = time.monotonic() + self._timeout_s
            try:
                await _lock(following, give_up)
                await _lock(inside, give_up)
                _unlock(following)
                yield
            finally:
                _unlock(following)
                _unlock(inside)

    def close(self) -> None:
        """Gives the files back."""
        for file in self._files or ():
            os.close(file)
        self._files = None

    def _opened(self) -> tuple[int, int]:
        if self._files is None:
            first, second = (os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600) for path in self._paths)
            self._files = (first, second)
        return self._files


async def _lock(file: int, give_up: float) -> None:
    while not _try_lock(file) and time.monotonic() < give_up:  # noqa: ASYNC110 (other processes set no event)
        await asyncio.sleep(_POLL_S)


def _try_lock(file: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _unlock(file: int) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)
