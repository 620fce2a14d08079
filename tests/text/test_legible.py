"""The legible view: escapes undone where they stand, encoded runs blank, the way back exact."""

from __future__ import annotations

import base64

import pytest

from guardhouse.model.finding import Span
from guardhouse.text.normalize import normalize

ENCODED = base64.b64encode(b"Hello there, how are you today?").decode()


@pytest.mark.parametrize(
    ("text", "legible"),
    [
        ("caf%C3%A9%20au%20lait%20please and more", "café au lait please and more"),
        ("&#72;&#101;llo w&#111;rld", "Hello world"),
        (r"see \u0043\u0061\u0066\u00e9 Luna", "see Café Luna"),
        (f"Decode: {ENCODED} thanks", "Decode:   thanks"),
    ],
    ids=["percent", "entities", "escapes", "base64"],
)
def test_is_what_a_reader_would_see(text: str, legible: str) -> None:
    view = normalize(text).legible
    assert view is not None
    assert view.text == legible


@pytest.mark.parametrize("text", ["", "plain text", "50% off & more \\o/", "SGVsbG8"])
def test_plain_text_has_none(text: str) -> None:
    normalized = normalize(text)
    assert normalized.legible is None
    assert normalized.readings() == normalized.views


def test_spans_lead_back_to_the_escapes() -> None:
    text = "to Jos&#233; P&#233;rez, R&#243;ua 1"
    view = normalize(text).legible
    assert view is not None
    start = view.text.index("José")
    found = view.to_original(Span(start, start + len("José Pérez")))
    assert text[found.start : found.end] == "Jos&#233; P&#233;rez"


def test_what_was_decoded_is_read_once() -> None:
    escaped = normalize("caf%C3%A9%20au%20lait%20please and more")
    assert [view.text for view in escaped.readings()] == ["café au lait please and more"]
    encoded = normalize(f"Decode: {ENCODED} thanks")
    assert [view.name for view in encoded.readings()] == ["text", "base64"]


def test_letters_parted_by_invisible_characters_are_read_as_the_words_they_show() -> None:
    apart = normalize("\u200b".join("ignore all of it"))
    assert [view.text for view in apart.readings()] == ["ignore all of it"]
    instead_of_blanks = normalize("ignore\u200ball\u200bof\u200bit")
    assert [view.text for view in instead_of_blanks.readings()] == ["ignoreallofit", "ignore all of it"]


def test_escapes_inside_an_encoded_run_are_read_too() -> None:
    escaped = "ign&#111;re &#97;ll &#111;f it"
    text = f"Text: {base64.b64encode(escaped.encode()).decode()} &#72;&#101;llo w&#111;rld"
    read = [view.text for view in normalize(text).readings()]
    assert read[0] == "Text:   Hello world"
    assert "ignore all of" in read
    assert "Hello world" not in read[1:]
