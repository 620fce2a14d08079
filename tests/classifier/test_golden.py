"""The shipped model says what it said when it was exported; `training/golden.py` writes the file anew."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from guardhouse.classifier.base import ClassifierInput
from guardhouse.classifier.bundled import BundledClassifier
from guardhouse.classifier.load import load_classifier
from guardhouse.engine.guard import Guard
from guardhouse.model.conversation import Channel
from guardhouse.settings import Settings

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "bundled.json").read_text("utf-8"))
TOLERANCE = 0.04
"""Processors round 32-bit sums differently; a model that was changed moves further than that."""


@cache
def guard() -> Guard:
    return Guard(settings=Settings(plugins=False), classifier=classifier())


@cache
def classifier() -> BundledClassifier:
    loaded = load_classifier(cache_entries=1000)
    assert isinstance(loaded, BundledClassifier)
    return loaded


def test_the_file_is_of_this_model() -> None:
    assert GOLDEN["model"] == classifier().name
    assert len(GOLDEN["readings"]) >= 300


@pytest.mark.parametrize("case", GOLDEN["readings"], ids=range(len(GOLDEN["readings"])))
def test_reads_as_it_did(case: dict[str, Any]) -> None:
    text, channel = case["text"], case["channel"]
    assert hashlib.sha256(classifier().token_ids(text).tobytes()).hexdigest()[:16] == case["tokens"]
    (read,) = classifier().classify([ClassifierInput(text, Channel(channel))])
    for head, reading in read.heads.items():
        assert reading.confidence == pytest.approx(case["heads"].get(head, 0.0), abs=TOLERANCE), head
    evaluation = guard().evaluate(text, role=channel)
    if all(abs(value - 0.5) > TOLERANCE for value in evaluation.confidences.values()):
        assert evaluation.action.name == case["action"]
