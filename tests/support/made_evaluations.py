"""Evaluations put together by hand, for tests of what dialects make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guardhouse.model.conversation import Path
from guardhouse.model.evaluation import Action, AppliedFinding, DetectorReport, Evaluation, Outcome, Redaction
from guardhouse.model.finding import AnalyzerResponse, Finding, Span
from guardhouse.model.recipe import RuleAction


def applied(
    detector: str,
    kind: str,
    *,
    action: RuleAction = RuleAction.REPORT,
    confidence: float = 0.9,
    path: Path = ("text",),
    start: int | None = None,
    value: str = "",
    replacement: str | None = None,
    analyzer: str = "",
    evidence: Mapping[str, str] | None = None,
) -> AppliedFinding:
    """A finding that counted; with `start` it has the span of `value`."""
    span = None if start is None else Span(start, start + len(value))
    finding = Finding(detector, kind, confidence, path, span, value, analyzer, evidence or {})
    return AppliedFinding(finding, 0.5, action, blocked=action is RuleAction.BLOCK, replacement=replacement)


def report(detector: str, *findings: AppliedFinding, outcome: Outcome | None = None) -> DetectorReport:
    """What a detector gave; without findings it looked and found nothing, unless `outcome` says otherwise."""
    analyzers = {item.finding.analyzer: item.finding.confidence for item in findings if item.finding.analyzer}
    return DetectorReport(
        detector,
        outcome or (Outcome.DETECTED if findings else Outcome.NOT_DETECTED),
        tuple(findings),
        analyzers=tuple(AnalyzerResponse(name, confidence) for name, confidence in analyzers.items()),
    )


def evaluation(
    *reports: DetectorReport,
    texts: Mapping[Path, str] | None = None,
    redactions: Sequence[Redaction] = (),
    recipe: str = "user_prompt",
    monitor: bool = False,
    action: Action | None = None,
) -> Evaluation:
    """The whole answer; it denies when a finding blocks."""
    findings = [item for made in reports for item in made.findings]
    if action is None:
        action = Action.DENY if any(item.blocked for item in findings) else Action.ALLOW
    confidences: dict[str, float] = {}
    for item in findings:
        confidences[item.finding.kind] = max(confidences.get(item.finding.kind, 0.0), item.finding.confidence)
    return Evaluation(
        id="4b1f",
        action=action,
        reason="because",
        blocked=action > 0 and not monitor,
        blocking_enabled=not monitor,
        recipe=recipe,
        reports=reports,
        confidences=confidences,
        thresholds=dict.fromkeys(confidences, 0.5),
        redactions=tuple(redactions),
        texts=texts or {},
        timings_ms={},
        policy_revision=0,
    )
