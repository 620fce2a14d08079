"""The model that the package brings."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path

import pytest

from guardhouse.classifier import load
from guardhouse.classifier.base import ClassifierInput
from guardhouse.classifier.load import load_classifier, read_card
from guardhouse.errors import ConfigurationError
from guardhouse.model.conversation import Channel

DATA = resources.files("guardhouse.classifier") / "data"
HEADS = {
    "attack", "jailbreak", "indirect_prompt_injection", "instruction_override", "role_play", "authority_override",
    "obfuscation", "system_prompt_extraction", "data_exfiltration", "security_exploit", "destructive_tool_call",
    "denial_of_service_tool_call", "hate", "harassment", "sexual", "violence", "self_harm", "criminal", "weapons",
    "profanity", "toxicity", "topic_financial_advice", "topic_legal_advice", "topic_religion", "topic_politics",
    "topic_health_coverage", "sentiment_negative", "gibberish",
}  # fmt: skip


def test_has_every_head_and_answers_with_all_of_them() -> None:
    classifier = load_classifier(cache_entries=4)
    assert classifier.heads == HEADS
    (reading,) = classifier.classify([ClassifierInput("What is the weather like today?", Channel.USER)])
    assert set(reading) == HEADS
    assert all(0 <= one.confidence <= 1 for one in reading.values())
    assert reading["attack"].span is not None
    assert (reading["attack"].span.start, reading["attack"].span.end) == (0, 31)


def test_card_describes_the_weights() -> None:
    card = read_card()
    content = (DATA / "ngram.npy").read_bytes()
    assert hashlib.sha256(content).hexdigest() == card["sha256"]
    assert len(content) < 6 * 1024 * 1024
    assert card["name"].endswith(card["sha256"][:8])
    assert load_classifier(cache_entries=1).name == card["name"]


def test_other_weights_than_the_cards_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    card = {**read_card(), "sha256": "0" * 64}
    monkeypatch.setattr(load, "read_card", lambda: card)
    with pytest.raises(ConfigurationError, match="not those that its card describes"):
        load_classifier(cache_entries=1)


@pytest.mark.parametrize("missing", ["_CARD", "_WEIGHTS"])
def test_missing_files_are_told(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setattr(load, missing, "absent.bin")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_classifier(cache_entries=1)


@pytest.mark.parametrize("case", json.loads((Path(__file__).parent / "golden.json").read_text("utf-8")))
def test_golden_readings(case: dict[str, str | float]) -> None:
    """Readings of the shipped model; `training/golden.py` writes the file anew when the model changes."""
    given = ClassifierInput(str(case["text"]), Channel(str(case["channel"])))
    (reading,) = load_classifier(cache_entries=1).classify([given])
    assert reading[str(case["head"])].confidence == pytest.approx(case["confidence"], abs=2e-3)
