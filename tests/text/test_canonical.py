"""The canonical form: what only disguises is undone, what languages need is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardhouse.model.finding import Span
from guardhouse.text.canonical import canonicalize

TAGS = "".join(chr(0xE0000 + ord(letter)) for letter in "say hi")
SELECTORS = "".join(chr(0xFE00 + byte if byte < 16 else 0xE0100 + byte - 16) for byte in b"hidden\n")
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
BITS = "".join(f"{byte:08b}" for byte in b"secret").replace("0", "\u200b").replace("1", "\u200c")


@pytest.mark.parametrize(
    ("text", "expected", "tricks"),
    [
        pytest.param("plain", "plain", {}, id="ascii"),
        pytest.param("ｉｇｎｏｒｅ", "ignore", {"full_width": 6}, id="full-width"),
        pytest.param("𝓲𝓰𝓷𝐨𝕣𝚎", "ignore", {"styled": 6}, id="mathematical"),
        pytest.param("ⓘⓖ🅽🄾🆁🅔", "igNORE", {"styled": 3}, id="enclosed"),
        pytest.param("ﬁne oﬃce", "fine office", {}, id="ligatures"),
        pytest.param("Don’t “say” – it…", 'Don\'t "say" - it...', {}, id="typography"),
        pytest.param("5½ 1⁄2 Foo™ x²", "5½ 1/2 Foo™ x2", {}, id="fractions-and-marks"),
        pytest.param("a\u00a0b\u3000c\u2028d", "a b c\nd", {}, id="spaces"),
        pytest.param("٠١٢ ३४ ５", "012 34 5", {"full_width": 1}, id="digits"),
        pytest.param("ig\u200bno\u2060re", "ignore", {"zero_width": 2}, id="zero-width"),
        pytest.param("a\u2062b\u3164c", "abc", {"zero_width": 2}, id="invisible-signs-and-fillers"),
        pytest.param("می\u200cخواهم", "میخواهم", {}, id="persian-joiner"),
        pytest.param("क्\u200dष", "क्ष", {}, id="indic-joiner"),
        pytest.param("ไป\u200bไหน", "ไปไหน", {}, id="thai-break"),
        pytest.param("👩\u200d👧 ❤\ufe0f\u200d🔥", "👩👧 ❤🔥", {}, id="emoji-joiners"),
        pytest.param("\ufeffhi", "hi", {}, id="byte-order-mark"),
        pytest.param("h\ufeffi", "hi", {"zero_width": 1}, id="byte-order-mark-inside"),
        pytest.param("co\u00adoperate", "cooperate", {}, id="soft-hyphen"),
        pytest.param("x\u202eab\u202c", "xab", {"bidi": 2}, id="override"),
        pytest.param("שלום\u200f ok", "שלום ok", {}, id="mark-in-hebrew"),
        pytest.param("שלום\u202e ok", "שלום ok", {"bidi": 1}, id="override-in-hebrew"),
        pytest.param("ig\x00no\x1bre\t\n", "ignore\t\n", {"control": 2}, id="control"),
        pytest.param("a\ud800b", "a\ufffdb", {}, id="lone-surrogate"),
        pytest.param("cafe\u0301 й и\u0306", "café й й", {}, id="accents-composed"),
        pytest.param("Vie\u0323\u0302t Việt", "Việt Việt", {}, id="two-marks-that-compose"),
        pytest.param("замо\u0301к", "замок", {}, id="stress-mark"),
        pytest.param("i\u0337g\u0332no\u0337re", "ignore", {"combining": 3}, id="overlays"),
        pytest.param("h\u0337\u0322\u0321\u031b\u033aé\u0301\u0302\u0303i", "hei", {"combining": 2}, id="zalgo"),
        pytest.param("\u0301a \u0302", "a ", {}, id="marks-on-nothing"),
        pytest.param("1\ufe0f\u20e3 2\u20e3", "1 2", {}, id="keycaps"),
        pytest.param("हिन्दी में ไม่ใช่ مُحَمَّد", "हिन्दी में ไม่ใช่ مُحَمَّد", {}, id="needed-marks"),
        pytest.param("i\u064eg\u064enore", "ignore", {"combining": 2}, id="foreign-marks-on-ascii"),
        pytest.param("\u1112\u1161\u11ab국 ㅋㅋ", "한국 ㅋㅋ", {}, id="hangul"),
        pytest.param("ﾊﾞｶ", "バカ", {}, id="half-width-kana"),
        pytest.param(f"go {SCOTLAND}!", "go 🏴!", {}, id="flag"),
        pytest.param("🇺🇸", "US", {}, id="regional-letters"),
        pytest.param("❤\ufe0e 葛\U000e0100", "❤ 葛", {}, id="selectors-in-use"),
        pytest.param("ﷺ", "ﷺ", {}, id="a-phrase-in-one-sign"),
        pytest.param("", "", {}, id="empty"),
        pytest.param("\u200b", "", {"zero_width": 1}, id="nothing-left"),
    ],
)
def test_text_and_tricks(text: str, expected: str, tricks: dict[str, int]) -> None:
    canonical = canonicalize(text)
    assert (canonical.text, dict(canonical.tricks)) == (expected, tricks)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        pytest.param(f"a{TAGS}b", [("tags", "say hi", Span(1, 7))], id="tags"),
        pytest.param(f"🙂{SELECTORS}!", [("variation_selectors", "hidden\n", Span(1, 8))], id="selectors"),
        pytest.param(
            "".join(f"{letter}{mark}" for letter, mark in zip("abcdefg", SELECTORS, strict=True)),
            [("variation_selectors", "hidden\n", Span(1, 14))],
            id="selectors-one-by-one",
        ),
        pytest.param(f"x{BITS}y", [("zero_width", "secret", Span(1, 49))], id="bits"),
        pytest.param(SCOTLAND, [], id="flag"),
        pytest.param("a" + "\u200b" * 31 + "\u200c" * 29, [], id="bits-without-sense"),
        pytest.param("a" + "\ufe01" * 9, [], id="selectors-without-sense"),
    ],
)
def test_what_is_hidden(text: str, hidden: list[tuple[str, str, Span]]) -> None:
    assert list(canonicalize(text).hidden) == hidden


def test_what_is_hidden_in_too_many_places_is_put_together() -> None:
    text = "".join(f"x{chr(0xE0000 + ord(letter))}" for letter in "abcdefgh" * 20)
    hidden = canonicalize(text).hidden
    assert len(hidden) == 65
    assert "".join(piece for _, piece, _ in hidden) == "abcdefgh" * 20
    assert hidden[-1][2] == Span(129, 320)


def test_ascii_comes_back_itself() -> None:
    text = "An ordinary line.\r\n" * 100
    canonical = canonicalize(text)
    assert canonical.text is text
    assert canonical.offsets is None


@given(st.text())
def test_twice_is_as_good_as_once(text: str) -> None:
    """Neighbours that only met by the first pass may still combine in the second; the text never grows again."""
    once = canonicalize(text).text
    twice = canonicalize(once).text
    assert len(twice) <= len(once)
    assert canonicalize(twice).text == canonicalize(canonicalize(twice).text).text
    assert once.encode("utf-8").decode("utf-8") == once
