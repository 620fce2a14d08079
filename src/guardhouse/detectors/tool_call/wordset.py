"""Sets of words, written as one string."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of `text` as a set: `word_set("rm del")` holds `rm` and `del`."""
    return frozenset(text.split())
