"""Runs a plan over a conversation. The only place with a broad `except`: what a detector throws becomes its outcome."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from guardhouse.detectors.base import Evidence
from guardhouse.engine.decide import StepDecision, Thresholds, decide_step
from guardhouse.engine.plan import Plan, Step
from guardhouse.errors import DeadlineExceeded, DetectorFailed, NotExecuted
from guardhouse.model.evaluation import DetectorReport, Outcome
from guardhouse.model.finding import Finding

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """One decision per step of the plan, in order."""

    decisions: tuple[StepDecision, ...]
    failed_required: bool


def run_plan(plan: Plan, evidence: Evidence, thresholds: Thresholds) -> Run:
    """Let each detector find, and weigh its findings; after a block the rest is not executed if the recipe says so."""
    decisions: list[StepDecision] = []
    failed_required = blocked = False
    for step in plan.steps:
        if blocked and plan.stop_on_block:
            decisions.append(_without_findings(step, Outcome.NOT_EXECUTED, "an earlier detector blocked"))
            continue
        decision = _run_step(step, evidence, thresholds)
        failed_required |= decision.report.outcome is Outcome.FAILED and step.setting.required
        blocked |= decision.blocks
        decisions.append(decision)
    return Run(tuple(decisions), failed_required)


def gather_evidence(collect: Callable[[], Evidence]) -> Evidence | str:
    """What `collect` returns, or in words why it could not: without evidence every detector has failed."""
    try:
        return collect()
    except DeadlineExceeded as error:
        return str(error)
    except Exception as error:  # noqa: BLE001
        _log.error("evidence could not be collected: %s", type(error).__qualname__)
        return f"collecting evidence raised {type(error).__qualname__}"


def fail_plan(plan: Plan, detail: str) -> Run:
    """Every step failed for the same reason."""
    decisions = tuple(_without_findings(step, Outcome.FAILED, detail) for step in plan.steps)
    return Run(decisions, any(step.setting.required for step in plan.steps))


def skip_plan(plan: Plan, detail: str) -> Run:
    """No step was executed, for the same reason."""
    return Run(tuple(_without_findings(step, Outcome.NOT_EXECUTED, detail) for step in plan.steps), False)


def _run_step(step: Step, evidence: Evidence, thresholds: Thresholds) -> StepDecision:
    try:
        if evidence.deadline is not None and time.monotonic() > evidence.deadline:
            raise DeadlineExceeded("the evaluation's time was used up")
        findings = _inside_texts(step.detector.find(evidence, step.setting), evidence)
    except DetectorFailed as error:
        return _without_findings(step, Outcome.FAILED, str(error))
    except NotExecuted as error:
        return _without_findings(step, Outcome.NOT_EXECUTED, str(error))
    except Exception as error:  # noqa: BLE001
        # The message of a foreign exception may hold judged text: only its type is told, here and in the report.
        _log.error("detector %s failed: %s", step.setting.detector, type(error).__qualname__)
        return _without_findings(step, Outcome.FAILED, f"the detector raised {type(error).__qualname__}")
    decision = decide_step(step.setting, findings, thresholds)
    if _is_capped(step, evidence):
        # What was found still counts and is still edited; that it is all there is cannot be said.
        report = replace(decision.report, outcome=Outcome.FAILED, detail="a text matches more often than is read")
        return replace(decision, report=report)
    return decision


def _is_capped(step: Step, evidence: Evidence) -> bool:
    capped = frozenset[str]().union(*(text.capped for text in evidence.texts))
    return bool(capped) and any(pattern.id in capped for pattern in step.detector.needs(step.setting).patterns)


def _inside_texts(findings: Iterable[Finding], evidence: Evidence) -> Sequence[Finding]:
    """The findings as a list; one whose span leaves its text is a detector's defect and fails it."""
    lengths = {text.source.path: len(text.source.value) for text in evidence.texts}
    found = list(findings)
    for finding in found:
        if finding.span is not None and finding.span.end > lengths.get(finding.path, 0):
            raise ValueError("a span lies outside its text")
    return found


def _without_findings(step: Step, outcome: Outcome, detail: str) -> StepDecision:
    return StepDecision(DetectorReport(step.setting.detector, outcome, detail=detail), (), {}, {})
