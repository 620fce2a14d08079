"""The answer: what was decided, why, and what was changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from guardhouse.model.conversation import Path
from guardhouse.model.finding import AnalyzerResponse, Finding, Span
from guardhouse.model.recipe import RuleAction


class Action(IntEnum):
    """The verdict, ordered. `DENY` stops this interaction, `ABORT` the whole run of the agent."""

    ALLOW = 0
    DENY = 1
    ABORT = 2


class Outcome(StrEnum):
    """What became of a detector. What was never read is never called safe."""

    DETECTED = "detected"
    NOT_DETECTED = "not_detected"
    NOT_EXECUTED = "not_executed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AppliedFinding:
    """A finding that counted: at or above its threshold, with what was done about it."""

    finding: Finding
    threshold: float
    action: RuleAction
    blocked: bool
    replacement: str | None = None
    """The text put in its place, for actions that edit."""


@dataclass(frozen=True, slots=True)
class DetectorReport:
    """What one detector of the recipe gave, in the recipe's order."""

    detector: str
    outcome: Outcome
    findings: tuple[AppliedFinding, ...] = ()
    action: RuleAction | None = None
    """The strongest action taken, None when nothing was detected."""
    analyzers: tuple[AnalyzerResponse, ...] = ()
    detail: str = ""
    """Why it was not executed or failed, in words, without judged text."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """One edit. `span` is in the original text at `path`; `redacted_span` in the edited text."""

    path: Path
    span: Span
    redacted_span: Span
    detector: str
    kind: str
    operator: RuleAction
    replacement: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The whole answer to one request.

    `action` is the true verdict, `blocked` whether the client should act on it under its policy. `confidences` holds
    the highest confidence of every category that was looked for, flagged or not; `thresholds` the least that flags.
    `texts` maps the path of each changed string to its redacted form. `timings_ms` is by stage. `fpe_context` is what
    un-redaction and the conversation's next request need, where something was encrypted, sealed or numbered.
    """

    id: str
    action: Action
    reason: str
    blocked: bool
    blocking_enabled: bool
    recipe: str
    reports: tuple[DetectorReport, ...]
    confidences: Mapping[str, float]
    thresholds: Mapping[str, float]
    redactions: tuple[Redaction, ...]
    texts: Mapping[Path, str] = field(repr=False)
    timings_ms: Mapping[str, float]
    policy_revision: int
    fpe_context: str | None = field(default=None, repr=False)

    @property
    def flagged(self) -> tuple[str, ...]:
        """Kinds that were detected, without repeats, in the order of the reports."""
        kinds = (applied.finding.kind for report in self.reports for applied in report.findings)
        return tuple(dict.fromkeys(kinds))

    @property
    def transformed(self) -> bool:
        """True when at least one text was changed."""
        return bool(self.texts)

    def report(self, detector: str) -> DetectorReport | None:
        """The report of one detector, or None when the recipe does not have it."""
        return next((report for report in self.reports if report.detector == detector), None)
