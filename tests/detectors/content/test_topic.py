"""Topics, sentiment and gibberish through the bundled model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import pytest
from evidence import evidence_for, findings_of, setting_for

from guardhouse.classifier.base import Classifier, ClassifierInput, HeadReading, Reading
from guardhouse.classifier.load import load_classifier
from guardhouse.detectors.base import Detector
from guardhouse.detectors.content.gibberish import Gibberish
from guardhouse.detectors.content.sentiment import Sentiment
from guardhouse.detectors.content.topic import Topic
from guardhouse.errors import InvalidInput, UnknownName
from guardhouse.model.finding import Span

TOPIC, SENTIMENT, GIBBERISH = Topic(), Sentiment(), Gibberish()


@cache
def model() -> Classifier:
    return load_classifier(cache_entries=10)


def flagged(detector: Detector, text: str) -> set[str]:
    return {finding.kind for finding in findings_of(detector, text, classifier=model(), least=0.5)}


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("FINANCIAL_ADVICE", "Should I buy shares of Apple or put the money into an index fund?"),
        ("LEGAL_ADVICE", "Can I sue my landlord, or do I need a lawyer first?"),
        ("RELIGION", "What does the Bible say about forgiveness, and what does the Quran say?"),
        ("POLITICS", "Who should I vote for in the presidential election?"),
        ("HEALTH_COVERAGE", "Does my health insurance cover the copay for an MRI?"),
    ],
)
def test_topics_are_found(kind: str, text: str) -> None:
    assert kind in flagged(TOPIC, text)


@pytest.mark.parametrize(
    "text", ["What is the weather like today?", "How do I sort a list in Python?", "Write a poem about the sea."]
)
def test_other_subjects_pass(text: str) -> None:
    assert flagged(TOPIC, text) == set()


def test_a_head_alone_stays_below_the_threshold() -> None:
    class Sure:
        name = "sure"
        heads = frozenset({"topic_religion"})

        def classify(self, inputs: Sequence[ClassifierInput], *, deadline: float | None = None) -> list[Reading]:
            return [Reading({"topic_religion": HeadReading(0.9, Span(0, len(one.text)))}) for one in inputs]

    setting = setting_for(TOPIC, options={"topics": ["religion"]})
    alone, supported = (
        findings_of(TOPIC, text, setting=setting, classifier=Sure())[0] for text in ("Amen to that.", "A church.")
    )
    assert alone.confidence == pytest.approx(0.45)
    assert supported.confidence == pytest.approx(1 - 0.55 * 0.1)
    assert (supported.span, supported.value) == (Span(2, 8), "church")


@pytest.mark.parametrize("name", ["legal-advice", "legal_advice", "LEGAL_ADVICE"])
def test_only_the_topics_asked_for(name: str) -> None:
    text = "Can I sue my landlord, and should I buy shares of Apple instead of paying a lawyer?"
    setting = setting_for(TOPIC, options={"topics": [name]})
    evidence = evidence_for(text, [(TOPIC, setting)], classifier=model())
    assert {finding.kind for finding in TOPIC.find(evidence, setting)} == {"LEGAL_ADVICE"}
    assert TOPIC.needs(setting).heads == {"topic_legal_advice"}
    assert {pattern.data["kind"] for pattern in TOPIC.needs(setting).patterns} == {"LEGAL_ADVICE"}


def test_no_topics_named_means_all() -> None:
    assert len(TOPIC.needs(setting_for(TOPIC, options={"topics": []})).heads) == len(TOPIC.kinds) == 5


def test_unknown_topics_are_refused() -> None:
    with pytest.raises(UnknownName, match="no topic 'gardening'") as raised:
        TOPIC.needs(setting_for(TOPIC, options={"topics": ["gardening"]}))
    assert raised.value.path == ("options", "topics")


@pytest.mark.parametrize("topics", ["religion", 3])
def test_topics_must_be_a_list(topics: object) -> None:
    with pytest.raises(InvalidInput, match="list of names"):
        TOPIC.needs(setting_for(TOPIC, options={"topics": topics}))


@pytest.mark.parametrize(
    "text",
    [
        "This is the worst hotel I have ever seen, dirty and rude.",
        "I'm so disappointed, what a waste of money.",
        "You idiots ruined everything, I hate this company.",
    ],
)
def test_negative_texts_are_found(text: str) -> None:
    assert flagged(SENTIMENT, text) == {"NEGATIVE_SENTIMENT"}


@pytest.mark.parametrize(
    "text", ["A lovely hotel, clean and friendly.", "The train leaves at nine.", "How do I change my address?"]
)
def test_other_texts_are_not_negative(text: str) -> None:
    assert flagged(SENTIMENT, text) == set()


def test_different_words_add_up_and_the_surest_is_shown() -> None:
    text = "The room was ugly, the food was terrible."
    (finding,) = findings_of(SENTIMENT, text)
    assert finding.confidence == pytest.approx(1 - 0.7 * 0.5)
    assert finding.span is not None
    assert text[finding.span.start : finding.span.end] == "terrible"


@pytest.mark.parametrize(
    "text", ["fjdksl qpwoe zmxncb fjdkls", "asdfghjkl asdf qwerty zxcvbn", "xkqw vbtrn pqzzk wrtlm hgfdk jklmn"]
)
def test_noise_is_gibberish(text: str) -> None:
    assert flagged(GIBBERISH, text) == {"GIBBERISH"}


@pytest.mark.parametrize(
    "text",
    [
        "The train to Ghent leaves at nine.",
        "def add(a, b):\n    return a + b",
        "Der Zug nach Gent fährt um neun Uhr ab.",
        "明天我们去北京看朋友，你也来吗？",
        '{"id": 17, "name": "Ada", "active": true}',
    ],
)
def test_text_and_code_are_not_gibberish(text: str) -> None:
    assert flagged(GIBBERISH, text) == set()


def test_too_few_letters_say_nothing() -> None:
    assert findings_of(GIBBERISH, "qzx 12!", classifier=model()) == []
