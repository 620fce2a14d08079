"""A small real model: hashed n-grams, one row of 8-bit weights each, many heads. It needs numpy and nothing else.

It reads every language and every disguise of letters alike, which the network's tokens do not, and the whole of texts
that are too long for the network.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from guardhouse.classifier.base import ClassifierInput
from guardhouse.classifier.features import BATCH, FEATURES, fold, window_features, windows
from guardhouse.errors import DeadlineExceeded
from guardhouse.model.finding import Span

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WordReading:
    """Raw margins of a text, windows by heads, and the range of the text that each window is."""

    margins: Floats
    spans: tuple[Span, ...]


class NgramModel:
    """Reads texts by a linear model over hashed n-grams.

    `weights` is int8, `FEATURES` rows by at least as many columns as there are heads; a head's margin in a window is
    `scale * sum(rows of its distinct features) / vector length + bias`. Safe between threads. About 0.5 ms for 1 KB.
    """

    def __init__(self, weights: NDArray[np.int8], *, scales: Sequence[float], biases: Sequence[float]) -> None:
        if weights.dtype != np.int8 or weights.shape[0] != FEATURES or weights.shape[1] < len(scales):
            raise ValueError(f"weights of {weights.dtype} {weights.shape} do not fit {FEATURES} features and the heads")
        if len(scales) != len(biases):
            raise ValueError("every head needs a scale and a bias")
        self._weights = weights
        self._scales = np.array(scales, dtype=np.float32)
        self._biases = np.array(biases, dtype=np.float32)

    def read(self, given: ClassifierInput, *, deadline: float | None = None) -> WordReading:
        """The margins of every window. Raises `DeadlineExceeded` past `deadline`, a `time.monotonic()` instant."""
        folded = fold(given.text)
        ranges = windows(folded)
        heads = len(self._scales)
        sums = np.empty((len(ranges), heads), dtype=np.float32)
        for index, (numbers, length) in enumerate(window_features(folded, ranges, given.channel)):
            if index % BATCH == 0 and deadline is not None and time.monotonic() > deadline:
                raise DeadlineExceeded("the classifier ran out of time")
            sums[index] = self._weights[numbers].sum(axis=0, dtype=np.int32)[:heads] / length
        return WordReading(sums * self._scales + self._biases, tuple(folded.span(*window) for window in ranges))
