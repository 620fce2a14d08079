"""Hashed n-gram features: a text in, per window a sorted array of distinct feature numbers out.

The whole of it is array arithmetic on code points; no Python loop runs over characters, words or n-grams.
Training and run time share this file, so a change here means a new model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from guardhouse.model.conversation import Channel
from guardhouse.model.finding import Span

WINDOW = 512
"""Code points of folded text in a window; about 85 English words."""
STRIDE = 320
WHOLE = 640
"""A folded text up to this length is one window."""
WORD_FEATURES = 81_920
CHAR_FEATURES = 49_152
FEATURES = WORD_FEATURES + CHAR_FEATURES
CHAR_WEIGHT = 0.6
"""What a character n-gram counts beside a word n-gram."""
LEAST_SAID = 40.0
"""Added to the square of a vector's length: two words are little to judge by, so their few features count less."""
CHAR_SIZES = (3, 5)
BATCH = 24
"""Windows handled together: small enough to stay in the processor's cache."""

_SPACE, _WORD, _SINGLE, _OTHER = 0, 1, 2, 3
_MIX = np.uint64(0x9E3779B97F4A7C15)
_PRIME = 0x100000001B3
_SALTS = {Channel.USER: 1, Channel.ASSISTANT: 2, Channel.SYSTEM: 3, Channel.TOOL: 4, Channel.DOCUMENT: 4}
"""Tool results and documents share a salt: both are read, neither gives orders."""

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Folded:
    """A text's code points in lower case with digits made equal and blanks run together, and where each stood."""

    points: NDArray[np.uint32]
    positions: NDArray[np.int32]
    length: int

    def span(self, start: int, end: int) -> Span:
        """The range of the original that the folded range `start..end` was read from."""
        if start >= end:
            return Span(0, self.length)
        return Span(int(self.positions[start]), int(self.positions[end - 1]) + 1)


@lru_cache(maxsize=1)
def _classes() -> NDArray[np.uint8]:
    table = np.full(0x10000, _WORD, dtype=np.uint8)
    table[:0x80] = [_WORD if chr(point).isalnum() else _OTHER for point in range(0x80)]
    table[0x80:0xAA] = _OTHER
    for first, last in ((0x2000, 0x2C00), (0x3000, 0x303F), (0xD800, 0xF8FF), (0xFE00, 0xFE6F), (0xFF00, 0xFF0F)):
        table[first : last + 1] = _OTHER
    for first, last in ((0x3040, 0x9FFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF)):
        table[first : last + 1] = _SINGLE  # no blanks between words: every sign is a word
    table[[0x20, 0x85, 0xA0, 0x3000]] = _SPACE
    table[0x09:0x0E] = _SPACE
    table[0x1C:0x20] = _SPACE
    table[0x2000:0x200B] = _SPACE
    table[0x2028:0x202A] = _SPACE
    return table


@lru_cache(maxsize=1)
def _powers() -> tuple[Hashes, Hashes]:
    size = BATCH * (WHOLE + 1) + 1
    inverse = pow(_PRIME, -1, 1 << 64)
    up, down = [1], [1]
    for _ in range(size):
        up.append(up[-1] * _PRIME % (1 << 64))
        down.append(down[-1] * inverse % (1 << 64))
    return np.array(up, dtype=np.uint64), np.array(down, dtype=np.uint64)


def _class_of(points: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return _classes()[np.minimum(points, 0xFFFF)]


def fold(text: str) -> Folded:
    """The form that features are read from. Linear; any str, lone surrogates too."""
    lower = text.lower()
    if len(lower) != len(text):  # a few letters grow in lower case; positions must not move
        lower = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
    points = np.frombuffer(lower.encode("utf-32-le", "surrogatepass"), dtype="<u4")
    blank = _class_of(points) == _SPACE
    keep = ~blank
    keep[1:] |= ~blank[:-1]
    positions = np.flatnonzero(keep).astype(np.int32)
    points = points[positions].copy()
    points[blank[positions]] = 0x20
    points[(points >= 0x31) & (points <= 0x39)] = 0x30
    return Folded(points, positions, len(text))


def windows(folded: Folded) -> list[tuple[int, int]]:
    """Overlapping ranges of folded text that cover all of it; one for a short or empty text."""
    size = len(folded.points)
    if size <= WHOLE:
        return [(0, size)]
    starts = list(range(0, size - WINDOW, STRIDE))
    return [(start, start + WINDOW) for start in starts] + [(size - WINDOW, size)]


def window_features(
    folded: Folded, ranges: list[tuple[int, int]], channel: Channel
) -> Iterator[tuple[NDArray[np.uint32], float]]:
    """For each range its distinct feature numbers, ascending, and the vector's length."""
    for first in range(0, len(ranges), BATCH):
        yield from _batch(folded, ranges[first : first + BATCH], _SALTS[channel])


def _batch(folded: Folded, ranges: list[tuple[int, int]], salt: int) -> Iterator[tuple[NDArray[np.uint32], float]]:
    width = max(end - start for start, end in ranges) + 1  # a blank closes every row, no word crosses it
    flat = np.full(len(ranges) * width, 0x20, dtype=np.uint64)
    lengths = np.empty(len(ranges), dtype=np.int64)
    for row, (start, end) in enumerate(ranges):
        flat[row * width : row * width + end - start] = folded.points[start:end]
        lengths[row] = end - start
    rows_of_words, words = _word_hashes(flat, width, salt)
    rows_of_chars, chars = _char_hashes(flat, width, lengths)
    keys = np.concatenate(
        [
            _numbers(words, WORD_FEATURES) + (rows_of_words * FEATURES).astype(np.uint32),
            _numbers(chars, CHAR_FEATURES) + (rows_of_chars * FEATURES + WORD_FEATURES).astype(np.uint32),
        ]
    )
    keys.sort()
    distinct = np.empty(len(keys), dtype=bool)
    distinct[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=distinct[1:])
    keys = keys[distinct]
    bounds = np.searchsorted(keys, np.arange(len(ranges) + 1, dtype=np.uint32) * np.uint32(FEATURES))
    for row in range(len(ranges)):
        numbers = keys[bounds[row] : bounds[row + 1]] - np.uint32(row * FEATURES)
        of_words = int(np.searchsorted(numbers, WORD_FEATURES))
        squared = of_words + CHAR_WEIGHT**2 * (len(numbers) - of_words)
        yield numbers, (squared + LEAST_SAID) ** 0.5


def _numbers(hashes: Hashes, size: int) -> NDArray[np.uint32]:
    mixed = (hashes ^ (hashes >> np.uint64(29))) * _MIX
    return (((mixed >> np.uint64(32)) * np.uint64(size)) >> np.uint64(32)).astype(np.uint32)


def _char_hashes(flat: Hashes, width: int, lengths: Ints) -> tuple[Ints, Hashes]:
    column = np.tile(np.arange(width), len(lengths))
    left = np.repeat(lengths, width) - column + 1  # the closing blank belongs to the row
    rows, hashes = [], []
    for size in CHAR_SIZES:
        if len(flat) < size:
            continue
        value = np.full(len(flat) - size + 1, size, dtype=np.uint64)
        for offset in range(size):
            value = value * np.uint64(_PRIME) + flat[offset : offset + len(value)]
        where = np.flatnonzero(left[: len(value)] >= size)
        rows.append(where // width)
        hashes.append(value[where])
    if not rows:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64)
    return np.concatenate(rows), np.concatenate(hashes)


def _word_hashes(flat: Hashes, width: int, salt: int) -> tuple[Ints, Hashes]:
    kind = _class_of(flat.astype(np.uint32))
    word = kind == _WORD
    previous = np.concatenate([[False], word[:-1]])
    following = np.concatenate([word[1:], [False]])
    single = kind == _SINGLE
    starts = np.flatnonzero((word & ~previous) | single)
    ends = np.flatnonzero((word & ~following) | single) + 1
    up, down = _powers()
    sums = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(flat * up[: len(flat)], dtype=np.uint64)])
    one = (sums[ends] - sums[starts]) * down[starts] * _MIX
    one ^= one >> np.uint64(31)
    row = starts // width
    groups: list[tuple[Ints, Hashes]] = [(row, one), (row, _cross(one, salt))]
    for step, seed in ((1, 11), (2, 13)):  # neighbours, and neighbours but one
        same = row[:-step] == row[step:] if len(row) > step else np.zeros(0, dtype=bool)
        two = one[:-step][same] * np.uint64(2 * seed + 1) + one[step:][same] + np.uint64(seed)
        groups.append((row[:-step][same], two))
        if step == 1:
            groups.append((row[:-step][same], _cross(two, salt)))
    same = row[:-2] == row[2:] if len(row) > 2 else np.zeros(0, dtype=bool)
    three = (one[:-2][same] * np.uint64(41) + one[1:-1][same]) * np.uint64(43) + one[2:][same]
    groups.append((row[:-2][same], three))
    # One feature that every window of the channel has: its bias.
    every = np.arange(len(flat) // width)
    groups.append((every, np.full(len(every), salt * 7919, dtype=np.uint64)))
    return np.concatenate([rows for rows, _ in groups]), np.concatenate([hashes for _, hashes in groups])


def _cross(hashes: Hashes, salt: int) -> Hashes:
    return (hashes ^ np.uint64(salt * 0x1000193)) * np.uint64(0xD6E8FEB86659FD93)
