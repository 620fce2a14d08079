"""Operators' own entities and competitors."""

from __future__ import annotations

from typing import Any

import pytest
from evidence import findings_of, setting_for

from guardhouse.detectors.custom.competitors import CompetitorsDetector
from guardhouse.detectors.custom.entities import CustomEntityDetector
from guardhouse.engine.catalog import recipe_from_toml
from guardhouse.engine.guard import Guard
from guardhouse.errors import InvalidInput, InvalidPattern
from guardhouse.matching.words import phrase_patterns
from guardhouse.model.finding import Finding
from guardhouse.model.recipe import DetectorOverride, Overrides
from guardhouse.settings import Settings

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


def test_a_pattern_may_have_a_confidence_of_its_own() -> None:
    patterns = ["P[0-9]{3}", {"pattern": "Q[0-9]{3}", "confidence": 0.3}]
    found = entities_in("Q111 P222", {"name": "ROOM", "patterns": patterns, "confidence": 0.8, "context": ["Raum"]})
    assert sorted((item.value, item.confidence) for item in found) == [("P222", 0.4), ("Q111", 0.15)]


def test_whole_patterns_stay_out_of_words() -> None:
    entity = {"name": "X", "pattern": "ключ", "whole": True}
    assert [item.value for item in entities_in("ключ, ключик, заключ, «ключ»", entity)] == ["ключ", "ключ"]


def test_words_that_speak_against_it_rule_a_match_out() -> None:
    entity = {"name": "ROOM", "pattern": "[A-Z][0-9]{3}", "not_context": ["part", "Serien*"]}
    assert [item.value for item in entities_in("im Raum B204", entity)] == ["B204"]
    assert entities_in("part B204", entity) == []
    assert entities_in("B204, eine Seriennummer", entity) == []
    entity["near_misses"] = ["part B204"]
    assert [item.value for item in entities_in("im Raum B204", entity)] == ["B204"]
    with pytest.raises(InvalidInput, match="against it"):
        entities_in("B204", {**entity, "examples": ["part B204"]})


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
        ([{"name": "A", "patterns": "x"}], "wrong_type"),
        ([{"name": "A", "patterns": ["x", " "]}], "empty"),
        ([{"name": "A", "patterns": [{"pattern": "x"}]}], "bad_format"),
        ([{"name": "A", "patterns": [{"pattern": 5, "confidence": 0.4}]}], "wrong_type"),
        ([{"name": "A", "patterns": [{"pattern": "x", "confidence": 4}]}], "out_of_range"),
        ([{"name": "A", "pattern": "x", "not_context": 5}], "wrong_type"),
        ([{"name": "A", "patterns": ["x"] * 51}], "too_long"),
        ([{"name": "A", "pattern": "x", "ignore_case": 1}], "wrong_type"),
        ([{"name": "A", "words": ["x"], "ignore_accents": "yes"}], "wrong_type"),
        ([{"name": "A", "pattern": "x", "examples": "x"}], "wrong_type"),
        ([{"name": "A", "pattern": "x", "examples": ["x"] * 101}], "too_long"),
        ([{"name": "A", "pattern": "x", "examples": ["x" * 2001]}], "too_long"),
        ([{"name": f"A{n}", "pattern": "x", "examples": ["x"] * 100} for n in range(11)], "too_long"),
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


def test_every_pattern_of_an_entity_finds_its_kind() -> None:
    text = "S-204417, s-204418 and EMP 77"
    entity = {"name": "STAFF", "pattern": "S-[0-9]{6}", "patterns": ["EMP [0-9]{2}"], "ignore_case": True}
    assert [(item.kind, item.value) for item in entities_in(text, entity)] == [
        ("STAFF", "S-204417"),
        ("STAFF", "s-204418"),
        ("STAFF", "EMP 77"),
    ]


@pytest.mark.parametrize(
    ("members", "text", "values"),
    [
        pytest.param({"words": ["Apollo"]}, "APOLLO apollo", ["APOLLO", "apollo"], id="any-case"),
        pytest.param({"words": ["Apollo"], "ignore_case": False}, "APOLLO Apollo", ["Apollo"], id="own-case"),
        pytest.param({"words": ["Zürich"]}, "Zurich Zürich", ["Zürich"], id="own-accents"),
        pytest.param(
            {"words": ["Zürich"], "ignore_accents": True}, "Zurich zürich", ["Zurich", "zürich"], id="accents"
        ),
        pytest.param({"words": ["Zürich"]}, "Zu\u0308rich", ["Zu\u0308rich"], id="composed"),
        pytest.param({"words": ["ΟΔΟΣ"]}, "οδος Οδος", ["οδος", "Οδος"], id="greek"),
        pytest.param({"words": ["हिन्दी"]}, "हिन्दी, हिन्दीभाषा", ["हिन्दी"], id="marks-are-no-edge"),
        pytest.param({"words": ["مشروع"]}, "هذا مشروع جديد", ["مشروع"], id="arabic"),
        pytest.param({"words": ["ลับ"]}, "โครงการลับมาก", ["ลับ"], id="thai"),
        pytest.param({"words": ["Apollo"]}, "\U0001f680Ａｐｏｌｌｏ!", ["Ａｐｏｌｌｏ"], id="full-width"),
        pytest.param({"words": ["Apollo"]}, "a\u200bpo\u200bllo", ["a\u200bpo\u200bllo"], id="zero-width"),
        pytest.param({"words": ["Apollo"]}, "Apollo2 xApollo _apollo", [], id="digits-and-underscores"),
    ],
)
def test_words_in_any_script(members: dict[str, Any], text: str, values: list[str]) -> None:
    found = entities_in(text, {"name": "WORD", **members})
    assert [item.value for item in found] == values
    assert [text[item.span.start : item.span.end] for item in found if item.span] == values


@pytest.mark.parametrize(
    ("context", "text", "confidence"),
    [
        (["staff*"], "the staffing table has B204", 0.9),
        (["staff"], "the staffing table has B204", 0.45),
        (["staff"], "B204 is a STAFF room", 0.9),
        (["部屋"], "部屋B204", 0.9),
        (["staff"], "staff" + " " * 80 + "B204", 0.45),
    ],
)
def test_context_words_are_whole_words_nearby(context: list[str], text: str, confidence: float) -> None:
    (finding,) = entities_in(text, {"name": "ROOM", "pattern": "[A-Z][0-9]{3}", "context": context})
    assert finding.confidence == confidence


BADGE = {"name": "BADGE", "pattern": r"\bB-[0-9]{4}\b", "context": ["badge"]}


def test_examples_and_near_misses_that_hold_are_taken() -> None:
    proofs = {"examples": ["badge B-1234", "B-9999 (badge)"], "near_misses": ["B-12345", "part B-1234"]}
    (finding,) = entities_in("my badge is B-7777", {**BADGE, **proofs})
    assert (finding.kind, finding.value, finding.confidence) == ("BADGE", "B-7777", 0.9)


@pytest.mark.parametrize(
    ("proofs", "message", "place"),
    [
        ({"examples": ["badge B-1234", "badge B-12"]}, "'BADGE' does not find its example 1", ("examples", 1)),
        ({"examples": ["B-1234"]}, "'BADGE' finds its example 0 only in part", ("examples", 0)),
        ({"examples": [""]}, "'BADGE' does not find its example 0", ("examples", 0)),
        ({"near_misses": ["B-12345", "badge B-1234"]}, "'BADGE' finds its near miss 1", ("near_misses", 1)),
    ],
)
def test_proofs_that_fail_are_told_by_place(proofs: dict[str, Any], message: str, place: tuple[str, int]) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        ENTITIES.needs(setting_for(ENTITIES, options={"entities": [{**BADGE, **proofs}]}))
    assert caught.value.path == ("options", "entities", 0, *place)
    assert "1234" not in str(caught.value)


RECIPE = """
name = "badges"

[[detectors]]
detector = "custom_entity"
action = "mask"

[[detectors.options.entities]]
name = "BADGE"
pattern = '\\bB-[0-9]{4}\\b'
examples = ["badge B-1234"]
near_misses = ["%s"]
"""


def test_a_recipe_file_is_tried_before_it_is_used() -> None:
    guard = Guard(recipes=[recipe_from_toml(RECIPE % "B-12345")], settings=Settings(plugins=False))
    evaluation = guard.evaluate("badge B-7777", recipe="badges")
    assert list(evaluation.texts.values()) == ["badge ******"]
    with pytest.raises(InvalidInput, match="near miss 0") as caught:
        guard.check_recipe(recipe_from_toml(RECIPE % "badge B-9999"))
    assert caught.value.path == ("detectors", "custom_entity", "options", "entities", 0, "near_misses", 0)


def test_a_request_brings_its_own_entities() -> None:
    override = DetectorOverride(options={"entities": [{**BADGE, "examples": ["badge B-1234"]}]})
    guard = Guard(settings=Settings(plugins=False))
    evaluation = guard.evaluate("my badge is B-7777", overrides=Overrides({"custom_entity": override}))
    finding = evaluation.report("custom_entity").findings[0].finding
    assert (finding.kind, finding.value) == ("BADGE", "B-7777")
    wrong = DetectorOverride(options={"entities": [{**BADGE, "examples": ["badge B-12"]}]})
    with pytest.raises(InvalidInput, match="example 0"):
        guard.evaluate("hello", overrides=Overrides({"custom_entity": wrong}))


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
