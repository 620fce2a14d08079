"""The measures of `bench/quality.py`, on numbers that can be checked by hand."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def load() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "bench" / "quality.py"
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location("bench_quality", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_quality"] = module
    spec.loader.exec_module(module)
    return module


quality = load()


@pytest.mark.parametrize(
    ("positive", "negative", "area"),
    [
        ([0.9, 0.8], [0.1, 0.2], 1.0),
        ([0.1], [0.9], 0.0),
        ([0.5], [0.5], 0.5),
        ([0.9, 0.3], [0.5, 0.3], 0.625),
    ],
)
def test_area_under_curve(positive: list[float], negative: list[float], area: float) -> None:
    assert quality.area_under_curve(positive, negative) == pytest.approx(area)


def test_recall_at_a_rate_lets_that_share_of_harmless_rows_pass() -> None:
    negative = [index / 100 for index in range(100)]
    assert quality.recall_at([0.985, 0.995, 0.5], negative, 0.01) == pytest.approx(2 / 3)
    assert quality.recall_at([0.985, 0.995, 0.5], negative, 0.001) == pytest.approx(1 / 3)


def test_interval_of_wilson() -> None:
    assert quality.interval(8, 10) == "0.800 (0.49-0.94)"
    assert quality.interval(0, 0) == "-"


def test_calibration_error() -> None:
    assert quality.calibration_error([0.95], [0.95]) == pytest.approx(0.45)
    assert quality.calibration_error([1.0], [0.0]) == 0.0
