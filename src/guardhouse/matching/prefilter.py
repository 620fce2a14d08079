"""Which patterns may match at all: one look at the text for the literals of all of them, one for their gates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import re2

from guardhouse.errors import InvalidPattern
from guardhouse.matching.compiled import CompiledPattern, Expression
from guardhouse.matching.pattern import Pattern

_SENTINEL = b"\x00\x01guardhouse-sentinel\x01\x00"
_MAX_SOURCE = 48 * 1024
"""Bytes of expressions in one filter; well above it, its literals no longer fit into its memory."""


class Gates:
    """The gates of all patterns in one automaton: which of them are shut by a text.

    Like a filter, the automaton reports nothing when its memory is too small, so it holds the sentinel too. Raises
    `InvalidPattern`.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        owners: dict[str, list[int]] = {}
        for index, pattern in enumerate(patterns):
            if pattern.gate:
                owners.setdefault(pattern.gate, []).append(index)
        options = re2.Options()
        options.log_errors = False
        options.never_capture = True
        self._set = re2.Set.SearchSet(options)
        for gate, indexes in owners.items():
            try:
                self._set.Add(gate.encode())
            except re2.error:
                raise InvalidPattern(f"the gate of pattern {patterns[indexes[0]].id!r} is no expression") from None
        self._set.Add(_SENTINEL)
        self._set.Compile()
        self._behind = list(owners.values())
        self._gated = frozenset(index for indexes in self._behind for index in indexes)

    def shut(self, watched: bytes) -> frozenset[int]:
        """Indexes of the patterns that cannot match in `watched`, which ends in the sentinel."""
        if not self._behind:
            return frozenset()
        found = set(self._set.Match(watched) or ())
        if len(self._behind) not in found:
            return frozenset()
        found.remove(len(self._behind))
        return self._gated.difference(*(self._behind[number] for number in found))


class Prefilter:
    """`re2.Filter` over all patterns, split and watched so that it can never lose one.

    The set of literals inside a filter has a fixed memory limit and, when that is too small, reports nothing at all.
    So each filter also holds a sentinel that is appended to every text: where a filter misses it, all its patterns
    are candidates. `patterns` are compiled once, by the filters. Raises `InvalidPattern`.
    """

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self.patterns: list[CompiledPattern] = []
        self._filters: list[tuple[re2.Filter | None, range]] = []
        for group in _groups(expressions):
            first = len(self.patterns)
            made = re2.Filter()
            for item in group:
                self.patterns.append(CompiledPattern(item, _added(made, item)))
            made.Add(_SENTINEL, _literal())
            self._filters.append((made if _works(made, len(group)) else None, range(first, len(self.patterns))))
        self._gates = Gates([compiled.pattern for compiled in self.patterns])

    def candidates(self, data: bytes) -> list[int]:
        """Indexes, ascending, of all patterns that may match in `data`; never one too few."""
        watched = data + _SENTINEL
        shut = self._gates.shut(watched)
        found: list[int] = []
        for made, indexes in self._filters:
            potential = [] if made is None else made.Match(watched, potential=True) or ()
            if len(indexes) in potential:
                first = indexes.start
                found += [first + number for number in potential if number < len(indexes)]
            else:
                found += indexes
        return sorted(index for index in found if index not in shut)


def _groups(expressions: Sequence[Expression]) -> Iterator[list[Expression]]:
    group: list[Expression] = []
    length = 0
    for item in expressions:
        if group and length + len(item.source) > _MAX_SOURCE:
            yield group
            group, length = [], 0
        group.append(item)
        length += len(item.source)
    if group:
        yield group


def _added(made: re2.Filter, item: Expression) -> Any:
    """The expression, compiled as a part of the filter."""
    try:
        return made.re(made.Add(item.source, item.options()))
    except re2.error:
        return item.compiled()  # which says what is wrong


def _works(made: re2.Filter, sentinel: int) -> bool:
    """Compiles the literals; False where they are too many for the filter."""
    try:
        made.Compile()
    except re2.error:
        return False
    return sentinel in (made.Match(_SENTINEL, potential=True) or ())


def _literal() -> re2.Options:
    options = re2.Options()
    options.literal = True
    options.log_errors = False
    return options
