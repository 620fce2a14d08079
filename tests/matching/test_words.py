"""Phrases in any script, at the edges of words."""

from __future__ import annotations

import pytest

from guardhouse.matching.matcher import Matcher
from guardhouse.matching.words import phrase_patterns
from guardhouse.text.normalize import normalize


def values(phrases: list[str], text: str, **options: bool) -> list[str]:
    hits = Matcher(phrase_patterns("w", phrases, **options)).scan(normalize(text))
    return [text[hit.span.start : hit.span.end] for found in hits.values() for hit in found]


@pytest.mark.parametrize(
    ("phrases", "text", "expected"),
    [
        pytest.param(["globex"], "Globex, not Globexcorp or preglobex", ["Globex"], id="edges"),
        pytest.param(["globex"], "globex_2 globex2 (globex)", ["globex"], id="digit-and-underscore"),
        pytest.param(["маржа"], "Маржа, маржай", ["Маржа"], id="cyrillic-edges"),
        pytest.param(["сор"], "мусор и сор тут", ["сор"], id="looks-latin-among-its-kin"),
        pytest.param(["сор"], "сор", ["сор"], id="looks-latin-alone"),
        pytest.param(["東京電力"], "株式会社東京電力は", ["東京電力"], id="no-edges-in-japanese"),
        pytest.param(["c++", ".net"], "C++17 or ASP.NET", ["C++", ".NET"], id="punctuation-has-no-edge"),
        pytest.param(["acme  corp"], "Acme\n Corp", ["Acme\n Corp"], id="white-space"),
        pytest.param(["acme", "acme corp"], "acme corp", ["acme corp"], id="longer-first"),
        pytest.param(["Zürich"], "Zurich Zürich ZURICH", ["Zurich", "Zürich", "ZURICH"], id="accents"),
        pytest.param(["Zürich"], "Zu\u0308rich", ["Zu\u0308rich"], id="decomposed"),
        pytest.param(["globex"], "Glоbеx Ｇlobex", ["Glоbеx", "Ｇlobex"], id="disguised-letters"),
        pytest.param(["a.c"], "abc a.c", ["a.c"], id="literal"),
        pytest.param(["", " ", "--"], "-- any", [], id="nothing-to-find"),
    ],
)
def test_phrases(phrases: list[str], text: str, expected: list[str]) -> None:
    assert values(phrases, text) == expected


def test_options() -> None:
    assert values(["Globex"], "globex Globex", ignore_case=False) == ["Globex"]
    assert values(["Zürich"], "Zurich", ignore_accents=False) == []
    assert values(["glob"], "globex", whole_words=False) == ["glob"]


def test_long_lists_are_split_and_still_whole() -> None:
    phrases = [f"brand{number:04d}" for number in range(1_000)]
    patterns = phrase_patterns("w", phrases)
    assert len(patterns) == 10
    assert values(phrases, " ".join(phrases[::99])) == phrases[::99]
