"""Measures the stages of one evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stopwatch:
    """Milliseconds by stage; `clock` gives seconds and only ever rises."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._start = clock()
        self._stages: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time spent inside to the stage."""
        start = self._clock()
        try:
            yield
        finally:
            self._stages[name] = self._stages.get(name, 0.0) + (self._clock() - start) * 1000

    def readings(self) -> dict[str, float]:
        """All stages, and `total` since the start."""
        return {
            **{name: round(value, 3) for name, value in self._stages.items()},
            "total": round((self._clock() - self._start) * 1000, 3),
        }
