"""From two models' sayings to one confidence."""

from __future__ import annotations

import numpy as np
import pytest

from guardhouse.classifier.calibration import Calibration

LINE = {
    "network": 2.0,
    "words": 1.0,
    "offset": -1.0,
    "per_doubling": 0.5,
    "words_alone": 3.0,
    "offset_alone": -2.0,
    "brevity": 1.5,
}


def confidence(network: float | None, words: float, windows: int = 1, missing: int = 0) -> float:
    given = None if network is None else np.array([network], dtype=np.float32)
    return float(
        Calibration([LINE]).confidences(given, np.array([words], dtype=np.float32), windows, missing=missing)[0]
    )


def sigmoid(odds: float) -> float:
    return float(1 / (1 + np.exp(-odds)))


@pytest.mark.parametrize(("network", "words", "odds"), [(0.0, 0.0, -1.0), (1.0, 0.5, 1.5), (-3.0, 2.0, -5.0)])
def test_both_models_add_up(network: float, words: float, odds: float) -> None:
    assert confidence(network, words) == pytest.approx(sigmoid(odds), abs=1e-6)


def test_without_the_network_the_other_model_speaks_alone() -> None:
    assert confidence(None, 1.0) == pytest.approx(sigmoid(1.0), abs=1e-6)


def test_the_best_of_many_windows_pays_by_doubling() -> None:
    assert confidence(1.0, 1.0, windows=8) == pytest.approx(sigmoid(2.0 - 1.5), abs=1e-6)


def test_two_words_are_little_to_judge_by() -> None:
    assert confidence(1.0, 0.5, missing=1) == pytest.approx(sigmoid(1.5 - 1.5), abs=1e-6)


def test_extremes_stay_between_nought_and_one() -> None:
    assert 0 < confidence(-1e6, -1e6) < confidence(1e6, 1e6) <= 1
