"""Replace by a believable stand-in of the same shape and language that belongs to nobody.

Where numbers for examples are reserved, these are taken: telephone numbers for drama (North America 555-01xx, and the
ranges of Ofcom, ARCEP, BNetzA and ACMA), documentation addresses (RFC 5737, 3849, 7042), example domains (RFC 2606),
the payment networks' test cards, social security areas that are never issued. Names come from `surrogate_words.toml`.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from guardhouse.model.recipe import RuleAction
from guardhouse.redaction.base import Replacement, Value
from guardhouse.redaction.replace import check_boolean

if TYPE_CHECKING:
    from guardhouse.redaction.session import Session

_SCRIPTS = {
    "CYRILLIC": "cyrillic",
    "GREEK": "greek",
    "ARABIC": "arabic",
    "HEBREW": "hebrew",
    "DEVANAGARI": "devanagari",
    "CJK": "han",
    "HIRAGANA": "kana",
    "KATAKANA": "kana",
    "HANGUL": "hangul",
}
_LETTERS = (("de", "äöüßÄÖÜ"), ("es", "ñÑíúÍÚ"), ("pt", "ãõÃÕ"), ("fr", "èêëçîïôœÈÊËÇÎÏÔ"), ("es", "áéóÁÉÓ"))
"""Letters that tell a language in a Latin name; the first that has one wins."""
_UNSPACED = frozenset({"han", "hangul", "kana"})
_PHONES: tuple[tuple[str, str], ...] = (
    ("+442", "+4420794600##"),
    ("+447", "+447700900###"),
    ("+33", "+339900####"),
    ("+4930", "+493023125###"),
    ("+49", "+498999998###"),
    ("+614", "+61491570###"),
    ("+61", "+61255500###"),
    ("+1", "+1###55501##"),
    ("07", "07700900###"),
    ("0", "02079460###"),
    ("", "###55501##"),
)
"""Beginnings of numbers and what stands in for them; `#` is a digit. The first that fits counts."""
_ISO_DATE = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")


class Surrogate:
    """A believable stand-in: another name, address or number of the same shape and language that belongs to nobody.

    The same value has the same stand-in within a conversation and tenant, in all calls. With `reversible` the context
    holds the originals, sealed, for un-redaction.
    """

    action = RuleAction.SURROGATE
    parameter_names = frozenset({"reversible"})

    def check(self, parameters: Mapping[str, Any]) -> None:
        """`reversible` must be true or false."""
        check_boolean(parameters, "reversible")

    def rewrite(self, value: Value, *, parameters: Mapping[str, Any], session: Session) -> Replacement:
        """The stand-in, chosen by a keyed function of the value."""
        make = _MAKERS.get(value.kind, _shaped)
        text = session.stood_in(
            value,
            lambda seed: make(value.text, _Chooser(seed)),
            is_restorable=parameters.get("reversible", False),
        )
        return Replacement(text)


class _Chooser:
    """Draws from 32 pseudorandom bytes."""

    def __init__(self, seed: bytes) -> None:
        self._state = int.from_bytes(seed, "big")

    def below(self, limit: int) -> int:
        self._state, drawn = divmod(self._state, limit)
        if self._state == 0:  # used up by a long value: the next digits follow from the last ones
            self._state = (drawn + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC834
        return drawn

    def pick(self, choices: Sequence[str]) -> str:
        return choices[self.below(len(choices))]

    def filled(self, pattern: str) -> str:
        return "".join(str(self.below(10)) if char == "#" else char for char in pattern)


@cache
def _words() -> Mapping[str, Any]:
    return tomllib.loads((files(__package__) / "surrogate_words.toml").read_text("utf-8"))


def _person(text: str, choose: _Chooser) -> str:
    words = text.split()
    language = _language_of(text)
    names = _words()["names"][language]
    if language in _UNSPACED and len(words) <= 1:
        return choose.pick(names["family"]) + choose.pick(names["given"])
    parts = [choose.pick(names["given"]) for _ in words[:1] or ("",)]
    parts += [choose.pick(names["given"]) for _ in words[1:-1][:2]]
    parts += [choose.pick(names["family"])] if len(words) > 1 else []
    made = " ".join(parts)
    return made.upper() if text.isupper() else made.lower() if text.islower() else made


def _language_of(text: str) -> str:
    for char in text:
        if char.isalpha() and not char.isascii():
            script = next((name for word, name in _SCRIPTS.items() if unicodedata.name(char, "").startswith(word)), "")
            if script:
                return script
    return next((language for language, letters in _LETTERS if set(letters) & set(text)), "en")


def _email(text: str, choose: _Chooser) -> str:
    names = _words()["names"]["en"]
    local = text.partition("@")[0]
    separator = next((char for char in local if char in "._-"), "")
    made = choose.pick(names["given"]).lower()
    if separator or len(local) > 9:
        made += separator + choose.pick(names["family"]).lower()
    if any(char.isdigit() for char in local):
        made += str(10 + choose.below(90))
    return f"{made}@{choose.pick(_words()['hosts']['domains'])}"


def _host(text: str, choose: _Chooser) -> str:
    return f"{choose.pick(_words()['hosts']['words'])}.{choose.pick(_words()['hosts']['domains'])}"


def _url(text: str, choose: _Chooser) -> str:
    scheme = text.partition("://")[0] if "://" in text else ""
    path = f"/{choose.pick(_words()['hosts']['words'])}" if text.count("/") > (2 if scheme else 0) else ""
    return (f"{scheme}://" if scheme else "") + _host(text, choose) + path


def _phone(text: str, choose: _Chooser) -> str:
    digits = ("+" if text.lstrip(" (").startswith("+") else "") + "".join(char for char in text if char.isdigit())
    pattern = next(pattern for start, pattern in _PHONES if digits.startswith(start))
    if not digits.startswith("+") and digits[:1] == "1" and len(digits) == 11:
        pattern = "1###55501##"
    elif len(digits) == 7:
        pattern = "55501##"
    made = choose.filled(pattern)
    if "55501" in pattern and len(pattern) > 7:  # an area code begins with 2 to 9 and is not one of the N11 services
        area = pattern.index("###")
        made = f"{made[:area]}{2 + choose.below(8)}0{2 + choose.below(8)}{made[area + 3 :]}"
    return _in_shape(text, made.lstrip("+")) or made


def _in_shape(text: str, digits: str) -> str | None:
    """The digits where those of `text` stand, when there are as many."""
    if sum(char.isdigit() for char in text) != len(digits):
        return None
    rest = iter(digits)
    return "".join(next(rest) if char.isdigit() else char for char in text)


def _card(text: str, choose: _Chooser) -> str:
    length = sum(char.isdigit() for char in text)
    numbers = _words()["cards"]["numbers"]
    same = [number for number in numbers if len(number) == length]
    alike = [number for number in same if number[0] == text.lstrip()[:1]] or same or numbers
    number = choose.pick(alike)
    return _in_shape(text, number) or number


def _ssn(text: str, choose: _Chooser) -> str:
    """Areas from 900 are never issued; groups under 50 are none of a taxpayer number's either."""
    number = choose.filled("9##") + f"{1 + choose.below(49):02}" + choose.filled("####")
    return _in_shape(text, number) or f"{number[:3]}-{number[3:5]}-{number[5:]}"


def _ip(text: str, choose: _Chooser) -> str:
    if ":" in text:
        return f"2001:db8::{choose.below(65536):x}:{choose.below(65536):x}"
    return f"{choose.pick(('192.0.2', '198.51.100', '203.0.113'))}.{1 + choose.below(254)}"


def _mac(text: str, choose: _Chooser) -> str:
    separator = next((char for char in text if char in ":-"), ":")
    made = separator.join(("00", "00", "5E", "00", "53", f"{choose.below(256):02X}"))
    return made if text.upper() == text else made.lower()


def _iban(text: str, choose: _Chooser) -> str:
    """Country, length and check digits as they should be; a bank of zeros, which no country has."""
    bare = "".join(text.split()).upper()
    account = "".join(
        ("0" if char.isdigit() else "X") if index < 4 else str(choose.below(10)) if char.isdigit() else "X"
        for index, char in enumerate(bare[4:])
    )
    if not bare[:2].isascii() or not bare[:2].isalpha():
        return _shaped(text, choose)
    number = "".join(str(int(char, 36)) for char in account + bare[:2] + "00")
    made = iter(f"{bare[:2]}{98 - int(number) % 97:02}{account}")
    return "".join(char if char.isspace() else next(made) for char in text)


def _date(text: str, choose: _Chooser) -> str:
    day, month = f"{1 + choose.below(28):02}", f"{1 + choose.below(12):02}"
    iso = _ISO_DATE.fullmatch(text)
    if iso is not None:
        return iso[2].join((f"{int(iso[1]) - 3 + choose.below(7):04}", month, day))
    parts = _DAY_FIRST.fullmatch(text)
    if parts is None:
        return _shaped(text, choose)
    first, second = (day, month) if int(parts[1]) > 12 or parts[2] == "." else (month, day)
    year = (int(parts[4]) - 3 + choose.below(7)) % (10 ** len(parts[4]))
    return parts[2].join((first, second, f"{year:0{len(parts[4])}}"))


def _place(text: str, choose: _Chooser) -> str:
    if not any(char.isdigit() for char in text):
        return choose.pick(_words()["places"]["cities"])
    return f"{1 + choose.below(199)} {choose.pick(_words()['places']['streets'])}"


def _company(text: str, choose: _Chooser) -> str:
    return choose.pick(_words()["places"]["companies"])


def _shaped(text: str, choose: _Chooser) -> str:
    """Each character by another of its sort; a number begins with two zeros, as hardly any that is issued does."""
    out: list[str] = []
    zeros = 2 if sum(char.isdigit() for char in text) >= 5 and not any(char.isalpha() for char in text) else 0
    for char in text:
        if char.isdigit():
            out.append("0" if zeros > 0 else str(choose.below(10)))
            zeros -= 1
        elif char.isupper():
            out.append(chr(ord("A") + choose.below(26)))
        elif char.isalpha():
            out.append(chr(ord("a") + choose.below(26)))
        else:
            out.append(char)
    return "".join(out)


_MAKERS: Mapping[str, Callable[[str, _Chooser], str]] = {
    "PERSON": _person,
    "EMAIL_ADDRESS": _email,
    "PHONE_NUMBER": _phone,
    "CREDIT_CARD": _card,
    "US_SSN": _ssn,
    "IP_ADDRESS": _ip,
    "MAC_ADDRESS": _mac,
    "IBAN_CODE": _iban,
    "DATE_TIME": _date,
    "DATE_OF_BIRTH": _date,
    "LOCATION": _place,
    "STREET_ADDRESS": _place,
    "ADDRESS": _place,
    "ORGANIZATION": _company,
    "URL": _url,
    "DOMAIN": _host,
}
