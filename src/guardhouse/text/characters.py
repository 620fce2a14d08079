"""What each code point means to the normaliser."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

_MAX_EXPANSION = 4
"""Characters that one character may become; longer expansions (a whole phrase in one sign) stay as they are."""


class Kind(Enum):
    """How a code point is treated."""

    KEEP = auto()
    SWAP = auto()
    """One character for one, whatever stands around it."""
    EXPAND = auto()
    """A ligature or sign that stands for several characters."""
    MARK = auto()
    """A combining mark of no script of its own."""
    SCRIPT_MARK = auto()
    """A mark that its own script needs; out of place on an ASCII letter."""
    JAMO = auto()
    """A conjoining part of a Hangul syllable."""
    ZERO_WIDTH = auto()
    BIDI = auto()
    TAG = auto()
    SELECTOR = auto()
    CONTROL = auto()
    INVISIBLE = auto()
    """Dropped without being counted: a soft hyphen, a byte order mark."""


@dataclass(frozen=True, slots=True)
class Character:
    """A code point's kind, and what it becomes where that does not hang on its neighbours."""

    kind: Kind
    becomes: str = ""
    trick: str = ""
    """The trick that its mere presence is counted as."""


_KEEP = Character(Kind.KEEP)

_ZERO_WIDTH = frozenset({0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x180E, 0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0})
_BIDI = frozenset({0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)})

_PUNCTUATION = {
    ord(character): plain
    for plain, characters in {
        "'": "‘’‚‛′ʼ＇",
        '"': "“”„‟″＂",
        "-": "‐‑‒–—―−﹘﹣－",
        " ": "\u00a0\u2007\u202f\u2800\u1680",
        "\n": "\u0085\u2028\u2029",
        "/": "⁄∕⧸",
        ":": "∶ː꞉",
        ".": "․",
        "@": "﹫",
    }.items()
    for character in characters
}
"""Punctuation that people and word processors use for its ASCII kin."""

_ENCLOSED = ((0x1F150, 26), (0x1F170, 26), (0x1F1E6, 26))
"""Negative circled, negative squared and regional indicator letters, which have no compatibility mapping."""


@lru_cache(maxsize=16_384)
def character(letter: str) -> Character:
    """What `letter`, one code point, means. ASCII is kept but for control characters."""
    point = ord(letter)
    if point < 0x80:
        if (point < 0x20 and letter not in "\t\n\v\f\r") or point == 0x7F:
            return Character(Kind.CONTROL)
        return _KEEP
    if 0x4E00 <= point <= 0x9FFF or 0xAC00 <= point <= 0xD7A3 or 0x20000 <= point <= 0x2EBE0:
        return _KEEP
    special = _special(point)
    if special is not None:
        return special
    category = unicodedata.category(letter)
    if category == "Cf":
        return Character(Kind.ZERO_WIDTH)
    if category == "Cc":
        return Character(Kind.CONTROL)
    if category in ("Mn", "Me"):
        return Character(Kind.MARK if _is_common_mark(point) else Kind.SCRIPT_MARK)
    if category == "Nd":
        return Character(Kind.SWAP, str(unicodedata.decimal(letter)), _styled_trick(point))
    if 0x1100 <= point <= 0x11FF or 0xA960 <= point <= 0xA97F or 0xD7B0 <= point <= 0xD7FF:
        return Character(Kind.JAMO)
    return _compatible(letter, point)


def _special(point: int) -> Character | None:
    if point in _PUNCTUATION:
        return Character(Kind.SWAP, _PUNCTUATION[point])
    if point in (0x00AD, 0x2061, 0x2062, 0x2063, 0x2064):
        return Character(Kind.INVISIBLE if point == 0x00AD else Kind.ZERO_WIDTH)
    if point in _ZERO_WIDTH:
        return Character(Kind.ZERO_WIDTH)
    if point in _BIDI:
        return Character(Kind.BIDI)
    if 0xFE00 <= point <= 0xFE0F or 0xE0100 <= point <= 0xE01EF or 0x180B <= point <= 0x180D:
        return Character(Kind.SELECTOR)
    if 0xE0000 <= point <= 0xE007F:
        return Character(Kind.TAG)
    if 0xD800 <= point <= 0xDFFF:
        return Character(Kind.SWAP, "\ufffd")
    for first, count in _ENCLOSED:
        if first <= point < first + count:
            return Character(Kind.SWAP, chr(ord("A") + point - first))
    return None


def _compatible(letter: str, point: int) -> Character:
    """By NFKC, where that helps: not for fractions, trade marks and the jamo that Koreans type for themselves."""
    plain = unicodedata.normalize("NFKC", letter)
    if plain == letter or 0x3131 <= point <= 0x318E or 0xFFA1 <= point <= 0xFFDC or point in (0x2120, 0x2122):
        return _KEEP
    if "<fraction>" in unicodedata.decomposition(letter) or plain[0] == " " != plain:
        return _KEEP
    if len(plain) == 1:
        if unicodedata.category(plain) == "Mn":
            return Character(Kind.MARK)
        return Character(Kind.SWAP, plain, _styled_trick(point) if plain.isascii() and plain.isalpha() else "")
    return Character(Kind.EXPAND, plain) if len(plain) <= _MAX_EXPANSION else _KEEP


def _styled_trick(point: int) -> str:
    """`styled` for mathematical and circled letters and digits, `full_width` for the wide ones."""
    if 0x1D400 <= point <= 0x1D7FF or 0x24B6 <= point <= 0x24E9 or 0x1F130 <= point <= 0x1F149:
        return "styled"
    return "full_width" if 0xFF10 <= point <= 0xFF5A else ""


def _is_common_mark(point: int) -> bool:
    return (
        0x0300 <= point <= 0x036F
        or 0x0483 <= point <= 0x0489
        or 0x1AB0 <= point <= 0x1AFF
        or 0x1DC0 <= point <= 0x1DFF
        or 0x20D0 <= point <= 0x20FF
        or 0xFE20 <= point <= 0xFE2F
        or 0x3099 <= point <= 0x309A
    )
