"""Maps offsets of an edited text back to the original."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

from guardhouse.model.finding import Span

LINEAR = -1
"""The value of `OffsetMap`'s `ends` for a piece that was copied one for one."""


class Offsets(Protocol):
    """Leads from an edited text back to the text it was made from."""

    def to_original(self, span: Span) -> Span:
        """The smallest range of the original from which `span` of the edited text was made."""
        ...


class OffsetMap:
    """Where each code point of an edited text came from, piece by piece.

    Piece `i` begins at output offset `outputs[i]` and input offset `inputs[i]` and reaches to the next piece's output.
    With `ends[i]` LINEAR it was copied one for one; else all of it was made from `inputs[i]:ends[i]` as a whole (a
    ligature, a letter with its accent). Input between two pieces was dropped. A look-up costs one bisection.
    """

    __slots__ = ("_ends", "_inputs", "_outputs")

    def __init__(self, outputs: Sequence[int], inputs: Sequence[int], ends: Sequence[int]) -> None:
        if not outputs or outputs[0] != 0 or not len(outputs) == len(inputs) == len(ends):
            raise ValueError("pieces must be equally long lists that start at output 0")
        self._outputs = outputs
        self._inputs = inputs
        self._ends = ends

    def to_original(self, span: Span) -> Span:
        """The smallest original range that covers `span`, with what was dropped inside it but not around it."""
        first = bisect_right(self._outputs, span.start) - 1
        start = self._inputs[first]
        if self._ends[first] == LINEAR:
            start += span.start - self._outputs[first]
        if span.end <= span.start:
            return Span(start, start)
        last = bisect_right(self._outputs, span.end - 1) - 1
        end = self._ends[last]
        if end == LINEAR:
            end = self._inputs[last] + span.end - self._outputs[last]
        return Span(start, end)


class MapBuilder:
    """Collects the pieces of an edited text in order and joins them.

    `copied` and `replaced` take ranges of the input; what lies between them is dropped.
    """

    __slots__ = ("_ends", "_inputs", "_length", "_outputs", "_pieces", "_source")

    def __init__(self, source: str) -> None:
        self._source = source
        self._pieces: list[str] = []
        self._outputs: list[int] = []
        self._inputs: list[int] = []
        self._ends: list[int] = []
        self._length = 0

    def copied(self, start: int, end: int) -> None:
        """Takes `source[start:end]` as it is."""
        if start < end:
            self._add(self._source[start:end], start, LINEAR)

    def replaced(self, start: int, end: int, text: str) -> None:
        """Puts `text` for `source[start:end]`; an empty `text` drops the range."""
        if text:
            self._add(text, start, end)

    def _add(self, text: str, start: int, end: int) -> None:
        self._pieces.append(text)
        self._outputs.append(self._length)
        self._inputs.append(start)
        self._ends.append(end)
        self._length += len(text)

    def finish(self) -> tuple[str, OffsetMap]:
        """The edited text and its map."""
        if not self._pieces:
            return "", OffsetMap([0], [0], [LINEAR])
        return "".join(self._pieces), OffsetMap(self._outputs, self._inputs, self._ends)


class ComposedOffsets:
    """Two edits, one after the other: `second` was made from what `first` gave."""

    __slots__ = ("_first", "_second")

    def __init__(self, first: Offsets, second: Offsets) -> None:
        self._first = first
        self._second = second

    def to_original(self, span: Span) -> Span:
        """Back through the second edit, then the first."""
        return self._first.to_original(self._second.to_original(span))


class ReversedOffsets:
    """A text of `length` code points read from its end."""

    __slots__ = ("_length",)

    def __init__(self, length: int) -> None:
        self._length = length

    def to_original(self, span: Span) -> Span:
        """The mirrored range."""
        return Span(self._length - span.end, self._length - span.start)


def compose(first: Offsets | None, second: Offsets | None) -> Offsets | None:
    """The map of two edits in a row; None stands for no edit."""
    if first is None or second is None:
        return second if first is None else first
    return ComposedOffsets(first, second)
