"""From an evaluation to the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardhouse.model.evaluation import AppliedFinding, Evaluation, Redaction
from guardhouse.redaction.apply import put_back
from guardhouse.server.dialects.markers import marked_texts
from guardhouse.server.dialects.trend.headers import Wishes
from guardhouse.server.dialects.trend.rules import HARMFUL, SENSITIVE_DETECTORS, rule_id

_NOTHING = "no policy violation(s) detected"
_ATTACKS = ("prompt_attack", "tool_call")


def rendered(evaluation: Evaluation, document: Any, wishes: Wishes) -> dict[str, Any]:
    """The body of the answer. Holds no matched value."""
    reasons = _reasons(evaluation) or [_NOTHING]
    answer: dict[str, Any] = {
        "id": evaluation.id,
        "action": "Block" if evaluation.blocked else "Allow",
        "reasons": reasons,
        "reason": ", ".join(reasons),
    }
    if wishes.redact and evaluation.transformed:
        answer["redactedRequest"] = put_back(document, marked_texts(evaluation, _marker))
    if wishes.representation:
        answer["harmfulContent"] = _harmful_content(evaluation)
        answer["sensitiveInformation"] = _sensitive_information(evaluation)
        answer["promptAttacks"] = _prompt_attacks(evaluation)
    return answer


def _marker(redaction: Redaction) -> str | None:
    """`[RULE_ID]` where sensitive data was taken out, whatever the recipe put there."""
    return f"[{rule_id(redaction.kind)}]" if redaction.detector in SENSITIVE_DETECTORS else None


def _reasons(evaluation: Evaluation) -> list[str]:
    """One sentence per scanner that was violated; a verdict that no scanner explains (a failure) says so itself."""
    reasons = []
    harmful = [name for name, kinds in HARMFUL.items() if _violates(evaluation, kinds)]
    others = [
        applied.finding.kind
        for applied in _findings(evaluation, ("harmful_content",))
        if applied.blocked and not any(applied.finding.kind in kinds for kinds in HARMFUL.values())
    ]
    if harmful or others:
        listed = sorted(dict.fromkeys([*harmful, *(kind.replace("_", " ").capitalize() for kind in others)]))
        reasons.append(f"Harmful Scanners exceeding threshold: {', '.join(listed)}")
    if any(applied.blocked for applied in _findings(evaluation, _ATTACKS)):
        reasons.append("Prompt attack detected")
    sensitive = [item for item in _findings(evaluation, SENSITIVE_DETECTORS) if item.blocked]
    if sensitive:
        ids = dict.fromkeys(rule_id(applied.finding.kind) for applied in sensitive)
        reasons.append(f"Sensitive data detected: Rule ID {', '.join(ids)}")
    if not reasons and evaluation.action > 0:
        reasons.append("Policy violation detected")
    return reasons


def _harmful_content(evaluation: Evaluation) -> list[dict[str, Any]]:
    if evaluation.report("harmful_content") is None:
        return []
    return [
        {
            "category": name,
            "hasPolicyViolation": _violates(evaluation, kinds),
            "confidenceScore": _score(evaluation, kinds),
        }
        for name, kinds in HARMFUL.items()
    ]


def _sensitive_information(evaluation: Evaluation) -> dict[str, Any]:
    # What was only reported is the recipe's wish to know, not a violation.
    counted = [
        applied
        for applied in _findings(evaluation, SENSITIVE_DETECTORS)
        if applied.blocked or applied.replacement is not None
    ]
    return {
        "hasPolicyViolation": bool(counted),
        "rules": [{"id": rule_id(applied.finding.kind)} for applied in counted],
    }


def _prompt_attacks(evaluation: Evaluation) -> list[dict[str, Any]]:
    if all(evaluation.report(detector) is None for detector in _ATTACKS):
        return []
    findings = _findings(evaluation, _ATTACKS)
    kinds = {applied.finding.kind for applied in findings}
    surest = max(findings, key=lambda applied: applied.finding.confidence, default=None)
    looked_for = [value for kind, value in evaluation.confidences.items() if kind in _ATTACK_KINDS | kinds]
    return [
        {
            "type": "jailbreak" if surest is not None and surest.finding.kind == "JAILBREAK" else "prompt_injection",
            "hasPolicyViolation": any(applied.blocked for applied in findings),
            "confidenceScore": round(max(looked_for, default=0.0), 2),
        }
    ]


_ATTACK_KINDS = frozenset(
    {
        "JAILBREAK",
        "INDIRECT_PROMPT_INJECTION",
        "INSTRUCTION_OVERRIDE",
        "ROLE_PLAY",
        "AUTHORITY_OVERRIDE",
        "OBFUSCATION",
        "SYSTEM_PROMPT_EXTRACTION",
        "DATA_EXFILTRATION",
        "SECURITY_EXPLOIT",
    }
)


def _findings(evaluation: Evaluation, detectors: Iterable[str]) -> list[AppliedFinding]:
    reports: Mapping[str, Any] = {report.detector: report for report in evaluation.reports}
    return [applied for name in detectors if name in reports for applied in reports[name].findings]


def _violates(evaluation: Evaluation, kinds: Iterable[str]) -> bool:
    wanted = set(kinds)
    return any(
        applied.blocked and applied.finding.kind in wanted for applied in _findings(evaluation, ("harmful_content",))
    )


def _score(evaluation: Evaluation, kinds: Iterable[str]) -> float:
    return round(max((evaluation.confidences.get(kind, 0.0) for kind in kinds), default=0.0), 2)
