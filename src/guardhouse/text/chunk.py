"""Windows over long texts."""

from __future__ import annotations

from collections.abc import Iterator

from guardhouse.model.finding import Span

_LOOK_BACK = 64
"""Code points that a window may give up at its end so as not to cut a word."""


def windows(text: str, *, size: int, overlap: int) -> Iterator[Span]:
    """Ranges of at most `size` code points that cover `text` in order; each shares about `overlap` with the last.

    A window ends between two words where a space stands near its end. An empty text has no window, one that fits has
    one. Raises `ValueError` unless 0 <= overlap < size / 2, which keeps the number of windows below 4 len / size + 1.
    """
    if not 0 <= overlap < size / 2:
        raise ValueError(f"windows need 0 <= overlap < size / 2, not {overlap} and {size}")
    start = 0
    while start < len(text):
        end = start + size
        if end >= len(text):
            yield Span(start, len(text))
            return
        end = _word_edge(text, end, max(end - min(_LOOK_BACK, size // 4), start + 1))
        yield Span(start, end)
        start = _word_edge(text, end - overlap, max(end - overlap - _LOOK_BACK // 2, start + 1)) if overlap else end


def _word_edge(text: str, at: int, least: int) -> int:
    """The offset just after the last white space in `text[least:at]`, or `at` where there is none."""
    for offset in range(at, least, -1):
        if text[offset - 1].isspace():
            return offset
    return at
