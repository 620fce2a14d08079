"""From logits of single tokens to ranges of the text: injected orders, and names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from guardhouse.classifier.base import Tag
from guardhouse.classifier.network import WindowReading
from guardhouse.classifier.tokens import Tokens

Floats = NDArray[np.float32]
_GAP = 6
"""Tokens between two marked ones that still belong to the same order."""
_BESIDE_SUREST = 0.5
"""The part of the highest logit that a token of the same order reaches."""
_LEAST_ORDER = 4
"""Fewer marked tokens say nothing of where an order stands."""
_FRAME = 2
"""Tokens before a window's own."""
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


def name_tags(
    tokens: Tokens, ranges: Sequence[tuple[int, int]], read: Sequence[WindowReading], kinds: Sequence[str]
) -> tuple[Tag, ...]:
    """The names in a text, in order. Where windows overlap, the one in which a token stands further inside counts.

    Tag 0 of each token is `outside`, 2k + 1 begins kind k and 2k + 2 goes on with it. A word is judged as a whole, by
    the mean of its tokens, so that no name is ever half a word.
    """
    if not len(tokens.ids):
        return ()
    firsts = np.flatnonzero(np.concatenate([[True], tokens.words[1:] != tokens.words[:-1]]))
    lasts = np.append(firsts[1:], len(tokens.ids))
    by_token = _best_of_windows(len(tokens.ids), ranges, read, 1 + 2 * len(kinds))
    by_word = np.add.reduceat(by_token, firsts, axis=0) / (lasts - firsts)[:, None]
    by_kind = by_word[:, 1::2] + by_word[:, 2::2]
    best = np.where(by_kind.max(axis=1) > by_word[:, 0], by_kind.argmax(axis=1), -1)
    goes_on = by_token[firsts, 2 + 2 * best] >= by_token[firsts, 1 + 2 * best]
    tags: list[Tag] = []
    first = 0
    while first < len(best):
        kind = int(best[first])
        last = first + 1
        if kind >= 0:
            while last < len(best) and best[last] == kind and goes_on[last]:
                last += 1
            sure = float(by_kind[first:last, kind].mean())
            if sure >= LEAST_NAME:
                tags.append(Tag(kinds[kind], tokens.span(int(firsts[first]), int(lasts[last - 1])), min(sure, 0.99)))
        first = last
    return tuple(tags)


def _best_of_windows(count: int, ranges: Sequence[tuple[int, int]], read: Sequence[WindowReading], tags: int) -> Floats:
    """By token the probability of each tag; a token that no window holds is outside of every name."""
    out = np.zeros((count, tags), dtype=np.float32)
    out[:, 0] = 1.0
    inside = np.full(count, -1)
    for (start, end), reading in zip(ranges, read, strict=True):
        logits = reading.names[_FRAME : _FRAME + end - start]
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        depth = np.minimum(np.arange(end - start), np.arange(end - start)[::-1])
        better = depth > inside[start:end]
        out[start:end][better] = (shifted / shifted.sum(axis=1, keepdims=True))[better]
        inside[start:end] = np.maximum(inside[start:end], depth)
    return out
