"""Edits touch the spans and nothing else, and what was JSON stays JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardhouse.model.conversation import Channel, SourceText, TextForm
from guardhouse.model.finding import Finding, Span
from guardhouse.model.recipe import Rule, RuleAction
from guardhouse.redaction import guardhouse_operators
from guardhouse.redaction.apply import put_back
from guardhouse.redaction.keys import KeyRing
from guardhouse.redaction.redact import Target, redact
from guardhouse.redaction.session import Session

PATH = ("text",)
OPERATORS = {operator.action: operator for operator in guardhouse_operators()}
RING = KeyRing({1: bytes(32)})


def run(text, *spans, form=TextForm.CONTENT, action=RuleAction.REPLACE):
    source = SourceText(text, PATH, Channel.USER, 0, form)
    targets = [
        Target(Finding("pii", kind, 0.9, PATH, None if span is None else Span(*span)), Rule(action))
        for kind, span in spans
    ]
    return redact([source], targets, operators=OPERATORS, session=Session(RING.current_for("")))


def test_several_spans_in_one_text():
    result = run("ann 234-56-7890 bob", ("NAME", (0, 3)), ("US_SSN", (4, 15)))
    assert result.texts == {PATH: "<NAME> <US_SSN> bob"}
    assert [(r.kind, r.span, r.redacted_span) for r in result.redactions] == [
        ("NAME", Span(0, 3), Span(0, 6)),
        ("US_SSN", Span(4, 15), Span(7, 15)),
    ]
    assert [done.replacement for done in result.done] == ["<NAME>", "<US_SSN>"]


def test_of_two_that_overlap_the_earlier_wins_and_covers_both():
    result = run("abcdefghij", ("LATER", (3, 8)), ("FIRST", (0, 5)))
    assert result.texts == {PATH: "<FIRST>ij"}
    assert [done and done.replacement for done in result.done] == [None, "<FIRST>"]


def test_of_two_that_start_together_the_longer_wins():
    assert run("abcdef", ("SHORT", (0, 2)), ("LONG", (0, 4))).texts == {PATH: "<LONG>ef"}


def test_a_finding_without_a_span_stands_for_the_whole_text():
    assert run("all of it", ("HATE", None)).texts == {PATH: "<HATE>"}


def test_reported_findings_change_nothing():
    result = run("ann", ("NAME", (0, 3)), action=RuleAction.REPORT)
    assert result.texts == {}
    assert result.done == (None,)


@pytest.mark.parametrize(
    ("arguments", "value", "expected"),
    [
        pytest.param('{"to": "a@b.org"}', "a@b.org", {"to": "<X>"}, id="string"),
        pytest.param('{"ssn": 123456789, "n": 1}', "123456789", {"ssn": "<X>", "n": 1}, id="number-becomes-string"),
        pytest.param('{"ssn": 1234567890}', "23456789", {"ssn": "<X>"}, id="part-of-number-takes-it-whole"),
        pytest.param('{"a": "x", "b": "y"}', 'x", "b": "y', {"a": "<X>", "<X>": "<X>"}, id="across-the-structure"),
        pytest.param('{"t": "l\\u00e9a"}', "l\\u00e9a", {"t": "<X>"}, id="escapes"),
        pytest.param('{"t": "\\u0007", "n": 1}', "007", {"t": "<X>", "n": 1}, id="part-of-an-escape-takes-it-whole"),
        pytest.param('{"t": "\\r", "n": 1}', '", "n', {"t": "\r", "<X>": 1}, id="structure-stays"),
        pytest.param('not json a@b.org"', "a@b.org", None, id="not-json"),
    ],
)
def test_arguments_stay_json(arguments, value, expected):
    start = arguments.index(value)
    text = run(arguments, ("X", (start, start + len(value))), form=TextForm.ARGUMENTS).texts[PATH]
    if expected is None:
        assert text == 'not json <X>"'
    else:
        assert json.loads(text) == expected


def test_replacements_inside_json_are_escaped():
    arguments = '{"a": "secret"}'
    targets = [Target(Finding("pii", "X", 0.9, PATH, Span(7, 13)), Rule(RuleAction.REPLACE, {"value": '"\\{kind}'}))]
    source = SourceText(arguments, PATH, Channel.ASSISTANT, 0, TextForm.ARGUMENTS)
    text = redact([source], targets, operators=OPERATORS, session=Session(RING.current_for(""))).texts[PATH]
    assert json.loads(text) == {"a": '"\\X'}


@given(st.text(min_size=1, max_size=40), st.lists(st.tuples(st.integers(0, 39), st.integers(0, 10)), max_size=6))
def test_outside_the_spans_every_code_point_stays(text, pairs):
    spans = [(start, min(start + length, len(text))) for start, length in pairs if start < len(text)]
    result = run(text, *(("X", span) for span in spans))
    covered = {index for start, end in spans for index in range(start, end)}
    kept = "".join(char for index, char in enumerate(text) if index not in covered)
    edited = result.texts.get(PATH, text)
    for redaction in sorted(result.redactions, key=lambda item: -item.redacted_span.start):
        assert edited[redaction.redacted_span.start : redaction.redacted_span.end] == "<X>"
        edited = edited[: redaction.redacted_span.start] + edited[redaction.redacted_span.end :]
    assert edited == kept


def test_put_back_changes_only_the_named_strings():
    document = {"a": [{"b": "x"}, {"b": "y"}], "c": 1.50, "d": {"k": "v"}}
    changed = put_back(document, {("a", 1, "b"): "z"})
    assert changed == {"a": [{"b": "x"}, {"b": "z"}], "c": 1.50, "d": {"k": "v"}}
    assert document["a"][1]["b"] == "y"
    assert changed["a"][0] is document["a"][0]


def test_put_back_decodes_where_an_object_stood():
    assert put_back({"arguments": {"to": "x"}}, {("arguments",): '{"to": "<X>"}'}) == {"arguments": {"to": "<X>"}}


@pytest.mark.parametrize("path", [("b",), ("a", 2), ("a", "x"), ("a", 0, "c")])
def test_put_back_refuses_paths_that_lead_nowhere(path):
    with pytest.raises(KeyError):
        put_back({"a": ["x", "y"]}, {path: "z"})
