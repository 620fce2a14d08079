"""Which patterns may match at all: one look at the text for the literals of all of them."""

from __future__ import annotations

from collections.abc import Sequence

import re2

from guardhouse.matching.compiled import CompiledPattern, re2_options

_SENTINEL = b"\x00\x01guardhouse-sentinel\x01\x00"


class Prefilter:
    """`re2.Filter` over all patterns, split and watched so that it can never lose one.

    The set of literals inside a filter has a fixed memory limit and, when that is too small, reports nothing at all.
    So each filter also holds a sentinel that is appended to every text: where a filter misses it, all its patterns
    are candidates. When the filter is made, one that misses it is split in two; a single pattern that is too large
    is always a candidate.
    """

    def __init__(self, patterns: Sequence[CompiledPattern]) -> None:
        self._filters: list[tuple[re2.Filter, tuple[int, ...]]] = []
        self._unfiltered: list[int] = []
        self._add(patterns, tuple(range(len(patterns))))

    def _add(self, patterns: Sequence[CompiledPattern], indexes: tuple[int, ...]) -> None:
        if not indexes:
            return
        made = _make_filter([patterns[index] for index in indexes])
        if made is not None:
            self._filters.append((made, indexes))
        elif len(indexes) == 1:
            self._unfiltered.extend(indexes)
        else:
            middle = len(indexes) // 2
            self._add(patterns, indexes[:middle])
            self._add(patterns, indexes[middle:])

    def candidates(self, data: bytes) -> list[int]:
        """Indexes, ascending, of all patterns that may match in `data`; never one too few."""
        found = list(self._unfiltered)
        watched = data + _SENTINEL
        for made, indexes in self._filters:
            potential = made.Match(watched, potential=True) or ()
            sentinel = len(indexes)
            if sentinel in potential:
                found.extend(indexes[number] for number in potential if number != sentinel)
            else:
                found.extend(indexes)
        return sorted(found)


def _make_filter(patterns: Sequence[CompiledPattern]) -> re2.Filter | None:
    """A filter over these patterns and, last, the sentinel; None where their literals are too many for one."""
    made = re2.Filter()
    for pattern in patterns:
        made.Add(pattern.source.encode("utf-8"), pattern.options())
    made.Add(_SENTINEL, re2_options(ignore_case=False, capture=False))
    try:
        made.Compile()
    except re2.error:
        return None
    return made if len(patterns) in (made.Match(_SENTINEL, potential=True) or ()) else None
