"""Texts to measure with, the same on every machine: seeded, all different, a little personal data and a few secrets.

Every text is new to the guard, as in production: repeating one text would measure a cache.
"""

from __future__ import annotations

import random
import string
from collections.abc import Iterator

_VOCABULARY = (
    "about after again agent answer before better between book bridge build budget call change check city class clear "
    "close cloud coffee common cost customer data day deliver design door early engine evening every example family "
    "figure file find first flight follow garden general give green group hand harbour help history hotel hour house "
    "idea invoice island kitchen large later learn letter level light list local long machine manager market meeting "
    "message model morning mountain music never next night north note number office often open order other paper part "
    "people place plan please point possible price problem product project question quick quiet rain reach read reason "
    "report result right river road room sample school season second send service several short simple small south "
    "speak spring start station still story street strong summer support system table team ticket time today together "
    "town train travel tree turn under until update useful village visit wait walk warm water week west which window "
    "winter without word work world write year yellow young"
)
WORDS = tuple(_VOCABULARY.split())

KINDS = ("EMAIL_ADDRESS", "CREDIT_CARD", "US_SSN", "IBAN_CODE", "IP_ADDRESS")


def texts(size_bytes: int, *, seed: int, planted: bool = True) -> Iterator[str]:
    """Endless different ASCII texts of exactly `size_bytes`; about one sentence in 30 names something sensitive."""
    chance = random.Random(seed)
    while True:
        yield _text(chance, size_bytes, planted)


def planted_texts(count: int, *, seed: int) -> list[tuple[str, list[tuple[str, str]]]]:
    """Texts of about 1 KB with one value of each of `KINDS` in a plain sentence, and these (kind, value) pairs."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        values = [(kind, _VALUES[kind](chance)) for kind in KINDS]
        sentences = [_text(chance, 180, planted=False)]
        for kind, value in values:
            sentences += [f"{_LEADS[kind]} {value}.", _text(chance, 140, planted=False)]
        made.append((" ".join(sentences), values))
    return made


def _text(chance: random.Random, size_bytes: int, planted: bool) -> str:
    parts: list[str] = []
    length = 0
    while length < size_bytes:
        if planted and chance.random() < 0.03:
            kind = chance.choice(KINDS)
            sentence = f"{_LEADS[kind]} {_VALUES[kind](chance)}. "
        else:
            sentence = " ".join(chance.choices(WORDS, k=chance.randint(6, 14))).capitalize() + ". "
        parts.append(sentence)
        length += len(sentence)
    return "".join(parts)[:size_bytes]


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choices(string.digits, k=count))


def _card(chance: random.Random) -> str:
    digits = "4" + _digits(chance, 14)
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(digits))
    return digits + str(-total % 10)


def _iban(chance: random.Random) -> str:
    account = "37040044" + _digits(chance, 10)
    return f"DE{98 - int(account + '131400') % 97:02d}{account}"


def _ssn(chance: random.Random) -> str:
    return f"{chance.randint(101, 665)}-{chance.randint(10, 99)}-{chance.randint(1000, 9998)}"


def _email(chance: random.Random) -> str:
    return f"{chance.choice(WORDS)}.{chance.choice(WORDS)}{chance.randint(10, 99)}@example.org"


def _address(chance: random.Random) -> str:
    return f"203.0.{chance.randint(1, 250)}.{chance.randint(1, 250)}"


_VALUES = {
    "EMAIL_ADDRESS": _email,
    "CREDIT_CARD": _card,
    "US_SSN": _ssn,
    "IBAN_CODE": _iban,
    "IP_ADDRESS": _address,
}
_LEADS = {
    "EMAIL_ADDRESS": "Please write to my e-mail address",
    "CREDIT_CARD": "The credit card number is",
    "US_SSN": "My social security number is",
    "IBAN_CODE": "Send the money to the IBAN",
    "IP_ADDRESS": "The server has the IP address",
}
