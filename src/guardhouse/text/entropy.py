"""How random a string looks."""

from __future__ import annotations

from collections import Counter
from math import log2


def shannon_bits(text: str) -> float:
    """Shannon entropy in bits per character, from the characters' own frequencies; 0.0 for an empty text.

    A string of `n` characters can reach log2(n) at most, so compare strings of like length only.
    """
    if not text:
        return 0.0
    length = len(text)
    return -sum([count / length * log2(count / length) for count in Counter(text).values()]) + 0.0
