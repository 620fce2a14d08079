"""Spans are exact, in code points of the original, whatever stands around a value."""

from __future__ import annotations

import random
import unicodedata

import pytest
from evidence import findings_of
from hypothesis import given, settings
from hypothesis import strategies as st

from guardhouse.detectors.pii.detector import PiiDetector

DETECTOR = PiiDetector()
LIKELY = 0.5

PLANTED = (
    ("EMAIL_ADDRESS", "ana.perez@example.com"),
    ("EMAIL_ADDRESS", "jürgen@müller.example"),
    ("CREDIT_CARD", "5285 4741 5189 7412"),
    ("CREDIT_CARD", "５２８５ ４７４１ ５１８９ ７４１２"),
    ("CREDIT_CARD", "5285\u200b4741\u200b5189\u200b7412"),
    ("IBAN_CODE", "GB82 WEST 1234 5698 7654 32"),
    ("US_SSN", "512-48-2291"),
    ("US_SSN", "512\u201148\u20112291"),
    ("PHONE_NUMBER", "+1 (202) 555-0143"),
    ("IP_ADDRESS", "2001:db8::8a2e:370:7334"),
    ("MAC_ADDRESS", "24:fc:7c:a9:3e:f3"),
    ("CRYPTO", "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
    ("CN_RESIDENT_ID", "11010519491231002X"),
)
RANDOM_TEXTS = 3_000
# Ranges from which the text around is drawn: scripts of both directions, marks, symbols, two to four bytes of UTF-8.
RANGES = (
    *((0x20, 0x2F), (0xA1, 0x24F), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x4FF), (0x5D0, 0x5EA), (0x620, 0x64A)),
    *((0x900, 0x97F), (0xE01, 0xE3A), (0x1100, 0x11FF), (0x2000, 0x206F), (0x2190, 0x21FF), (0x3041, 0x30FF)),
    *((0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0xFE00, 0xFE0F), (0xFF00, 0xFF0F), (0x1F300, 0x1F6FF), (0x20000, 0x20100)),
)


def random_text(source: random.Random) -> str:
    """Up to forty characters of one to three ranges, without ASCII that would change what a value is."""
    ranges = source.choices(RANGES, k=source.randint(1, 3))
    letters = (chr(source.randint(*source.choice(ranges))) for _ in range(source.randint(0, 40)))
    return "".join(letter for letter in letters if letter not in "#$%&'*+-./!?()")


@pytest.mark.parametrize("part", range(6))
def test_a_planted_value_is_found_where_it_stands(part: int) -> None:
    """Three thousand texts, seeded: the span is the planted place, to the code point."""
    source = random.Random(part)
    for _ in range(RANDOM_TEXTS // 6):
        kind, value = source.choice(PLANTED)
        before, after = random_text(source) + "\n ", " \n" + random_text(source)
        text = before + value + after
        found = [f for f in findings_of(DETECTOR, text, least=LIKELY) if f.kind == kind]
        spans = [(f.span.start, f.span.end) for f in found if f.span]
        assert spans == [(len(before), len(before) + len(value))], ascii(text)
        assert found[0].value == value


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_leaves_the_span_on_the_value(before: str, after: str) -> None:
    """Whatever stands around, also what joins the value or hides it: a reported span holds the reported value."""
    text = f"{before} card 5285 4741 5189 7412, {after}"
    for finding in findings_of(DETECTOR, text):
        assert finding.span is not None
        assert 0 <= finding.span.start < finding.span.end <= len(text)
        assert finding.value == text[finding.span.start : finding.span.end]


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_marks_that_join_letters_shift_nothing(form: str) -> None:
    before = unicodedata.normalize(form, "Zürich — Ça va? ﬁn ½ 한국어 नमस्ते: ")  # type: ignore[arg-type]
    text = before + "ana.perez@example.com"
    (finding,) = findings_of(DETECTOR, text, least=LIKELY)
    assert finding.span is not None
    assert (finding.kind, finding.span.start, finding.span.end) == ("EMAIL_ADDRESS", len(before), len(text))
