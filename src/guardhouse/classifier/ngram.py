"""A small real model: hashed n-grams, one row of 8-bit weights each, many heads. It needs numpy and nothing else."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import NDArray

from guardhouse.classifier.base import ClassifierInput, HeadReading
from guardhouse.classifier.cache import ReadingCache
from guardhouse.classifier.features import BATCH, FEATURES, Folded, fold, window_features, windows
from guardhouse.errors import DeadlineExceeded
from guardhouse.model.conversation import Channel
from guardhouse.model.finding import Span

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HeadCalibration:
    """Platt's line from a head's raw margin to its log odds; `per_doubling` pays for the best of many windows."""

    slope: float
    offset: float
    per_doubling: float = 0.0


class NgramClassifier:
    """Reads texts by a linear model over hashed n-grams.

    `weights` is int8, `FEATURES` rows by at least as many columns as there are heads; a head's margin in a window is
    `scale * sum(rows of its distinct features) / vector length + bias`, and the best window counts. Safe between
    threads. About 0.5 ms for 1 KB.
    """

    def __init__(
        self,
        name: str,
        weights: NDArray[np.int8],
        *,
        heads: Sequence[str],
        scales: Sequence[float],
        biases: Sequence[float],
        calibration: Sequence[HeadCalibration],
        cache_entries: int = 1,
    ) -> None:
        if weights.dtype != np.int8 or weights.shape[0] != FEATURES or weights.shape[1] < len(heads):
            raise ValueError(f"weights of {weights.dtype} {weights.shape} do not fit {FEATURES} features and the heads")
        if not len(heads) == len(scales) == len(biases) == len(calibration):
            raise ValueError("every head needs a scale, a bias and a calibration")
        self._name = name
        self._weights = weights
        self._heads = tuple(heads)
        self._scales = np.array(scales, dtype=np.float32)
        self._biases = np.array(biases, dtype=np.float32)
        self._slopes = np.array([one.slope for one in calibration])
        self._offsets = np.array([one.offset for one in calibration])
        self._per_doubling = np.array([one.per_doubling for one in calibration])
        self._cache = ReadingCache(cache_entries)

    @property
    def name(self) -> str:
        """The model and its version."""
        return self._name

    @property
    def heads(self) -> frozenset[str]:
        """What it can say."""
        return frozenset(self._heads)

    def classify(
        self, inputs: Sequence[ClassifierInput], *, deadline: float | None = None
    ) -> list[Mapping[str, HeadReading]]:
        """One mapping per input, in order, with every head (see `Classifier`)."""
        return [self._read(given, deadline) for given in inputs]

    def _read(self, given: ClassifierInput, deadline: float | None) -> Mapping[str, HeadReading]:
        key = self._cache.key(given)
        packed = self._cache.get(key)
        if packed is None:
            packed = self._packed(given, deadline)
            self._cache.put(key, packed)
        count = len(self._heads)
        confidences = np.frombuffer(packed, dtype=np.float32, count=count).tolist()
        bounds = np.frombuffer(packed, dtype=np.int32, offset=4 * count).tolist()
        return {
            head: HeadReading(confidences[index], Span(bounds[index], bounds[count + index]))
            for index, head in enumerate(self._heads)
        }

    def _packed(self, given: ClassifierInput, deadline: float | None) -> bytes:
        folded = fold(given.text)
        ranges = windows(folded)
        margins = self._margins(folded, ranges, given.channel, deadline)
        best = margins.argmax(axis=0)
        logits = self._slopes * margins.max(axis=0) + self._offsets - self._per_doubling * log2(len(ranges))
        if len(folded.points) == 0:
            logits = np.full(len(self._heads), -50.0)  # nothing was said
        confidences = (1.0 / (1.0 + np.exp(-np.clip(logits, -50, 50)))).astype(np.float32)
        spans = [folded.span(*ranges[index]) for index in best]
        bounds = np.array([[span.start for span in spans], [span.end for span in spans]], dtype=np.int32)
        packed: bytes = confidences.tobytes() + bounds.tobytes()
        return packed

    def margins(self, given: ClassifierInput) -> Floats:
        """Raw margins, windows by heads; what calibration is fitted on."""
        folded = fold(given.text)
        return self._margins(folded, windows(folded), given.channel, None)

    def _margins(
        self, folded: Folded, ranges: list[tuple[int, int]], channel: Channel, deadline: float | None
    ) -> Floats:
        sums = np.empty((len(ranges), len(self._heads)), dtype=np.float32)
        for index, (numbers, length) in enumerate(window_features(folded, ranges, channel)):
            if index % BATCH == 0 and deadline is not None and time.monotonic() > deadline:
                raise DeadlineExceeded("the classifier ran out of time")
            rows = self._weights[numbers]
            sums[index] = rows.sum(axis=0, dtype=np.int32)[: len(self._heads)] / length
        return sums * self._scales + self._biases
