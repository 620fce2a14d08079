"""Ranges of addresses: networks that may hold one another, cut so that one bisection finds the innermost."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

_Fact = TypeVar("_Fact")


class Ranges(Generic[_Fact]):
    """Disjoint ranges in ascending order, with what is known about each."""

    __slots__ = ("_ends", "_facts", "_starts")

    def __init__(self, ranges: Iterable[tuple[int, int, _Fact]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._facts: list[_Fact] = []
        for start, end, fact in ranges:
            self._starts.append(start)
            self._ends.append(end)
            self._facts.append(fact)

    def __len__(self) -> int:
        return len(self._starts)

    def find(self, address: int) -> _Fact | None:
        """What is known about the range that holds `address`."""
        index = bisect_right(self._starts, address) - 1
        return self._facts[index] if index >= 0 and address <= self._ends[index] else None


def disjoint(networks: Iterable[tuple[int, int, _Fact]]) -> Iterator[tuple[int, int, _Fact]]:
    """Networks (first and last address; any two apart or one in the other) as ranges that do not overlap.

    Where networks overlap, the smaller one speaks; of equal ones, the last given. Neighbours with equal facts become
    one range. Costs n log n.
    """
    held: tuple[int, int, _Fact] | None = None
    for start, end, fact in _cut(sorted(networks, key=lambda item: (item[0], -item[1]))):
        if held is not None and held[1] + 1 == start and held[2] == fact:
            held = (held[0], end, fact)
            continue
        if held is not None:
            yield held
        held = (start, end, fact)
    if held is not None:
        yield held


def _cut(ranges: Iterable[tuple[int, int, _Fact]]) -> Iterator[tuple[int, int, _Fact]]:
    """`ranges` sorted from the left, wider first, cut so that the innermost speaks."""
    stack: list[tuple[int, int, _Fact]] = []
    position = 0
    for start, end, fact in ranges:
        while stack and stack[-1][1] < start:
            _, outer_end, outer = stack.pop()
            if position <= outer_end:
                yield position, outer_end, outer
                position = outer_end + 1
        if stack and position < start:
            yield position, start - 1, stack[-1][2]
        position = start
        stack.append((start, end, fact))
    while stack:
        _, outer_end, outer = stack.pop()
        if position <= outer_end:
            yield position, outer_end, outer
            position = outer_end + 1
