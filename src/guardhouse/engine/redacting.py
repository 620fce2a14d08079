"""Redaction by itself: the sensitive detectors of a recipe, edits instead of verdicts, the whole content judged."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from guardhouse.detectors.base import Detector
from guardhouse.detectors.custom.definitions import entities_of
from guardhouse.engine.plan import IMAGE, ORDER, SENSITIVE_DETECTORS
from guardhouse.errors import ConfigurationError, DetectorFailed, InvalidInput, UnknownName
from guardhouse.model.codec import normalize_kind
from guardhouse.model.conversation import Path
from guardhouse.model.evaluation import Evaluation, Outcome
from guardhouse.model.recipe import REDACTING, DetectorOverride, DetectorSetting, Overrides, Recipe, Rule, RuleAction
from guardhouse.model.redacted import RedactedContent
from guardhouse.redaction.apply import put_back

REDACTION_RECIPE = "ingestion"
"""Whose sensitive detectors count where nothing else is asked for."""
_ALWAYS = ("pii", "secrets")
"""Looked for also where the recipe does not name them."""


def redaction_overrides(
    detectors: Mapping[str, Detector],
    *,
    recipe: Recipe | None = None,
    action: str | RuleAction | None = None,
    parameters: Mapping[str, Any] | None = None,
    kinds: Sequence[str] | None = None,
    rules: Mapping[str, Rule] | None = None,
) -> Overrides:
    """The overrides that make `recipe` edit what is sensitive and do nothing else.

    `action` with `parameters` holds for everything, `rules` for single kinds; with `kinds` only these (and those of
    `rules`) are looked for. Kinds are those of the detectors of sensitive data and of plug-ins, and the recipe's own
    entities. Raises `InvalidInput` for an action that does not edit and for kinds that do not exist.
    """
    general = None if action is None else _editing_rule(action, parameters)
    if action is None and parameters:
        raise InvalidInput("parameters belong to an action", path=("parameters",), code="conflict")
    settings = {} if recipe is None else {setting.detector: setting for setting in recipe.detectors}
    finders = _finders(detectors, settings)
    asked = {kind: rule for kind, rule in (rules or {}).items() if _owners(kind, finders, ("rules", kind))}
    if kinds is None:
        heard = (*finders, IMAGE)  # images are painted over as texts are edited
        quiet = {name: DetectorOverride(disabled=True) for name in detectors if name not in heard}
        named = {
            name: DetectorOverride(default=general, rules={kind: asked[kind] for kind in asked if kind in found})
            for name, found in finders.items()
            if name in settings or name in _ALWAYS
        }
        return Overrides({**quiet, **named})
    by_detector: dict[str, dict[str, Rule]] = {}
    for index, given in enumerate(kinds):
        kind = normalize_kind(given)
        for name in _owners(kind, finders, ("kinds", index)):
            by_detector.setdefault(name, {})[kind] = general or Rule(RuleAction.REPLACE)
    for kind, rule in asked.items():
        for name in _owners(kind, finders, ("rules", kind)):
            by_detector.setdefault(name, {})[kind] = rule
    return Overrides(
        {name: _alone(own, settings.get(name)) for name, own in by_detector.items()},
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


def _alone(rules: Mapping[str, Rule], setting: DetectorSetting | None) -> DetectorOverride:
    """These kinds and no others, with the recipe's options and threshold."""
    disabled = Rule(RuleAction.DISABLED)
    if setting is None:
        return DetectorOverride(default=disabled, rules=rules)
    return DetectorOverride(default=disabled, rules=rules, options=setting.options, threshold=setting.threshold)


def _finders(detectors: Mapping[str, Detector], settings: Mapping[str, DetectorSetting]) -> dict[str, Collection[str]]:
    """The detectors that may redact, and the kinds of each: those of sensitive data, and what plug-ins brought."""
    found: dict[str, Collection[str]] = {}
    for name, detector in detectors.items():
        if name == "custom_entity":
            found[name] = _entity_kinds(settings.get(name))
        elif name in SENSITIVE_DETECTORS or name not in ORDER:
            found[name] = detector.kinds
    return found


def _entity_kinds(setting: DetectorSetting | None) -> Collection[str]:
    """The kinds of the operator's own entities."""
    if setting is None:
        return ()
    try:
        return [entity.kind for entity in entities_of(setting)]
    except InvalidInput as error:  # the operator's mistake, never this caller's
        raise ConfigurationError(f"the recipe's entities cannot be read: {error}") from error


def _owners(kind: str, finders: Mapping[str, Collection[str]], path: Path) -> list[str]:
    """The detectors that find `kind`, at least one."""
    owners = [name for name, kinds in finders.items() if kind in kinds]
    if not owners:
        raise UnknownName(f"there is no kind {kind[:64]!r} of sensitive data", path=path)
    return owners
