"""Redaction by itself: the sensitive detectors of a recipe, edits instead of verdicts, the whole content judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guardhouse.detectors.base import Detector
from guardhouse.engine.plan import IMAGE, SENSITIVE_DETECTORS
from guardhouse.errors import DetectorFailed, InvalidInput, UnknownName
from guardhouse.model.codec import normalize_kind
from guardhouse.model.evaluation import Evaluation, Outcome
from guardhouse.model.recipe import REDACTING, DetectorOverride, Overrides, Rule, RuleAction
from guardhouse.model.redacted import RedactedContent
from guardhouse.redaction.apply import put_back

REDACTION_RECIPE = "ingestion"
"""Whose sensitive detectors count where nothing else is asked for."""


def redaction_overrides(
    detectors: Mapping[str, Detector],
    *,
    action: str | RuleAction | None = None,
    parameters: Mapping[str, Any] | None = None,
    kinds: Sequence[str] | None = None,
    rules: Mapping[str, Rule] | None = None,
) -> Overrides:
    """The overrides that make a recipe edit what is sensitive and do nothing else.

    `action` with `parameters` holds for everything, `rules` for single kinds; with `kinds` only these (and those of
    `rules`) are looked for. Raises `InvalidInput` for an action that does not edit and for kinds that do not exist.
    """
    general = None if action is None else _editing_rule(action, parameters)
    if action is None and parameters:
        raise InvalidInput("parameters belong to an action", path=("parameters",), code="conflict")
    if kinds is None:
        heard = (*SENSITIVE_DETECTORS, IMAGE)  # images are painted over as texts are edited
        quiet = {name: DetectorOverride(disabled=True) for name in detectors if name not in heard}
        named = {
            name: DetectorOverride(default=general, rules=_own(rules or {}, detectors[name]))
            for name in SENSITIVE_DETECTORS
            if name in detectors and (name != "custom_entity")
        }
        for kind in rules or {}:
            _owner(kind, detectors, ("rules", kind))
        return Overrides({**quiet, **named})
    chosen = {normalize_kind(kind): general or Rule(RuleAction.REPLACE) for kind in kinds} | dict(rules or {})
    by_detector: dict[str, dict[str, Rule]] = {}
    for index, (kind, rule) in enumerate(chosen.items()):
        by_detector.setdefault(_owner(kind, detectors, ("kinds", index)), {})[kind] = rule
    return Overrides(
        {name: DetectorOverride(default=Rule(RuleAction.DISABLED), rules=own) for name, own in by_detector.items()},
        ignore_recipe=True,
    )


def redacted_content(content: Any, evaluation: Evaluation) -> RedactedContent:
    """What was judged as `text` or `messages`, with the evaluation's edits. Raises as `require_whole`."""
    require_whole(evaluation)
    member = "text" if isinstance(content, str) else "messages"
    document = put_back({member: content}, evaluation.texts)
    return RedactedContent(evaluation.id, document[member], evaluation.redactions, evaluation.fpe_context)


def require_whole(evaluation: Evaluation) -> None:
    """Raise `DetectorFailed` when not everything could be looked through: half a redaction is none."""
    failed = [report.detector for report in evaluation.reports if report.outcome is Outcome.FAILED]
    if failed:
        raise DetectorFailed(f"nothing was redacted, for a detector failed: {', '.join(failed)}")


def _editing_rule(action: str | RuleAction, parameters: Mapping[str, Any] | None) -> Rule:
    editing = sorted(item.value for item in REDACTING)
    if action not in editing:
        raise InvalidInput(f"action must be one of: {', '.join(editing)}", path=("action",), code="not_in_enum")
    return Rule(RuleAction(action), dict(parameters or {}))


def _own(rules: Mapping[str, Rule], detector: Detector) -> dict[str, Rule]:
    return {kind: rule for kind, rule in rules.items() if kind in detector.kinds}


def _owner(kind: str, detectors: Mapping[str, Detector], path: tuple[str | int, ...]) -> str:
    """The sensitive detector that finds `kind`."""
    for name in SENSITIVE_DETECTORS:
        if name in detectors and kind in detectors[name].kinds:
            return name
    raise UnknownName(f"there is no kind {kind[:64]!r} of sensitive data", path=path)
