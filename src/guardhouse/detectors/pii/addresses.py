"""E-mail addresses and URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardhouse.detectors.pii.readings import Reading

_FILE_ENDING_WORDS = "png jpg jpeg gif svg webp css js ts py rb go rs md txt html json yaml yml lock log zip gz sh"
_FILE_ENDINGS = frozenset(_FILE_ENDING_WORDS.split())
_COMMON_ENDING_WORDS = (
    "com org net edu gov mil int io co dev app ai info me biz eu uk us ca au nz za de fr es it nl be ch at pt pl ru in"
    " mx ar cl pe br jp kr cn tw hk sg tr se no dk fi ie gr cz hu ro ua il tv xyz online shop cloud tech email example"
)
_COMMON_ENDINGS = frozenset(_COMMON_ENDING_WORDS.split())
_ENDINGS_THAT_ARE_WORDS = frozenset({"in", "it", "me", "be", "at", "us", "no"})
_IN_WORDS = re.compile(r"\sat\s.*\sdot\s", re.IGNORECASE | re.DOTALL)
_NO_HOST = re.compile(r"(?:the|a|an|this|that|it|least|my|your|our|any|each)\b", re.IGNORECASE)
_TRAILING = ".,;:!?'\")]}>*_…"
_AT_WORDS = "at|@|arroba|arobase|chiocciola|apenstaartje|klammeraffe"
_DOT_WORDS = r"dot|\.|punto|ponto|point|punkt|punt"
_SPELLED_AT = re.compile(rf"\s?(?:[\[({{<]\s?(?:{_AT_WORDS})\s?[\])}}>]|\s(?:{_AT_WORDS})\s|@)\s?", re.IGNORECASE)
_SPELLED_DOT = re.compile(rf"\s?(?:[\[({{<]\s?(?:{_DOT_WORDS})\s?[\])}}>]|\s(?:{_DOT_WORDS})\s|\.)\s?", re.IGNORECASE)
_RESERVED = re.compile(r"(?:\A|\.)(?:example\.(?:com|net|org)|example|test|invalid|localhost)\Z", re.IGNORECASE)
"""Domains that nobody owns (RFC 2606, RFC 6761)."""


def read_email(value: str) -> Iterator[Reading]:
    """An address whose parts keep to the lengths of RFC 5321 and whose last label is no file ending."""
    local, _, domain = value.rpartition("@")
    named = local.rfind("=") + 1  # `mail=ana@example.com`; nobody's own address has the sign
    skipped = named + len(local[named:]) - len(local[named:].lstrip(".-'"))
    if _is_address(local[skipped:], domain):
        yield Reading(skipped, len(value), facts=_facts(domain))


def read_spelled_email(value: str) -> Iterator[Reading]:
    """An address with words for the sign and the points, behind whose end a domain that is in common use stands."""
    parts = _SPELLED_AT.split(value)
    if len(parts) != 2:
        return
    local, domain = (_SPELLED_DOT.sub(".", part) for part in parts)
    ending = domain.rpartition(".")[2].lower()
    if ending in _COMMON_ENDINGS and not _NO_HOST.match(domain) and _is_address(local, domain):
        doubtful = ending in _ENDINGS_THAT_ARE_WORDS and _IN_WORDS.search(value) is not None
        yield Reading(0, len(value), plain=0.4 if doubtful else None, facts={**_facts(domain), "spelled": "true"})


def _is_address(local: str, domain: str) -> bool:
    if not 1 <= len(local) <= 64 or ".." in local or local.endswith(".") or len(domain) > 253:
        return False
    labels = domain.split(".")
    fits = all(1 <= len(label) <= 63 and label[0] != "-" and label[-1] != "-" for label in labels)
    return fits and labels[-1].lower() not in _FILE_ENDINGS


def _facts(domain: str) -> dict[str, str]:
    return {"sample": "true"} if _RESERVED.search(domain) else {}


def read_url(value: str) -> Iterator[Reading]:
    """A URL without the punctuation of the sentence around it; brackets stay where they are closed inside."""
    end = len(value)
    while end and value[end - 1] in _TRAILING:
        if value[end - 1] == ")" and value.count("(", 0, end) >= value.count(")", 0, end):
            break
        end -= 1
    host = re.sub(r"^[a-z]+://", "", value[:end], flags=re.IGNORECASE)
    if len(host) >= 3:
        yield Reading(0, end)
