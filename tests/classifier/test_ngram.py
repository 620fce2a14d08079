"""The linear model over hashed n-grams, with weights made for the test."""

from __future__ import annotations

import time

import numpy as np
import pytest

from guardhouse.classifier.base import ClassifierInput
from guardhouse.classifier.features import FEATURES, WINDOW, fold, window_features, windows
from guardhouse.classifier.ngram import HeadCalibration, NgramClassifier
from guardhouse.errors import DeadlineExceeded
from guardhouse.model.conversation import Channel

USER = Channel.USER


def features(text: str) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    folded = fold(text)
    return next(window_features(folded, windows(folded), USER))[0]


def model(cache_entries: int = 8, per_doubling: float = 0.0) -> NgramClassifier:
    """Head `zebra` rises with the features of that word, head `none` knows nothing."""
    weights = np.zeros((FEATURES, 32), dtype=np.int8)
    weights[np.setdiff1d(features("zebra"), features("")), 0] = 100
    return NgramClassifier(
        "test",
        weights,
        heads=["zebra", "none"],
        scales=[0.05, 0.05],
        biases=[-1.0, -1.0],
        calibration=[HeadCalibration(2.0, 0.0, per_doubling), HeadCalibration(2.0, 0.0)],
        cache_entries=cache_entries,
    )


def test_reads_what_it_was_taught() -> None:
    hit, miss = model().classify([ClassifierInput("a zebra", USER), ClassifierInput("a mule", USER)])
    assert hit["zebra"].confidence > 0.9
    assert miss["zebra"].confidence < 0.5
    assert hit["none"].confidence == miss["none"].confidence == pytest.approx(1 / (1 + np.exp(2)), abs=1e-6)


def test_margin_is_the_scaled_sum_over_the_vectors_length() -> None:
    folded = fold("zebra")
    found, length = next(window_features(folded, windows(folded), USER))
    count = len(np.setdiff1d(found, features("")))
    assert model().margins(ClassifierInput("zebra", USER))[0, 0] == pytest.approx(0.05 * 100 * count / length - 1)


def test_the_best_window_counts_and_is_named() -> None:
    text = "the mule stood still " * 200 + "zebra " + "the mule stood still " * 200
    (reading,) = model().classify([ClassifierInput(text, USER)])
    span = reading["zebra"].span
    assert span is not None
    assert "zebra" in text[span.start : span.end]
    assert span.end - span.start == WINDOW
    assert reading["zebra"].confidence > 0.5


def test_many_windows_cost_log_odds() -> None:
    text = "the mule stood still " * 200 + "zebra"
    given = [ClassifierInput(text, USER)]
    assert (
        model(per_doubling=1.0).classify(given)[0]["zebra"].confidence < model().classify(given)[0]["zebra"].confidence
    )


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_nothing_said_is_nothing_found(text: str) -> None:
    (reading,) = model().classify([ClassifierInput(text, USER)])
    assert reading["zebra"].confidence < 1e-6 or text


def test_the_second_reading_comes_from_the_cache() -> None:
    classifier = model()
    first = classifier.classify([ClassifierInput("a zebra", USER)])
    classifier._weights = np.zeros((FEATURES, 32), dtype=np.int8)
    assert classifier.classify([ClassifierInput("a zebra", USER)]) == first
    assert classifier.classify([ClassifierInput("a zebra", Channel.TOOL)]) != first


def test_a_passed_deadline_raises() -> None:
    with pytest.raises(DeadlineExceeded):
        model().classify([ClassifierInput("a zebra", USER)], deadline=time.monotonic() - 1)


def test_weights_of_the_wrong_form_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        NgramClassifier("x", np.zeros((3, 32), np.int8), heads=[], scales=[], biases=[], calibration=[])
    with pytest.raises(ValueError, match="every head"):
        NgramClassifier("x", np.zeros((FEATURES, 32), np.int8), heads=["a"], scales=[], biases=[], calibration=[])
