"""From findings to what counts, and from what counts to the verdict. Finds nothing, edits nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from guardhouse.model.evaluation import Action, AppliedFinding, DetectorReport, Outcome
from guardhouse.model.finding import AnalyzerResponse, Finding
from guardhouse.model.policy import DEFAULT_SENSITIVITY, FailMode, Sensitivity
from guardhouse.model.recipe import DetectorSetting, Rule, RuleAction
from guardhouse.redaction.redact import Target

ENTITY_DETECTORS = frozenset({"pii", "secrets", "custom_entity", "malicious_entity", "competitors", "language", "code"})
"""Detectors of things that are there or not. A general sensitivity, which weighs how hostile or harmful a text is,
does not move them; a threshold for one of their kinds, or in their own setting, does."""

ABORTING = frozenset(
    {
        ("tool_call", "DESTRUCTIVE_TOOL_CALL"),
        ("tool_call", "DENIAL_OF_SERVICE_TOOL_CALL"),
        ("tool_call", "DATA_EXFILTRATION"),
    }
)
"""Detector and kind of what ends the whole run of an agent rather than one interaction."""

_STRENGTH = {
    action: rank for rank, action in enumerate((RuleAction.REPORT, RuleAction.DEFANG, RuleAction.PARTIAL_MASK))
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the least confidence that counts comes from: the request, then the recipe, then the policy."""

    request: Sensitivity
    policy: Sensitivity

    def of(self, setting: DetectorSetting, kind: str) -> float:
        """The least confidence at which a finding of `kind` counts under `setting`."""
        general = setting.detector not in ENTITY_DETECTORS
        candidates = (
            self.request.by_category.get(kind),
            self.request.default if general else None,
            setting.threshold,
            self.policy.by_category.get(kind),
            self.policy.default if general else None,
        )
        return next((value for value in candidates if value is not None), DEFAULT_SENSITIVITY)


@dataclass(frozen=True, slots=True)
class StepDecision:
    """What one detector's findings come to. `targets` stands beside the report's findings."""

    report: DetectorReport
    targets: tuple[Target, ...]
    confidences: Mapping[str, float]
    thresholds: Mapping[str, float]

    @property
    def blocks(self) -> bool:
        """True when a finding under a blocking rule counts."""
        return any(applied.blocked for applied in self.report.findings)


def decide_step(setting: DetectorSetting, findings: Iterable[Finding], thresholds: Thresholds) -> StepDecision:
    """Weigh one detector's findings against thresholds and rules. Kinds whose rule is disabled are dropped unseen."""
    confidences: dict[str, float] = {}
    limits: dict[str, float] = {}
    applied: list[AppliedFinding] = []
    targets: list[Target] = []
    for finding in findings:
        rule = setting.rule_for(finding.kind)
        if rule.action is RuleAction.DISABLED:
            continue
        limit = limits.setdefault(finding.kind, thresholds.of(setting, finding.kind))
        confidences[finding.kind] = max(confidences.get(finding.kind, 0.0), finding.confidence)
        if finding.confidence >= limit:
            applied.append(AppliedFinding(finding, limit, rule.action, blocked=_is_blocking(rule)))
            targets.append(Target(finding, rule))
    report = DetectorReport(
        detector=setting.detector,
        outcome=Outcome.DETECTED if applied else Outcome.NOT_DETECTED,
        findings=tuple(applied),
        action=_strongest(applied),
        analyzers=_analyzers(applied),
    )
    return StepDecision(report, tuple(targets), confidences, limits)


def decide_action(reports: Sequence[DetectorReport], failed_required: bool, fail_mode: FailMode) -> Action:
    """The verdict over all reports: the strongest of what blocks, and what a failure means under `fail_mode`."""
    action = Action.DENY if failed_required and fail_mode is FailMode.CLOSED else Action.ALLOW
    for report in reports:
        for applied in report.findings:
            if applied.blocked:
                aborts = (report.detector, applied.finding.kind) in ABORTING
                action = max(action, Action.ABORT if aborts else Action.DENY)
    return action


def _is_blocking(rule: Rule) -> bool:
    return rule.block or rule.action is RuleAction.BLOCK


def _strongest(applied: Sequence[AppliedFinding]) -> RuleAction | None:
    if not applied:
        return None
    if any(item.blocked for item in applied):
        return RuleAction.BLOCK
    return max((item.action for item in applied), key=lambda action: _STRENGTH.get(action, len(_STRENGTH)))


def _analyzers(applied: Sequence[AppliedFinding]) -> tuple[AnalyzerResponse, ...]:
    best: dict[str, float] = {}
    for item in applied:
        if item.finding.analyzer:
            best[item.finding.analyzer] = max(best.get(item.finding.analyzer, 0.0), item.finding.confidence)
    return tuple(AnalyzerResponse(name, confidence) for name, confidence in best.items())
