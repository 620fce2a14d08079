"""The benchmark's random round trips: some of them here, a million by hand."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

from guardhouse.redaction.context import Context
from guardhouse.redaction.unredact import Restorer


def load() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "bench" / "redaction.py"
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location("bench_redaction", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_redaction"] = module
    spec.loader.exec_module(module)
    return module


redaction = load()
FAILED_ONCE = (1692, 1944, 2036, 2586, 2927, 2932, 4959, 5882)


def test_random_trips_are_exact() -> None:
    count, values, wrong = redaction._batch(0, 300)
    assert (count, wrong) == (300, [])
    assert values > 300


@pytest.mark.parametrize("number", FAILED_ONCE)
def test_trips_that_failed_once_are_exact(number: int) -> None:
    assert redaction.trip(number).wrong == ""


def test_trips_through_the_whole_guard_are_exact() -> None:
    count, values, wrong = redaction._guard_batch(0, 20)
    assert (count, wrong) == (20, [])
    assert values > 20


def test_what_is_not_exact_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Context.original
    monkeypatch.setattr(Context, "original", lambda self, entry: original(self, entry).replace("-", "+"))
    ways = {redaction.trip(number).wrong for number in range(60)}
    assert "whole" in ways
    monkeypatch.undo()
    monkeypatch.setattr(Restorer, "prose", lambda self, text: text)
    assert any("quoted" in redaction.trip(number).wrong for number in range(20))


def test_texts_hold_every_plane() -> None:
    chance = random.Random(1)
    planes = {ord(redaction.character(chance)) >> 16 for _ in range(5000)}
    assert planes == set(range(17))
