"""Texts with names and places from the templates in training/data/names: slots are filled, marks become ranges.

A template is {"lang", "text"}; in its text `[[person]]` is a slot that the generator fills in that language and
`[[person:Anna Kowalczyk]]` a literal. Everything that is a name, a place, an organisation or an address is marked,
so what stands outside of marks is known to be none.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from faker import Faker

TEMPLATES = Path(__file__).resolve().parent / "data" / "names"
KINDS = {
    "person": "person", "first": "person", "last": "person", "city": "location", "country": "location",
    "region": "location", "location": "location", "street": "location", "company": "organization",
    "organization": "organization", "address": "address", "address_block": "address",
}  # fmt: skip
LOCALES = {
    "en": ("en_US", "en_GB", "en_CA", "en_AU", "en_IE", "en_IN", "en_NZ"), "de": ("de_DE", "de_AT", "de_CH"),
    "fr": ("fr_FR", "fr_CA", "fr_CH"), "es": ("es_ES", "es_MX", "es_CO", "es_AR"), "pt": ("pt_PT", "pt_BR"),
    "it": ("it_IT",), "nl": ("nl_NL", "nl_BE"), "pl": ("pl_PL",), "cs": ("cs_CZ",), "sv": ("sv_SE",),
    "da": ("da_DK",), "no": ("no_NO",), "nb": ("no_NO",), "fi": ("fi_FI",), "tr": ("tr_TR",), "ru": ("ru_RU",),
    "uk": ("uk_UA",), "el": ("el_GR",), "ro": ("ro_RO",), "hu": ("hu_HU",), "ja": ("ja_JP",), "zh": ("zh_CN", "zh_TW"),
    "ko": ("ko_KR",), "ar": ("ar_AA", "ar_SA"), "hi": ("hi_IN",), "vi": ("vi_VN",), "id": ("id_ID",),
}  # fmt: skip
FOREIGN = 0.2
"""The share of slots in English that hold a name of another language in Latin letters."""
LATIN = ("de", "fr", "es", "pt", "it", "nl", "pl", "cs", "sv", "da", "fi", "tr", "ro", "hu", "vi", "id")
MARK = re.compile(r"\[\[([a-z_]+)(?::([^\[\]]+))?\]\]")
COPIES = 4
"""Fillings of a template; one without slots is taken once as it stands, then with its literals exchanged."""


def filled_rows(seed: int) -> Iterator[dict[str, Any]]:
    """{text, tags, lang, source} for every filling, the same for the same seed and release of the generator."""
    chance = random.Random(seed)
    Faker.seed(seed)
    for path in sorted(TEMPLATES.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            templates = [json.loads(line) for line in lines]
        for template in templates:
            marks = MARK.findall(template["text"])
            literal = [text for _, text in marks if text]
            copies = COPIES if len(literal) < len(marks) else 1 + 2 * bool(literal)
            for copy in range(copies):
                text, tags = filled(template, chance, exchange=0.0 if copy == 0 else 0.7)
                yield {"text": text, "tags": tags, "lang": template["lang"], "source": f"names:{path.name[:-9]}"}


def filled(template: dict[str, str], chance: random.Random, *, exchange: float) -> tuple[str, list[list[Any]]]:
    """One filling and its tags; that share of the literal names and places is exchanged for generated ones."""
    out, tags, at, length = [], [], 0, 0
    for mark in MARK.finditer(template["text"]):
        kind, literal = mark.groups()
        if literal and kind in ("person", "location") and chance.random() < exchange:
            value = like(literal, made("city" if kind == "location" else kind, template["lang"], chance))
        else:
            value = literal or made(kind, template["lang"], chance)
        before = template["text"][at : mark.start()]
        out += [before, value]
        tags.append([length + len(before), length + len(before) + len(value), KINDS[kind]])
        length += len(before) + len(value)
        at = mark.end()
    return "".join([*out, template["text"][at:]]), tags


def like(literal: str, value: str) -> str:
    """`value` in the case of the literal whose place it takes, and one word of it for one word."""
    if " " not in literal and " " in value:
        value = value.split()[-1]
    return value.lower() if literal.islower() else value.upper() if literal.isupper() else value


def made(kind: str, lang: str, chance: random.Random) -> str:
    """A value for a slot."""
    if lang == "en" and chance.random() < FOREIGN:
        lang = chance.choice(LATIN)
    source = generator(chance.choice(LOCALES[lang]))
    if kind == "address":
        return ", ".join(line.strip(" ,") for line in source.address().splitlines())
    name = {
        "person": "name", "first": "first_name", "last": "last_name", "street": "street_name",
        "address_block": "address", "region": "administrative_unit", "organization": "company",
    }.get(kind, kind)  # fmt: skip
    make: Callable[[], str] = getattr(source, name, source.city)
    try:
        return make()
    except AttributeError:  # some locales lack it
        return source.city()


@cache
def generator(locale: str) -> Faker:
    """The generator of one locale."""
    return Faker(locale)
