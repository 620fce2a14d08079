"""An evaluation in the vendor's form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from guardhouse.model.conversation import Path, render_path
from guardhouse.model.evaluation import Action, Evaluation, Outcome
from guardhouse.server.dialects.datadog.categories import CATEGORY_OF_DETECTOR, TAGS, rule_of, tag_of
from guardhouse.server.dialects.datadog.parse import ROOT

NO_MATCH = "No rule match."
_WRITABLE = re.compile(r"messages\[\d+\]\.(content|content\[\d+\]\.text|tool_calls\[\d+\]\.function\.arguments)")
"""The paths that clients may overwrite; they skip any other."""


def render_evaluation(evaluation: Evaluation, document: Any) -> dict[str, Any]:
    """The answer's document. `document` is the request's, in which the paths of the evaluation lead to strings."""
    tags = _tags(evaluation)
    probabilities = {tag: round(evaluation.confidences.get(kind, 0.0), 6) for tag, kind in TAGS.items()}
    for tag, kind in tags.items():
        probabilities.setdefault(tag, round(evaluation.confidences.get(kind, 1.0), 6))
    return {
        "data": {
            "id": evaluation.id,
            "type": "evaluations",
            "attributes": {
                "action": evaluation.action.name,
                "is_blocking_enabled": evaluation.blocking_enabled,
                "reason": _reason(evaluation, list(tags)),
                "tags": list(tags),
                "tag_probs": probabilities,
                "global_prob": max(probabilities.values()),
                "sds_findings": list(_sensitive_data(evaluation)),
                "redaction_replacements": list(_replacements(evaluation, document)),
            },
        }
    }


def _tags(evaluation: Evaluation) -> dict[str, str]:
    """Tags with their kinds, the surest first; none on ALLOW.

    A recipe of the operator's may block for reasons beyond the eleven categories: those are named only when none of the
    eleven is, so that a verdict is never without its tag.
    """
    if evaluation.action is Action.ALLOW:
        return {}
    applied = [applied for report in evaluation.reports for applied in report.findings]
    attacks = {item.finding.kind for item in applied if item.finding.kind in TAGS.values()}
    kinds = attacks or {item.finding.kind for item in applied if item.blocked}
    ordered = sorted(kinds, key=lambda kind: (-evaluation.confidences.get(kind, 0.0), kind))
    return {tag_of(kind): kind for kind in ordered}


def _reason(evaluation: Evaluation, tags: list[str]) -> str:
    if evaluation.action is Action.ALLOW:
        failed = [report.detector for report in evaluation.reports if report.outcome is Outcome.FAILED]
        return f"{NO_MATCH} Not checked, because it failed: {', '.join(failed)}." if failed else NO_MATCH
    return f"Rule matches: {', '.join(tags)}" if tags else evaluation.reason


def _sensitive_data(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    """One item per finding, in the order of the text."""
    found = [
        applied.finding
        for report in evaluation.reports
        if report.detector in CATEGORY_OF_DETECTOR
        for applied in report.findings
    ]
    for finding in sorted(found, key=lambda item: (_order(item.path), item.span.start if item.span else 0)):
        path = _relative(finding.path)
        if finding.span is None or not path:
            continue
        rule = rule_of(finding.kind, finding.detector)
        yield {
            "rule_display_name": rule.display_name,
            "rule_tag": rule.tag,
            "category": rule.category,
            "location": {
                "path": path,
                "start_index": finding.span.start,
                "end_index_exclusive": finding.span.end,
            },
        }


def _replacements(evaluation: Evaluation, document: Any) -> Iterator[dict[str, str]]:
    """One item per changed string: the whole of it, redacted."""
    for path in sorted(evaluation.texts, key=_order):
        relative = _relative(path)
        if _WRITABLE.fullmatch(relative) and isinstance(_value_at(document, path), str):
            yield {"path": relative, "replacement": evaluation.texts[path]}


def _relative(path: Path) -> str:
    """The path as the vendor writes it, from `messages` on; empty for one that is elsewhere."""
    return render_path(path[len(ROOT) :]) if path[: len(ROOT)] == ROOT else ""


def _order(path: Path) -> list[tuple[int, str]]:
    """Indexes by number, not by their digits."""
    return [(step, "") if isinstance(step, int) else (-1, step) for step in path]


def _value_at(document: Any, path: Path) -> Any:
    for step in path:
        document = document[step]
    return document
