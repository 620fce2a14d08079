"""The model that the package brings."""

from __future__ import annotations

import hashlib
import shutil
from importlib import resources
from pathlib import Path

import pytest

from guardhouse.classifier import load
from guardhouse.classifier.base import ClassifierInput
from guardhouse.classifier.load import CARD, NETWORK, TOKENIZER, WORDS, load_classifier, read_card
from guardhouse.errors import ConfigurationError
from guardhouse.model.conversation import Channel

DATA = Path(str(resources.files("guardhouse.classifier") / "data"))
TAGS = {"person", "location", "organization", "address"}
HEADS = {
    "attack", "jailbreak", "indirect_prompt_injection", "instruction_override", "role_play", "authority_override",
    "obfuscation", "system_prompt_extraction", "data_exfiltration", "security_exploit", "destructive_tool_call",
    "denial_of_service_tool_call", "hate", "harassment", "sexual", "violence", "self_harm", "criminal", "weapons",
    "profanity", "toxicity", "topic_financial_advice", "topic_legal_advice", "topic_religion", "topic_politics",
    "topic_health_coverage", "sentiment_negative", "gibberish",
}  # fmt: skip
MOST_SHIPPED = 30 * 1000 * 1000


def test_has_every_head_and_answers_with_all_of_them() -> None:
    classifier = load_classifier(cache_entries=4)
    assert classifier.heads == HEADS | TAGS
    (reading,) = classifier.classify([ClassifierInput("What is the weather like today?", Channel.USER)])
    assert set(reading.heads) == HEADS | TAGS
    assert all(0 <= one.confidence <= 1 for one in reading.heads.values())
    assert reading.heads["hate"].span is not None
    assert (reading.heads["hate"].span.start, reading.heads["hate"].span.end) == (0, 31)


def test_card_describes_the_files_and_they_are_small() -> None:
    card = read_card()
    for name in (WORDS, NETWORK, TOKENIZER):
        assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == card["files"][name]
    assert sum(file.stat().st_size for file in DATA.iterdir()) < MOST_SHIPPED
    assert load_classifier(cache_entries=1).name == card["name"]


@pytest.mark.parametrize("name", [WORDS, NETWORK, TOKENIZER])
def test_another_file_than_the_cards_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    card = read_card()
    card["files"] = {**card["files"], name: "0" * 64}
    monkeypatch.setattr(load, "read_card", lambda: card)
    with pytest.raises(ConfigurationError, match=f"{name} is not the file"):
        load_classifier(cache_entries=1)


@pytest.mark.parametrize("name", [CARD, WORDS, NETWORK, TOKENIZER])
def test_missing_files_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    shutil.copytree(DATA, tmp_path / "data")
    (tmp_path / "data" / name).unlink()
    monkeypatch.setattr(load.resources, "files", lambda package: tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_classifier(cache_entries=1)
