"""Escapes are undone in place, and spans still point at them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardhouse.model.finding import Span
from guardhouse.text.escapes import decode_json_escapes, escaped_passages


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(r'{"a": "x\ny"}', '{"a": "x\ny"}', id="newline"),
        pytest.param(r'["\"\\\/\b\f\r\t"]', '[""\\/\b\f\r\t"]', id="short-forms"),
        pytest.param(r'"\u0041\u00e9"', '"Aé"', id="code-points"),
        pytest.param(r'"\ud83d\ude00!"', '"😀!"', id="pair"),
        pytest.param(r'"\\n"', r'"\n"', id="escaped-backslash"),
        pytest.param(r'  {"p": "C:\\temp"}', r'  {"p": "C:\temp"}', id="leading-space"),
        pytest.param(r"C:\new\table", r"C:\new\table", id="no-json"),
        pytest.param('{"a": 1}', '{"a": 1}', id="no-escapes"),
        pytest.param(r'{"a": "\x \u12"}', r'{"a": "\x \u12"}', id="no-json-escapes"),
    ],
)
def test_json(text: str, expected: str) -> None:
    assert decode_json_escapes(text)[0] == expected


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_json_of_any_text(text: str) -> None:
    raw = json.dumps([text])
    decoded, offsets = decode_json_escapes(raw)
    assert decoded == f'["{text}"]'
    for index, letter in enumerate(text, 2):
        back = Span(index, index + 1) if offsets is None else offsets.to_original(Span(index, index + 1))
        assert json.loads(f'"{raw[back.start : back.end]}"') == letter


@pytest.mark.parametrize(
    ("text", "name", "expected", "needless"),
    [
        pytest.param("go %69%67nore%20it now", "percent", "ignore it", 2, id="percent"),
        pytest.param("%D0%BA%D0%BB%D1%8E%D1%87", "percent", "ключ", 0, id="percent-utf-8"),
        pytest.param("/?q=a%20b%20c%20d", "percent", "/?q=a b c d", 0, id="percent-spaces"),
        pytest.param("&#105;&#x67;&nbsp;&#110;o", "entities", "ig\u00a0no", 3, id="entities"),
        pytest.param(r"x \x69\u0067\u{6e}\U0000006fre", "escapes", "ignore", 4, id="backslashes"),
    ],
)
def test_passages(text: str, name: str, expected: str, needless: int) -> None:
    (passage,) = escaped_passages(text)
    assert (passage.name, passage.text, passage.needless) == (name, expected, needless)
    assert passage.offsets.to_original(Span(0, len(expected))) == Span(passage.start, passage.end)


@pytest.mark.parametrize(
    "text", ["100% of 50%20", "a &amp; b &lt; c &gt;", r"\u0041\u0042 only two", "%%%", "&;&#;", "&lol;&lol;&lol;&lol;"]
)
def test_what_is_no_passage(text: str) -> None:
    assert list(escaped_passages(text)) == []


def test_passages_far_apart_are_apart() -> None:
    text = "%41%42%43" + " " * 80 + "%44%45%46"
    assert [(p.start, p.end, p.text) for p in escaped_passages(text)] == [(0, 9, "ABC"), (89, 98, "DEF")]


def test_code_points_beyond_unicode() -> None:
    (passage,) = escaped_passages(r"\x41\x42\x43\u{ffffff}")
    assert passage.text == "ABC\ufffd"
