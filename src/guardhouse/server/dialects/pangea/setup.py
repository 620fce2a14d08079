"""Under what a call is judged: the recipe of its configuration, its own changes, and the access rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from guardhouse.model.policy import Sensitivity
from guardhouse.model.recipe import DetectorOverride, Overrides, Recipe
from guardhouse.server.dialects.pangea import names
from guardhouse.server.dialects.pangea.access_rules import Access, judge_access
from guardhouse.server.dialects.pangea.guard_config import ConfiguredRecipe
from guardhouse.server.dialects.pangea.overrides import RequestChanges
from guardhouse.server.dialects.pangea.rule_book import CUSTOM, LEAST_CONFIDENCE, RuleBook
from guardhouse.server.dialects.pangea.schema import Checker
from guardhouse.server.dialects.pangea.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Setup:
    """`recipe` is None where one of this server's own counts, by its name or by policy."""

    recipe: Recipe | None = None
    changes: RequestChanges = RequestChanges()
    access: Access = Access()


def set_up(
    check: Checker,
    body: Mapping[str, Any],
    shelf: Shelf,
    changes: RequestChanges,
    *,
    default: str,
    attributes: Callable[[], Mapping[str, Any]],
) -> Setup:
    """The set-up of a call of AI Guard. `default` is the vendor's name of the recipe where the call names none;
    `attributes` are asked for where there are access rules."""
    profile = shelf.ai_guard(check, check.string(body, "config_id", ()))
    if profile is None:
        return Setup(changes=changes)
    key = body.get("recipe", default)
    ours = shelf.recipes.get(names.our_recipe(key)) if isinstance(key, str) else None
    configured = profile.recipe(key, ours) if isinstance(key, str) else None
    changes = replace(changes, overrides=_with_entities(changes.overrides, profile.book, configured))
    if configured is None:
        return Setup(changes=changes)
    access = judge_access(configured.access_rules, attributes() if configured.access_rules else {})
    return Setup(configured.recipe, _merged(changes, configured), access)


def _merged(changes: RequestChanges, configured: ConfiguredRecipe) -> RequestChanges:
    """The call's changes on top of what the recipe says of itself."""
    if changes.overrides is not None and changes.overrides.ignore_recipe:
        return changes
    by_category = {**configured.sensitivity.by_category, **changes.sensitivity.by_category}
    return RequestChanges(
        changes.overrides,
        Sensitivity(changes.sensitivity.default, by_category),
        configured.named | changes.named,
        (configured.as_topics | changes.as_topics) - changes.named,
    )


def _with_entities(
    overrides: Overrides | None, book: RuleBook, configured: ConfiguredRecipe | None
) -> Overrides | None:
    """The overrides with the custom rules that they name by id under their kinds, and what defines these."""
    given = overrides.detectors.get(CUSTOM) if overrides is not None else None
    if overrides is None or given is None or not given.rules:
        return overrides
    rules = {
        target.kind: rule
        for name, rule in given.rules.items()
        for target in book.profile.targets.get(name, ())
        if target.detector == CUSTOM
    }
    own = next((item for item in configured.recipe.detectors if item.detector == CUSTOM), None) if configured else None
    kept = () if own is None or overrides.ignore_recipe else own.rules
    entities = book.definitions([*rules, *(kind for kind in kept if kind not in rules)])
    changed = DetectorOverride(
        given.disabled, given.default, {**given.rules, **rules}, LEAST_CONFIDENCE, {"entities": entities}
    )
    return replace(overrides, detectors={**overrides.detectors, CUSTOM: changed})
