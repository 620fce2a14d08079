"""The classifier that the package brings: a small network and an n-gram model, read together, and one for names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from guardhouse.classifier.base import ClassifierInput, HeadReading, Reading, Tag
from guardhouse.classifier.cache import ReadingCache
from guardhouse.classifier.calibration import Calibration
from guardhouse.classifier.names import NameModel, read_words
from guardhouse.classifier.network import Network, WindowReading
from guardhouse.classifier.ngram import NgramModel, WordReading
from guardhouse.classifier.tags import injected_range, name_tags
from guardhouse.classifier.tokens import Ids, Tokens, token_windows, tokenize, window_ids
from guardhouse.model.finding import Span

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Floats = NDArray[np.float32]
ATTACK = "attack"
_SHORT = 12
"""Tokens of a text that may have fewer than three words."""
MOST_WINDOWS = 48
"""Windows of one text that the network reads, some 20 KB; of a longer one those where the n-gram model sees most."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """One text on its way: its tokens, the ranges of them that the network reads, what the n-gram model said."""

    given: ClassifierInput
    tokens: Tokens
    ranges: list[tuple[int, int]]
    words: WordReading


class BundledClassifier:
    """Reads texts with both models and remembers what it read. Safe between threads.

    `heads` are in the order of both models' columns; `tags` are the kinds of name that it marks.
    """

    def __init__(
        self,
        name: str,
        *,
        heads: Sequence[str],
        tags: Sequence[str],
        network: Network,
        names: NameModel,
        words: NgramModel,
        tokenizer: Tokenizer,
        calibration: Calibration,
        cache_entries: int,
    ) -> None:
        self._name = name
        self._heads = tuple(heads)
        self._tags = tuple(tags)
        self._network = network
        self._names = names
        self._words = words
        self._tokenizer = tokenizer
        self._calibration = calibration
        self._cache = ReadingCache(cache_entries)

    @property
    def name(self) -> str:
        """The model and its version."""
        return self._name

    @property
    def heads(self) -> frozenset[str]:
        """What it can say."""
        return frozenset((*self._heads, *self._tags))

    def classify(self, inputs: Sequence[ClassifierInput], *, deadline: float | None = None) -> list[Reading]:
        """One reading per input, in order (see `Classifier`). What stands in `inputs` twice is read once."""
        keys = [self._cache.key(given) for given in inputs]
        known: dict[bytes, bytes] = {}
        fresh: dict[bytes, _Prepared] = {}
        for key, given in zip(keys, inputs, strict=True):
            if key in known or key in fresh:
                continue
            packed = self._cache.get(key)
            if packed is None:
                fresh[key] = self._prepare(given, deadline)
            else:
                known[key] = packed
        windows = [
            window_ids(one.tokens.ids[start:end], one.given.channel)
            for one in fresh.values()
            for start, end in one.ranges
        ]
        read = iter(self._network.read(windows, deadline=deadline))
        for key, one in fresh.items():
            known[key] = self._pack(one, [next(read) for _ in one.ranges])
            self._cache.put(key, known[key])
        return [self._unpack(known[key]) for key in keys]

    def token_ids(self, text: str) -> Ids:
        """The tokens that the network would read of a text."""
        return tokenize(self._tokenizer, text).ids

    def _prepare(self, given: ClassifierInput, deadline: float | None) -> _Prepared:
        words = self._words.read(given, deadline=deadline)
        tokens = tokenize(self._tokenizer, given.text)
        ranges = token_windows(len(tokens.ids))
        if len(ranges) > MOST_WINDOWS:
            ranges = _most_suspicious(ranges, tokens, words)
        return _Prepared(given, tokens, ranges, words)

    def _pack(self, one: _Prepared, read: Sequence[WindowReading]) -> bytes:
        length = len(one.given.text)
        margins = one.words.margins
        tags: tuple[Tag, ...] = ()
        if not one.given.text.strip():
            confidences = np.zeros(len(self._heads), dtype=np.float32)
            spans = [Span(0, length)] * len(self._heads)
        elif not read:
            confidences = self._calibration.confidences(None, margins.max(axis=0), len(margins))
            spans = [one.words.spans[index] for index in margins.argmax(axis=0)]
        else:
            logits = np.stack([reading.heads for reading in read])
            confidences = self._calibration.confidences(
                logits.max(axis=0), margins.max(axis=0), len(margins), missing=_missing_words(one)
            )
            best = logits.argmax(axis=0)
            spans = [_window_span(one, int(index)) for index in best]
            at = self._heads.index(ATTACK)
            spans[at] = self._attack_span(one, int(best[at]), read) or spans[at]
            tags = self._name_tags(one, read)
        bounds = np.array([[span.start, span.end] for span in spans], dtype=np.int32)
        rows = [[self._tags.index(tag.kind), tag.span.start, tag.span.end] for tag in tags]
        packed: bytes = confidences.tobytes() + bounds.tobytes() + np.array(rows, dtype=np.int32).tobytes()
        return packed + np.array([tag.confidence for tag in tags], dtype=np.float32).tobytes()

    def _name_tags(self, one: _Prepared, read: Sequence[WindowReading]) -> tuple[Tag, ...]:
        text = one.given.text
        return tuple(
            tag
            for words in read_words(text, one.tokens, one.ranges, read)
            for tag in name_tags(words, self._names.read(text, words), self._tags)
        )

    def _attack_span(self, one: _Prepared, window: int, read: Sequence[WindowReading]) -> Span | None:
        start = one.ranges[window][0]
        found = injected_range(read[window].injected[2:-1])
        return one.tokens.span(start + found[0], start + found[1]) if found else None

    def _unpack(self, packed: bytes) -> Reading:
        heads = len(self._heads)
        confidences = np.frombuffer(packed, dtype=np.float32, count=heads).tolist()
        bounds = np.frombuffer(packed, dtype=np.int32, count=2 * heads, offset=4 * heads).tolist()
        count = (len(packed) - 12 * heads) // 16
        rows = np.frombuffer(packed, dtype=np.int32, count=3 * count, offset=12 * heads).reshape(-1, 3).tolist()
        sure = np.frombuffer(packed, dtype=np.float32, count=count, offset=12 * (heads + count)).tolist()
        named = {
            head: HeadReading(confidences[index], Span(bounds[2 * index], bounds[2 * index + 1]))
            for index, head in enumerate(self._heads)
        }
        tags = tuple(Tag(self._tags[row[0]], Span(row[1], row[2]), one) for row, one in zip(rows, sure, strict=True))
        best: Mapping[str, HeadReading] = {
            kind: max((HeadReading(tag.confidence, tag.span) for tag in tags if tag.kind == kind), key=_confidence)
            for kind in {tag.kind for tag in tags}
        }
        return Reading({**{kind: HeadReading(0.0) for kind in self._tags}, **named, **best}, tags)


def _missing_words(one: _Prepared) -> int:
    """How many words the text has fewer than three; a sign of a script without blanks is a word."""
    if len(one.tokens.ids) > _SHORT:
        return 0
    text, tokens = one.given.text, one.tokens
    pieces = zip(tokens.words.tolist(), tokens.starts.tolist(), tokens.ends.tolist(), strict=True)
    return max(0, 3 - len({word for word, start, end in pieces if text[start:end].isalnum()}))


def _confidence(reading: HeadReading) -> float:
    return reading.confidence


def _window_span(one: _Prepared, window: int) -> Span:
    """The range of the text that a window is; of a text that is one window, all of it."""
    if len(one.ranges) == 1:
        return Span(0, len(one.given.text))
    return one.tokens.span(*one.ranges[window])


def _most_suspicious(ranges: list[tuple[int, int]], tokens: Tokens, words: WordReading) -> list[tuple[int, int]]:
    """The windows of tokens over the stretches where any head of the n-gram model stands out most, in order.

    Heads count by how far a window is above that head's usual margin in this text, the attack head twice.
    """
    margins = words.margins
    above = margins - np.median(margins, axis=0)
    above[:, 0] *= 2
    scores = above.max(axis=1)
    begins = np.array([span.start for span in words.spans])
    chosen: set[int] = {0, len(ranges) - 1}
    starts = tokens.starts[[start for start, _ in ranges]]
    ends = tokens.ends[[end - 1 for _, end in ranges]]
    for index in np.argsort(-scores, kind="stable"):
        if len(chosen) >= MOST_WINDOWS:
            break
        middle = (begins[index] + words.spans[index].end) // 2
        over = np.flatnonzero((starts <= middle) & (ends > middle))
        chosen.update(int(window) for window in over[:2])
    return [ranges[index] for index in sorted(chosen)[:MOST_WINDOWS]]
