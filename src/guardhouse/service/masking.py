"""Looks for what is sensitive where an evaluation did not: stored texts are masked whatever the recipe looked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from guardhouse.engine.guard import Guard
from guardhouse.engine.plan import SENSITIVE_DETECTORS
from guardhouse.model.evaluation import Evaluation, Outcome
from guardhouse.model.policy import EffectivePolicy, PolicySnapshot, Sensitivity
from guardhouse.model.recipe import DetectorOverride, Overrides, Recipe, Rule, RuleAction
from guardhouse.model.request import EvaluationRequest

ALWAYS = ("pii", "secrets")
"""Looked for before a text is stored, also when no recipe names them."""
_DONE = (Outcome.DETECTED, Outcome.NOT_DETECTED)


def sensitive_reading(
    guard: Guard, request: EvaluationRequest, evaluation: Evaluation, snapshot: PolicySnapshot, policy: EffectivePolicy
) -> Evaluation | None:
    """A second evaluation with the sensitive detectors that the first did not run; None when it ran them all.

    They did not run when something before them blocked, when the recipe lacks them, or when they failed.
    """
    recipe = request.inline_recipe or snapshot.recipes[evaluation.recipe]
    missing = _unread(evaluation, recipe, guard.detectors)
    if not missing:
        return None
    detectors = {name: _as_override(name, recipe, request.overrides) for name in missing}
    asked = replace(
        request,
        recipe=evaluation.recipe,
        overrides=Overrides(detectors, ignore_recipe=True),
        sensitivity=Sensitivity(),
        sensitive_data=None,
        denied="",
    )
    # The caller waits for both: together they have the time of one.
    return guard.judge(asked, snapshot, policy=policy, used_s=evaluation.timings_ms.get("total", 0.0) / 1000)


def is_whole(reading: Evaluation) -> bool:
    """True when every detector of a sensitive reading did its work."""
    return all(report.outcome in _DONE for report in reading.reports if report.detector in SENSITIVE_DETECTORS)


def _unread(evaluation: Evaluation, recipe: Recipe, known: Collection[str]) -> list[str]:
    done = {report.detector for report in evaluation.reports if report.outcome in _DONE}
    named = {setting.detector for setting in recipe.detectors} | {report.detector for report in evaluation.reports}
    wanted = [name for name in SENSITIVE_DETECTORS if name in ALWAYS or name in named]
    return [name for name in wanted if name in known and name not in done]


def _as_override(name: str, recipe: Recipe, given: Overrides | None) -> DetectorOverride:
    """The detector as recipe and request describe it, but only reporting."""
    setting = next((item for item in recipe.detectors if item.detector == name), None)
    override = given.detectors.get(name) if given is not None else None
    options: Mapping[str, object] = {
        **(setting.options if setting is not None else {}),
        **(override.options if override is not None else {}),
    }
    threshold = setting.threshold if setting is not None else None
    return DetectorOverride(default=Rule(RuleAction.REPORT), threshold=threshold, options=options)
