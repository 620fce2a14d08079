"""Names and places: which words of a text are part of one, told from the network's states and the words' own letters.

The network reads no capitals and no long numbers, and names hang on both: so a small second network reads, word by
word and in both directions, the state of each word beside its letters. Training and run time share this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from guardhouse.classifier.network import WIDTH, WindowReading, open_session
from guardhouse.classifier.tokens import Tokens, long_numbers

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
LETTERS, ENDING = 12, 4
"""Letters of a word that are read; of a longer word the first ones and as many of its ending."""
CODES, ALPHABETS = 2048, 1536
"""Codes of letters: the code point below `ALPHABETS`, above it one of the other codes per block of 64."""
FLAGS = 13
_FRAME = 2
"""Tokens before a window's own."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text that were read, in order, long numbers among them as words without a state.

    `starts` and `ends` are code points; `states` is words by `WIDTH`.
    """

    starts: Ids
    ends: Ids
    states: Floats


class NameModel:
    """Tells for each word how likely each name tag is. Safe between threads."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session

    def read(self, text: str, words: Words) -> Floats:
        """Probabilities, words by tags: tag 0 is `outside`, 2k + 1 begins kind k and 2k + 2 goes on with it."""
        letters, flags = word_features(text, words.starts, words.ends)
        given = {"states": words.states[None], "letters": letters[None], "flags": flags[None]}
        logits = self._session.run(None, given)[0][0]
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: Floats = shifted / shifted.sum(axis=1, keepdims=True)
        return probabilities


def load_names(path: Path) -> NameModel:
    """The model of an ONNX file, on one thread of the processor."""
    return NameModel(open_session(path))


def read_words(
    text: str, tokens: Tokens, ranges: Sequence[tuple[int, int]], read: Sequence[WindowReading]
) -> list[Words]:
    """Stretches of words that the network read, from windows over `ranges` of the tokens.

    Where windows overlap, the one in which a token stands further inside counts. A text that was read whole is one
    stretch. A word's state is the mean of its tokens'.
    """
    if not len(tokens.ids):
        return []
    states, seen = _states(len(tokens.ids), ranges, read)
    firsts = np.flatnonzero(np.concatenate([[True], tokens.words[1:] != tokens.words[:-1]]))
    lasts = np.append(firsts[1:], len(tokens.ids))
    by_word = (np.add.reduceat(states, firsts, axis=0) / (lasts - firsts)[:, None]).astype(np.float32)
    whole = np.logical_and.reduceat(seen, firsts)
    starts, ends = tokens.starts[firsts].astype(np.int64), tokens.ends[lasts - 1].astype(np.int64)
    borders = np.flatnonzero(whole[1:] != whole[:-1]) + 1
    stretches = []
    for chosen in np.split(np.arange(len(firsts)), borders):
        if whole[chosen[0]]:
            begin = 0 if chosen[0] == 0 else int(starts[chosen[0]])
            end = len(text) if chosen[-1] == len(firsts) - 1 else int(ends[chosen[-1]])
            stretches.append(_with_numbers(text, begin, end, Words(starts[chosen], ends[chosen], by_word[chosen])))
    return stretches


def word_features(text: str, starts: Ids, ends: Ids) -> tuple[Ids, Floats]:
    """Of each word the codes of its letters (words by `LETTERS`, 0 for none) and what stands around it (by `FLAGS`)."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.int64)
    codes = np.where(points < ALPHABETS, points, ALPHABETS + (points // 64) % (CODES - ALPHABETS))
    places = starts[:, None] + np.arange(LETTERS)
    letters = np.where(places < ends[:, None], codes[np.minimum(places, len(codes) - 1)], 0)
    long = ends - starts > LETTERS
    letters[long, -ENDING:] = codes[ends[long][:, None] - np.arange(ENDING, 0, -1)]
    bounds = list(zip(starts.tolist(), ends.tolist(), strict=True))
    gap_starts = [0, *ends.tolist()]
    gap_ends = [*starts.tolist(), len(text)]
    gaps = [_gap_flags(text[start:end]) for start, end in zip(gap_starts, gap_ends, strict=True)]
    flags = np.zeros((len(bounds), FLAGS), dtype=np.float32)
    flags[:, 0:3], flags[:, 3:6] = gaps[:-1], gaps[1:]
    flags[:, 6:11] = [_word_flags(text[start:end]) for start, end in bounds]
    flags[0, 11] = flags[-1, 12] = 1.0
    return letters, flags


def _gap_flags(gap: str) -> tuple[bool, bool, bool]:
    return "\n" in gap, any(map(str.isspace, gap)), bool(gap.strip())


def _word_flags(word: str) -> tuple[bool, bool, bool, bool, bool]:
    return word[0].isupper(), len(word) > 1 and word.isupper(), word[0].isdigit(), len(word) == 1, word[0].isalpha()


def _states(
    count: int, ranges: Sequence[tuple[int, int]], read: Sequence[WindowReading]
) -> tuple[Floats, NDArray[np.bool_]]:
    """By token its state, and whether any window held it."""
    states = np.zeros((count, WIDTH), dtype=np.float32)
    inside = np.full(count, -1)
    for (start, end), reading in zip(ranges, read, strict=True):
        depth = np.minimum(np.arange(end - start), np.arange(end - start)[::-1])
        better = depth > inside[start:end]
        states[start:end][better] = reading.states[_FRAME : _FRAME + end - start][better]
        inside[start:end] = np.maximum(inside[start:end], depth)
    return states, inside >= 0


def _with_numbers(text: str, begin: int, end: int, words: Words) -> Words:
    """The words of `text[begin:end]` with the long numbers between them, which are no tokens."""
    numbers = np.array([match.span() for match in long_numbers(text, begin, end)], dtype=np.int64).reshape(-1, 2)
    if not len(numbers):
        return words
    starts, ends = np.concatenate([words.starts, numbers[:, 0]]), np.concatenate([words.ends, numbers[:, 1]])
    states = np.concatenate([words.states, np.zeros((len(numbers), WIDTH), dtype=np.float32)])
    order = np.argsort(starts, kind="stable")
    return Words(starts[order], ends[order], states[order])
