"""A progress bar for work that turns out to take long."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import click

SHOW_AFTER_S = 2.0


class Progress(Protocol):
    """Told how much is done."""

    def advance(self, steps: int) -> None: ...


@contextmanager
def late_progress(length: int, label: str, *, after_s: float = SHOW_AFTER_S) -> Iterator[Progress]:
    """Shows a bar on standard error once `after_s` seconds have passed, when that is a terminal."""
    progress = _LateProgress(length, label)
    timer = threading.Timer(after_s, progress.show)
    timer.daemon = True
    if sys.stderr.isatty():
        timer.start()
    try:
        yield progress
    finally:
        timer.cancel()
        progress.finish()


class _LateProgress:
    def __init__(self, length: int, label: str) -> None:
        self._lock = threading.Lock()
        self._length = length
        self._label = label
        self._done = 0
        self._finished = False
        self._bar: Any = None

    def advance(self, steps: int) -> None:
        with self._lock:
            self._done += steps
            if self._bar is not None:
                self._bar.update(steps)

    def show(self) -> None:
        with self._lock:
            if not self._finished:
                self._bar = click.progressbar(length=self._length, label=self._label, file=sys.stderr)
                self._bar.__enter__()
                self._bar.update(self._done)

    def finish(self) -> None:
        with self._lock:
            self._finished = True
            if self._bar is not None:
                self._bar.__exit__(None, None, None)
