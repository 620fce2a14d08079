"""What the content detectors share: a confidence from phrases and a head, and the finding that carries it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from guardhouse.classifier.base import HeadReading
from guardhouse.detectors.base import Evidence, TextEvidence
from guardhouse.matching.pattern import Hit
from guardhouse.model.conversation import TextForm
from guardhouse.model.finding import Finding, Span

LEAST_SHOWN = 0.01
HIGHEST = 0.99


def content_texts(evidence: Evidence) -> Iterator[TextEvidence]:
    """The judged texts that say something; a call's arguments are the tool detector's."""
    return (text for text in evidence.texts if text.source.form is not TextForm.ARGUMENTS and text.source.value.strip())


def added_up(hits: Iterable[Hit]) -> tuple[float, Span | None]:
    """The confidence of several different phrases together and where the surest stands; the same phrase counts once."""
    best: dict[str, Hit] = {}
    for hit in hits:
        best.setdefault(hit.value.lower(), hit)
    doubt = 1.0
    surest: Hit | None = None
    for hit in best.values():
        doubt *= 1 - _confidence(hit)
        if surest is None or _confidence(hit) > _confidence(surest):
            surest = hit
    return min(1 - doubt, HIGHEST), surest.span if surest else None


def content_finding(
    detector: str, kind: str, text: TextEvidence, head: HeadReading | None, phrases: tuple[float, Span | None]
) -> Finding | None:
    """The higher of head and phrases as a finding; None where neither says anything."""
    of_head = min(head.confidence, HIGHEST) if head is not None else 0.0
    confidence, span, analyzer = of_head, head.span if head else None, "classifier"
    if phrases[0] > confidence:
        confidence, span, analyzer = phrases[0], phrases[1], "patterns"
    if confidence < LEAST_SHOWN:
        return None
    value = text.source.value[span.start : span.end] if span is not None else ""
    return Finding(detector, kind, confidence, text.source.path, span, value, analyzer)


def _confidence(hit: Hit) -> float:
    return float(hit.pattern.data["confidence"])
