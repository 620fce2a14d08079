"""Names and places that the classifier marked in a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set

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
        if kind not in enabled:
            continue
        start, end = tag.span.start, tag.span.end
        while start < end and value[start] in _EDGES:
            start += 1
        while start < end and value[end - 1] in _EDGES:
            end -= 1
        if any(map(str.isalpha, value[start:end])):
            span = Span(start, end)
            facts = {"by": tag.kind}
            yield Finding(
                detector, kind, round(tag.confidence, 4), text.source.path, span, value[start:end], "classifier", facts
            )


def names_beside(found: Sequence[Finding], names: Iterable[Finding]) -> Iterator[Finding]:
    """The names that do not touch a value of another kind that a shape and a check vouch for."""
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
