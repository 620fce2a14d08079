"""Reads indicators out of what threat sharing platforms exchange: STIX 2.1 objects and MISP events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from guardhouse.detectors.malicious_entity.index import HOUR_S
from guardhouse.detectors.malicious_entity.threats import Indicator, Threat
from guardhouse.errors import InvalidInput

MAX_PATTERN = 65_536
_LITERAL = r"'((?:[^'\\]|\\.)*)'"
_COMPARISON = re.compile(
    rf"(?:url|domain-name|ipv4-addr|ipv6-addr):value\s*(?:=\s*{_LITERAL}|ISSUBSET\s*{_LITERAL}"
    rf"|IN\s*\(\s*({_LITERAL}(?:\s*,\s*{_LITERAL})*)\s*\))"
)
_STRING = re.compile(_LITERAL)
_JOINED = re.compile(r"\b(?:AND|FOLLOWEDBY|NOT)\b")
_CATEGORIES = {
    "phish": "phishing",
    "command-and-control": "command_and_control",
    "c2": "command_and_control",
    "botnet": "command_and_control",
    "malware": "malware",
    "ransom": "malware",
    "payload": "malware",
    "scan": "scanner",
    "spam": "spam",
    "anonymization": "anonymization",
    "compromised": "compromised",
}
_BENIGN = frozenset({"benign"})
_MISP_SINGLE = frozenset({"url", "uri", "domain", "hostname", "ip-src", "ip-dst"})
_MISP_JOINED = frozenset({"domain|ip", "ip-dst|port", "ip-src|port", "hostname|port"})
_MISP_SCORES = {"1": 100, "2": 90, "3": 75}
"""By threat level: high, medium, low. An undefined level says nothing, so the list's own score stands."""


def read_stix(objects: Sequence[Any], threat: Threat) -> Iterator[Indicator]:
    """The URLs, domains, addresses and networks that indicators of a bundle name.

    Patterns that ask for several things at once (AND, FOLLOWEDBY) say nothing of one alone, and are passed over, as
    are revoked and benign indicators.
    """
    for item in objects:
        if not isinstance(item, Mapping) or item.get("type") != "indicator" or item.get("revoked") is True:
            continue
        pattern, kinds = item.get("pattern"), _words(item.get("indicator_types")) + _words(item.get("labels"))
        if not isinstance(pattern, str) or item.get("pattern_type", "stix") != "stix" or _BENIGN & set(kinds):
            continue
        if len(pattern) > MAX_PATTERN or _JOINED.search(_STRING.sub("''", pattern)):
            continue
        confidence = item.get("confidence")
        found = replace(
            threat,
            category=_category([*kinds, str(item.get("name", ""))], threat.category),
            score=confidence if isinstance(confidence, int) and 0 < confidence <= 100 else threat.score,
        )
        expires = hours_of(item.get("valid_until"))
        for match in _COMPARISON.finditer(pattern):
            for literal in _STRING.finditer(match[0]):
                yield Indicator(re.sub(r"\\(.)", r"\1", literal[1]), found, expires)


def read_misp(document: Any, threat: Threat) -> Iterator[Indicator]:
    """The network indicators of an event, of a list of events or of an attribute search, as MISP exports them.

    Attributes that are deleted or not meant for detection (`to_ids` false) are passed over.
    """
    events = list(_misp_events(document))
    if not events:
        raise InvalidInput("this is no MISP export: it has neither events nor attributes")
    for event in events:
        level = str(event.get("threat_level_id", ""))
        score = min(threat.score, _MISP_SCORES.get(level, threat.score))
        tags = _tags(event)
        for attribute in _attributes(event):
            kind, value = attribute.get("type"), attribute.get("value")
            if not isinstance(value, str) or attribute.get("to_ids") is not True or attribute.get("deleted") is True:
                continue
            words = [*_tags(attribute), *tags, str(attribute.get("category", "")), str(event.get("info", ""))]
            found = replace(threat, category=_category(words, threat.category), score=score)
            if kind in _MISP_SINGLE:
                yield Indicator(value, found)
            elif kind in _MISP_JOINED:
                first, _, second = value.partition("|")
                yield Indicator(first, found)
                if kind == "domain|ip":
                    yield Indicator(second, found)


def _misp_events(document: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(document, list):
        for item in document:
            yield from _misp_events(item)
    elif isinstance(document, Mapping):
        if "response" in document:
            yield from _misp_events(document["response"])
        elif isinstance(document.get("Event"), Mapping):
            yield document["Event"]
        elif isinstance(document.get("Attribute"), list) or isinstance(document.get("Object"), list):
            yield document


def _attributes(event: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for holder in (event, *_mappings(event.get("Object"))):
        if holder.get("deleted") is not True:
            yield from _mappings(holder.get("Attribute"))


def _tags(holder: Mapping[str, Any]) -> list[str]:
    return [str(tag.get("name", "")) for tag in _mappings(holder.get("Tag"))]


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _words(value: Any) -> list[str]:
    return [str(item).lower() for item in value] if isinstance(value, list) else []


def _category(words: Sequence[str], otherwise: str) -> str:
    """The first category that one of `words` speaks of."""
    for word in words:
        lowered = word.lower()
        for sign, category in _CATEGORIES.items():
            if sign in lowered:
                return category
    return otherwise


def hours_of(time: object) -> int:
    """Whole hours since 1970, rounded up, of an ISO 8601 time; 0 for none and for what is no time."""
    if not isinstance(time, str):
        return 0
    try:
        moment = datetime.fromisoformat(time.replace("Z", "+00:00"))
    except ValueError:
        return 0
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return max(1, int(-(-seconds // HOUR_S)))
