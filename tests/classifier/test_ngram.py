"""The linear model over hashed n-grams, with weights made for the test."""

from __future__ import annotations

import time

import numpy as np
import pytest

from guardhouse.classifier.base import ClassifierInput
from guardhouse.classifier.features import FEATURES, WINDOW, fold, window_features, windows
from guardhouse.classifier.ngram import NgramModel
from guardhouse.errors import DeadlineExceeded
from guardhouse.model.conversation import Channel

USER = Channel.USER


def features(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    folded = fold(text)
    return next(window_features(folded, windows(folded), USER))[0]


def model() -> NgramModel:
    """Head 0 rises with the features of the word zebra, head 1 knows nothing."""
    weights = np.zeros((FEATURES, 32), dtype=np.int8)
    weights[np.setdiff1d(features("zebra"), features("")), 0] = 100
    return NgramModel(weights, scales=[0.05, 0.05], biases=[-1.0, -1.5])


def test_reads_what_it_was_taught() -> None:
    hit, miss = model().read(ClassifierInput("a zebra", USER)), model().read(ClassifierInput("a mule", USER))
    assert hit.margins[0, 0] > 1
    assert miss.margins[0, 0] < 0
    assert hit.margins[0, 1] == miss.margins[0, 1] == pytest.approx(-1.5)


def test_margin_is_the_scaled_sum_over_the_vectors_length() -> None:
    folded = fold("zebra")
    found, length = next(window_features(folded, windows(folded), USER))
    count = len(np.setdiff1d(found, features("")))
    margin = model().read(ClassifierInput("zebra", USER)).margins[0, 0]
    assert margin == pytest.approx(0.05 * 100 * count / length - 1)


def test_every_window_is_read_and_named() -> None:
    text = "the mule stood still " * 200 + "zebra " + "the mule stood still " * 200
    reading = model().read(ClassifierInput(text, USER))
    assert len(reading.spans) == len(reading.margins) > 10
    best = reading.spans[int(reading.margins[:, 0].argmax())]
    assert "zebra" in text[best.start : best.end]
    assert best.end - best.start == WINDOW


def test_an_empty_text_is_one_empty_window() -> None:
    reading = model().read(ClassifierInput("", USER))
    assert (reading.spans[0].start, reading.spans[0].end) == (0, 0)
    assert reading.margins.shape == (1, 2)


def test_a_passed_deadline_raises() -> None:
    with pytest.raises(DeadlineExceeded):
        model().read(ClassifierInput("a zebra", USER), deadline=time.monotonic() - 1)


def test_weights_of_the_wrong_form_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        NgramModel(np.zeros((3, 32), np.int8), scales=[], biases=[])
    with pytest.raises(ValueError, match="every head"):
        NgramModel(np.zeros((FEATURES, 32), np.int8), scales=[1.0], biases=[])
