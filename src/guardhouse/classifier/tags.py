"""From what is said of single tokens and words to ranges of the text: injected orders, and names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from guardhouse.classifier.base import Tag
from guardhouse.classifier.names import Words
from guardhouse.model.finding import Span

Floats = NDArray[np.float32]
_GAP = 6
"""Tokens between two marked ones that still belong to the same order."""
_BESIDE_SUREST = 0.5
"""The part of the highest logit that a token of the same order reaches."""
_LEAST_ORDER = 4
"""Fewer marked tokens say nothing of where an order stands."""
LEAST_NAME = 0.45
"""Names less sure than that are not told."""


def injected_range(logits: Floats) -> tuple[int, int] | None:
    """The longest run of tokens that look injected beside the surest, short gaps allowed; None for hardly any."""
    marked = np.flatnonzero(logits > max(0.0, _BESIDE_SUREST * float(logits.max(initial=0.0))))
    if len(marked) < _LEAST_ORDER:
        return None
    runs = np.split(marked, np.flatnonzero(np.diff(marked) > _GAP) + 1)
    longest = max(runs, key=len)
    return (int(longest[0]), int(longest[-1]) + 1) if len(longest) >= _LEAST_ORDER else None


def name_tags(words: Words, likely: Floats, kinds: Sequence[str]) -> Iterator[Tag]:
    """The names in a stretch of words, in order, by what `NameModel.read` says of each."""
    by_kind = likely[:, 1::2] + likely[:, 2::2]
    best = np.where(by_kind.max(axis=1) > likely[:, 0], by_kind.argmax(axis=1), -1)
    at = np.arange(len(best))
    goes_on = likely[at, 2 + 2 * best] >= likely[at, 1 + 2 * best]
    first = 0
    while first < len(best):
        kind = int(best[first])
        last = first + 1
        if kind >= 0:
            while last < len(best) and best[last] == kind and goes_on[last]:
                last += 1
            sure = float(by_kind[first:last, kind].mean())
            if sure >= LEAST_NAME:
                yield Tag(kinds[kind], Span(int(words.starts[first]), int(words.ends[last - 1])), min(sure, 0.99))
        first = last
