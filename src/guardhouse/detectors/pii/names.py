"""Names and places that the classifier marked in a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace

from guardhouse.detectors.base import TextEvidence
from guardhouse.detectors.overlap import LIKELY
from guardhouse.model.finding import Finding, Span

KIND_OF_TAG = {"person": "PERSON", "location": "LOCATION", "address": "LOCATION", "organization": "ORGANIZATION"}
_EDGES = " \t\r\n.,;:!?'\"()[]{}<>“”‘’«»…"
"""What is never part of a name where one begins or ends."""


def tags_for(enabled: Set[str]) -> frozenset[str]:
    """The tags to be read for these kinds."""
    return frozenset(tag for tag, kind in KIND_OF_TAG.items() if kind in enabled)


def tagged_names(detector: str, text: TextEvidence, enabled: Set[str]) -> Iterator[Finding]:
    """A finding for each tag of a kind that is looked for, without the punctuation around it."""
    value = text.source.value
    for tag in text.tags:
        kind = KIND_OF_TAG.get(tag.kind, "")
        span = _trimmed(value, tag.span.start, tag.span.end) if kind in enabled else None
        if span is not None:
            facts = {"by": tag.kind}
            found = value[span.start : span.end]
            yield Finding(detector, kind, round(tag.confidence, 4), text.source.path, span, found, "classifier", facts)


def names_beside(found: Sequence[Finding], names: Iterable[Finding]) -> Iterator[Finding]:
    """The names without what in them is a value of another kind that a shape and a check vouch for.

    A tag may take in the number that follows an address; the address is to be found all the same.
    """
    sure = [
        one.span
        for one in found
        if one.span is not None and one.confidence >= LIKELY and one.kind not in KIND_OF_TAG.values()
    ]
    sure.sort(key=lambda span: span.start)
    at = 0
    for name in names:
        span = name.span
        if span is None:
            continue
        while at < len(sure) and sure[at].end <= span.start:
            at += 1
        if at == len(sure) or sure[at].start >= span.end:
            yield name
        else:
            yield from _parts(name, span, sure, at)


def _parts(name: Finding, span: Span, sure: Sequence[Span], at: int) -> Iterator[Finding]:
    """What of a name stands before, between and behind the sure values from `at` on."""
    start = span.start
    while start < span.end:
        other = sure[at] if at < len(sure) and sure[at].start < span.end else Span(span.end, span.end)
        part = _trimmed(name.value, start - span.start, max(start, other.start) - span.start)
        if part is not None:
            moved = Span(part.start + span.start, part.end + span.start)
            yield replace(name, span=moved, value=name.value[part.start : part.end])
        start = max(start, other.end)
        at += 1


def _trimmed(value: str, start: int, end: int) -> Span | None:
    """The range without the punctuation at its edges; None where no letter is in it."""
    while start < end and value[start] in _EDGES:
        start += 1
    while start < end and value[end - 1] in _EDGES:
        end -= 1
    return Span(start, end) if any(map(str.isalpha, value[start:end])) else None
