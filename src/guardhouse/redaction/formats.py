"""Encrypting a value so that it keeps its form: alphabets, what stays in place, cards, social security numbers.

The symbols of the alphabet are encrypted as one string by FF1; every other character stays where it is. A form that
only some results have (a valid check digit, a number without leading zero) is reached by cycle walking: encrypting
again until the result has it, which the way back undoes exactly, because the original has it too.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from guardhouse.redaction.ff1 import FF1, LEAST_DOMAIN, LONGEST, domain_size

ALPHABETS: dict[str, str] = {
    "numeric": string.digits,
    "alphalower": string.ascii_lowercase,
    "alphaupper": string.ascii_uppercase,
    "alpha": string.ascii_letters,
    "alphanumericlower": string.digits + string.ascii_lowercase,
    "alphanumericupper": string.digits + string.ascii_uppercase,
    "alphanumeric": string.digits + string.ascii_letters,
}
"""In the order in which they are tried for a value; a context names one by its place here, from 1."""
CARD, SSN, NUMBER = "c", "s", "n"
"""Forms that a result keeps: a card's check digit and brand digit, a valid SSN, a bare JSON number."""
_MOST_STEPS = 2_000
"""The rarest form is kept by every second result; this many misses do not happen."""
_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_KEPT_CONTROLS = "\t\n\r"


@dataclass(frozen=True, slots=True)
class Shape:
    """How a value is encrypted: its alphabet, and the forms to keep (`CARD`, `SSN`, `NUMBER` in one string)."""

    alphabet: str
    forms: str = ""


def shape_of(text: str, kind: str, *, alphabet: str | None = None, is_number: bool = False) -> Shape | None:
    """The shape under which `text` can be encrypted, None when it cannot.

    It cannot when there are fewer than a million possible results, when it is too long, when letters or digits would
    stay readable (those of other scripts; with an `alphabet` of the operator's choice they stay, as was asked for), or
    when it should stay a JSON number and is none.
    """
    if len(text) > 2 * LONGEST or not all(char.isalnum() or _may_stay(char) for char in text):
        return None
    word_characters = [char for char in text if char.isalnum()]
    if alphabet is None:
        alphabet = next((name for name, letters in ALPHABETS.items() if set(word_characters) <= set(letters)), None)
        if alphabet is None:
            return None
    letters = ALPHABETS[alphabet]
    symbols = [char for char in word_characters if char in letters]
    forms = _forms(symbols, kind, alphabet)
    if is_number:
        if alphabet != "numeric" or not _JSON_NUMBER.fullmatch(text):
            return None
        forms += NUMBER
    free = len(symbols) - (CARD in forms) - (NUMBER in forms)
    if not 2 <= free <= LONGEST or domain_size(len(letters), free) < LEAST_DOMAIN:
        return None
    return Shape(alphabet, forms)


def encrypt(text: str, shape: Shape, cipher: FF1, tweak: bytes) -> str:
    """`text` with its symbols encrypted, of the same length and form."""
    return _walk(text, shape, lambda symbols, radix: cipher.encrypt(symbols, radix=radix, tweak=tweak))


def decrypt(text: str, shape: Shape, cipher: FF1, tweak: bytes) -> str:
    """The inverse of `encrypt`. Raises `ValueError` for a text that `encrypt` cannot have given."""
    return _walk(text, shape, lambda symbols, radix: cipher.decrypt(symbols, radix=radix, tweak=tweak))


def _walk(text: str, shape: Shape, step: Callable[[Sequence[int], int], list[int]]) -> str:
    letters = ALPHABETS[shape.alphabet]
    places = [index for index, char in enumerate(text) if char in letters]
    symbols = [letters.index(text[index]) for index in places]
    kept = 1 if CARD in shape.forms else 0
    moving = symbols[: len(symbols) - kept]
    for _ in range(_MOST_STEPS):
        moving = step(moving, len(letters))
        result = list(text)
        whole = [*moving, _check_digit(moving)] if kept else moving
        for place, symbol in zip(places, whole, strict=True):
            result[place] = letters[symbol]
        written = "".join(result)
        if _keeps(whole, written, shape.forms):
            return written
    raise ValueError("no result keeps the form")


def _may_stay(char: str) -> bool:
    """True for punctuation and blanks: what can stay in place without telling anything or changing its neighbours."""
    return char in _KEPT_CONTROLS or unicodedata.category(char)[0] in "PSZ"


def _forms(symbols: Sequence[str], kind: str, alphabet: str) -> str:
    if alphabet != "numeric":
        return ""
    digits = [int(symbol) for symbol in symbols]
    if kind == "CREDIT_CARD" and len(digits) > 8 and _is_card(digits):
        return CARD
    return SSN if kind == "US_SSN" and _is_ssn(digits) else ""


def _keeps(digits: Sequence[int], written: str, forms: str) -> bool:
    if CARD in forms and not _is_card(digits):
        return False
    if SSN in forms and not _is_ssn(digits):
        return False
    return NUMBER not in forms or _JSON_NUMBER.fullmatch(written) is not None


def _is_card(digits: Sequence[int]) -> bool:
    """The digit of a payment brand in front, the check digit (ISO/IEC 7812-1, annex B) at the end."""
    return 2 <= digits[0] <= 6 and digits[-1] == _check_digit(digits[:-1])


def _check_digit(digits: Sequence[int]) -> int:
    total = 0
    for index, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if index % 2 == 0 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return -total % 10


def _is_ssn(digits: Sequence[int]) -> bool:
    """Area 001 to 899 without 666, group from 01, serial from 0001 (Social Security Administration, since 2011)."""
    if len(digits) != 9:
        return False
    area, group, serial = (int("".join(map(str, digits[start:end]))) for start, end in ((0, 3), (3, 5), (5, 9)))
    return 0 < area < 900 and area != 666 and group > 0 and serial > 0
