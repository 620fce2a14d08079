"""Operators' own entities and competitors."""

from __future__ import annotations

from typing import Any

import pytest
from evidence import findings_of, setting_for

from guardhouse.detectors.custom.competitors import CompetitorsDetector
from guardhouse.detectors.custom.entities import CustomEntityDetector
from guardhouse.errors import InvalidInput, InvalidPattern
from guardhouse.matching.words import phrase_patterns
from guardhouse.model.finding import Finding

ENTITIES = CustomEntityDetector()
COMPETITORS = CompetitorsDetector()


def entities_in(text: str, *entities: dict[str, Any]) -> list[Finding]:
    return findings_of(ENTITIES, text, setting=setting_for(ENTITIES, options={"entities": list(entities)}))


def competitors_in(text: str, *names: str) -> list[Finding]:
    return findings_of(COMPETITORS, text, setting=setting_for(COMPETITORS, options={"names": list(names)}))


def test_a_pattern_finds_its_kind() -> None:
    text = "Ask S-204417 or s-204418."
    (finding,) = entities_in(text, {"name": "staff_number", "pattern": "S-[0-9]{6}", "confidence": 0.7})
    assert finding.span is not None
    assert (finding.kind, finding.confidence, finding.value) == ("STAFF_NUMBER", 0.7, "S-204417")
    assert text[finding.span.start : finding.span.end] == "S-204417"


@pytest.mark.parametrize(
    ("word", "text", "value"),
    [
        ("Projekt Ölberg", "Zu projekt  ölberg: nein", "projekt  ölberg"),
        ("ключ", "Где КЛЮЧ?", "КЛЮЧ"),
        ("C++", "in C++ oder C", "C++"),
        ("北極星", "北極星計画は", "北極星"),
        ("a.b", "see a.b here", "a.b"),
    ],
)
def test_words_match_whole_and_in_any_case(word: str, text: str, value: str) -> None:
    (finding,) = entities_in(text, {"name": "X", "words": [word]})
    assert finding.span is not None
    assert text[finding.span.start : finding.span.end] == value
    assert finding.confidence == 0.9


@pytest.mark.parametrize(("word", "text"), [("art", "start, arts, Party, art_x"), ("ключ", "ключи"), ("a.b", "axb")])
def test_parts_of_words_do_not_match(word: str, text: str) -> None:
    assert entities_in(text, {"name": "X", "words": [word]}) == []


def test_context_words_decide_how_much_a_match_counts() -> None:
    entity = {"name": "ROOM", "pattern": "[A-Z][0-9]{3}", "context": ["Raum"]}
    assert [item.confidence for item in entities_in("im Raum B204", entity)] == [0.9]
    assert [item.confidence for item in entities_in("part B204", entity)] == [0.45]


@pytest.mark.parametrize(
    ("entities", "code"),
    [
        ("x", "wrong_type"),
        ([1], "wrong_type"),
        ([{"name": "A B", "pattern": "x"}], "bad_format"),
        ([{"pattern": "x"}], "bad_format"),
        ([{"name": "A"}], "missing"),
        ([{"name": "A", "pattern": 1}], "wrong_type"),
        ([{"name": "A", "words": "x"}], "wrong_type"),
        ([{"name": "A", "pattern": "x", "confidence": 2}], "out_of_range"),
        ([{"name": "A", "pattern": "x", "confidence": True}], "out_of_range"),
        ([{"name": "A", "pattern": "x", "regex": "y"}], "unknown_member"),
        ([{"name": "A", "pattern": "x"}, {"name": "a", "pattern": "y"}], "conflict"),
        ([{"name": "A", "pattern": "x" * 3000}], "too_long"),
        ([{"name": "A", "words": ["x"]}] * 201, "too_long"),
        ([{"name": {1, 2}}], "wrong_type"),
    ],
    ids=repr,
)
def test_options_of_the_wrong_form_are_refused(entities: Any, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ENTITIES.needs(setting_for(ENTITIES, options={"entities": entities}))
    assert caught.value.code == code
    assert caught.value.path[:2] == ("options", "entities")


@pytest.mark.parametrize(("pattern", "message"), [("(", "missing"), (r"(?=x)", "invalid perl operator")])
def test_patterns_that_cannot_be_used_are_refused(pattern: str, message: str) -> None:
    with pytest.raises(InvalidPattern, match=message) as caught:
        ENTITIES.needs(setting_for(ENTITIES, options={"entities": [{"name": "A", "pattern": pattern}]}))
    assert caught.value.path == ("options", "entities", 0, "pattern")


def test_a_pattern_that_may_be_empty_finds_only_what_is_there() -> None:
    assert [item.value for item in entities_in("xxaaxax", {"name": "A", "pattern": "a*"})] == ["aa", "a"]


def test_a_competitor_is_named_as_listed() -> None:
    text = "Is ACME  corp's tool better than Globex? Not acmecorp."
    found = competitors_in(text, "Acme Corp", "Globex", "acme corp")
    assert [(item.kind, item.value) for item in found] == [("COMPETITOR", "Acme Corp"), ("COMPETITOR", "Globex")]
    assert found[0].span is not None
    assert text[found[0].span.start : found[0].span.end] == "ACME  corp"


def test_no_names_find_nothing() -> None:
    assert competitors_in("Acme") == []
    assert competitors_in("Acme", " ") == []


@pytest.mark.parametrize("names", ["Acme", [1], {"a": 1}, ["x"] * 5001])
def test_names_of_the_wrong_form_are_refused(names: Any) -> None:
    with pytest.raises(InvalidInput):
        COMPETITORS.needs(setting_for(COMPETITORS, options={"names": names}))


def test_long_lists_become_several_patterns() -> None:
    names = [f"company number {index}" for index in range(3000)]
    patterns = phrase_patterns("p", names, ignore_accents=False)
    assert [pattern.id for pattern in patterns] == [f"p.{index}" for index in range(len(patterns))]
    assert len(patterns) > 1
    (finding,) = competitors_in("we use Company Number 2999 here", *names)
    assert finding.value == "company number 2999"


def test_words_that_could_never_match_are_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        entities_in("?", {"name": "ODD", "words": ["???"]})
    assert caught.value.path == ("options", "entities", 0, "words")
