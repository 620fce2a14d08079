"""Maps offsets of an edited text back to the original."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from guardhouse.model.finding import Span


class OffsetMap:
    """Where each code point of an edited text came from.

    `outputs` and `inputs` are equally long ascending breakpoints: the output offset `outputs[i] + k` came from the
    input offset `inputs[i] + k`, up to the next breakpoint. Both start with 0. A look-up costs a bisection.
    """

    __slots__ = ("_inputs", "_length", "_outputs")

    def __init__(self, outputs: Sequence[int], inputs: Sequence[int], *, length: int) -> None:
        if len(outputs) != len(inputs) or not outputs or outputs[0] != 0:
            raise ValueError("breakpoints must be equally long and start at output 0")
        self._outputs = outputs
        self._inputs = inputs
        self._length = length
        """Length of the original."""

    def start(self, offset: int) -> int:
        """The original offset at which the code point at `offset` begins."""
        index = bisect_right(self._outputs, offset) - 1
        position = self._inputs[index] + offset - self._outputs[index]
        limit = self._inputs[index + 1] if index + 1 < len(self._inputs) else self._length
        return min(position, limit)

    def to_original(self, span: Span) -> Span:
        """The smallest original range that covers `span`, with all characters dropped inside it."""
        start = self.start(span.start)
        if span.end <= span.start:
            return Span(start, start)
        last = span.end - 1
        index = bisect_right(self._outputs, last) - 1
        following = index + 1
        if following < len(self._outputs) and self._outputs[following] == span.end:
            end = self._span_end(index, last, following)
        else:
            end = self._inputs[index] + span.end - self._outputs[index]
        return Span(start, min(max(end, start), self._length))

    def _span_end(self, index: int, last: int, following: int) -> int:
        # The last code point closes a run. If the run's own arithmetic ends before the next breakpoint, characters
        # between were dropped (they belong to nobody); if it ends after, several outputs came from one input.
        own = self._inputs[index] + last + 1 - self._outputs[index]
        return min(own, self._inputs[following]) if own > self._inputs[index] else self._inputs[following]
