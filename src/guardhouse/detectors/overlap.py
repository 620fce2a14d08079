"""Which of several overlapping findings stands."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from guardhouse.model.finding import Finding, Span

LIKELY = 0.5
"""Findings from this confidence on go before all others, wherever these begin."""


def without_overlaps(findings: Iterable[Finding]) -> list[Finding]:
    """The findings of one text that stand, ordered by place: likely before unlikely, then earlier, longer, surer.

    Costs n log n. Findings without a span are left out.
    """
    ordered = sorted((f for f in findings if f.span is not None), key=_rank)
    starts: list[int] = []
    kept: list[tuple[Span, Finding]] = []
    for finding in ordered:
        span = finding.span
        if span is None:
            continue
        at = bisect_left(starts, span.start)
        if at > 0 and kept[at - 1][0].end > span.start:
            continue
        if at < len(kept) and (kept[at][0].start < span.end or kept[at][0].start == span.start):
            continue
        starts.insert(at, span.start)
        kept.insert(at, (span, finding))
    return [finding for _, finding in kept]


def _rank(finding: Finding) -> tuple[bool, int, int, float, str]:
    span = finding.span or Span(0, 0)
    return (finding.confidence < LIKELY, span.start, span.start - span.end, -finding.confidence, finding.kind)
