"""Windows over long texts."""

from __future__ import annotations

from collections.abc import Iterator

from guardhouse.model.finding import Span

_LOOK_BACK = 64
"""Code points that a window may begin earlier or end earlier so as not to cut a word."""


def windows(text: str, *, size: int, overlap: int) -> Iterator[Span]:
    """Ranges of at most `size` code points that cover `text` in order; each shares about `overlap` with the last.

    A window ends between two words where a space stands near its end. An empty text has no window, one that fits has
    one. Raises `ValueError` unless 0 <= overlap < size / 2; so there are at most 4 len / size + 1 windows.
    """
    if not 0 <= overlap < size / 2:
        raise ValueError(f"windows need 0 <= overlap < size / 2, not {overlap} and {size}")
    start = 0
    while start < len(text):
        end = start + size
        if end >= len(text):
            yield Span(start, len(text))
            return
        end = _word_edge(text, end, end - min(_LOOK_BACK, size // 4))
        yield Span(start, end)
        least = start + max(1, size // 4)  # what keeps the number of windows down
        start = _word_edge(text, end - overlap, max(end - overlap - _LOOK_BACK, least)) if overlap else end


def _word_edge(text: str, at: int, least: int) -> int:
    """The offset just after the last white space in `text[least:at]`, or `at` where there is none."""
    for offset in range(at, least, -1):
        if text[offset - 1].isspace():
            return offset
    return at
