"""E-mail addresses and URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from guardhouse.detectors.pii.readings import Reading

_FILE_ENDING_WORDS = "png jpg jpeg gif svg webp css js ts py rb go rs md txt html json yaml yml lock log zip gz sh"
_FILE_ENDINGS = frozenset(_FILE_ENDING_WORDS.split())
_COMMON_ENDING_WORDS = (
    "com org net edu gov io co dev app ai info me biz uk us ca au de fr es it nl be ch at pt pl ru in"
)
_COMMON_ENDINGS = frozenset(_COMMON_ENDING_WORDS.split())
_NO_HOST = re.compile(r"(?:the|a|an|this|that|it|least|my|your|our|any|each)\b", re.IGNORECASE)
_TRAILING = ".,;:!?'\")]}>*_…"
_SPELLED = re.compile(r"\s*(?:\[at\]|\(at\)|\{at\}|\sat\s)\s*", re.IGNORECASE)


def read_email(value: str) -> Iterator[Reading]:
    """An address whose parts keep to the lengths of RFC 5321 and whose last label is no file ending."""
    local, _, domain = value.rpartition("@")
    if not local:
        local, domain = [*_SPELLED.split(value, maxsplit=1), ""][:2]
    named = local.rfind("=") + 1  # `mail=ana@example.com`; nobody's own address has the sign
    skipped = named + len(local[named:]) - len(local[named:].lstrip(".-'"))
    local = local[skipped:]
    if not 1 <= len(local) <= 64 or ".." in local or local.endswith(".") or len(domain) > 253:
        return
    if any(not 1 <= len(label) <= 63 or label[0] == "-" or label[-1] == "-" for label in domain.split(".")):
        return
    ending = re.split(r"[.\s\])}]+", domain)[-1].lower()
    spelled = "@" not in value
    if ending in _FILE_ENDINGS or (spelled and (ending not in _COMMON_ENDINGS or _NO_HOST.match(domain))):
        return
    yield Reading(skipped, len(value))


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
