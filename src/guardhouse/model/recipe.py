"""Recipes: which detectors run, in which order, and what is done about what they find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class RuleAction(StrEnum):
    """What is done about a finding."""

    REPORT = "report"
    BLOCK = "block"
    DEFANG = "defang"
    MASK = "mask"
    PARTIAL_MASK = "partial_mask"
    REPLACE = "replace"
    HASH = "hash"
    FPE = "fpe"
    SURROGATE = "surrogate"
    DISABLED = "disabled"


REDACTING = frozenset(
    {
        RuleAction.DEFANG,
        RuleAction.MASK,
        RuleAction.PARTIAL_MASK,
        RuleAction.REPLACE,
        RuleAction.HASH,
        RuleAction.FPE,
        RuleAction.SURROGATE,
    }
)
"""The actions that edit the text."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is done about one kind. `parameters` belong to the redaction operator (see `redaction/`)."""

    action: RuleAction
    parameters: Mapping[str, Any] = field(default_factory=dict)
    block: bool = False
    """Block as well as edit."""


@dataclass(frozen=True, slots=True)
class DetectorSetting:
    """One step of a recipe.

    `rules` gives kinds (`UPPER_SNAKE`) their own rule; `default` serves the kinds it does not name.
    `threshold` is the least confidence that counts; None leaves it to the policy. `options` are the detector's own
    (languages, topics, names, patterns, ...); each detector documents and validates them.
    A `required` detector that fails makes the fail mode decide.
    """

    detector: str
    default: Rule
    rules: Mapping[str, Rule] = field(default_factory=dict)
    threshold: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    required: bool = True

    def rule_for(self, kind: str) -> Rule:
        """The rule that applies to findings of `kind`."""
        return self.rules.get(kind, self.default)

    def enabled(self, kinds: frozenset[str]) -> frozenset[str]:
        """Those of `kinds` that are looked for: all but those whose rule is disabled."""
        disabled = {kind for kind, rule in self.rules.items() if rule.action is RuleAction.DISABLED}
        if self.default.action is RuleAction.DISABLED:
            return kinds & (self.rules.keys() - disabled)
        return kinds - disabled if disabled else kinds


@dataclass(frozen=True, slots=True)
class Recipe:
    """A named, ordered list of detector settings. With `stop_on_block`, what follows a block is not executed."""

    name: str
    title: str
    description: str
    detectors: tuple[DetectorSetting, ...]
    stop_on_block: bool = True


@dataclass(frozen=True, slots=True)
class DetectorOverride:
    """A request's change to one detector; None and absent members leave the recipe's value."""

    disabled: bool | None = None
    default: Rule | None = None
    rules: Mapping[str, Rule] = field(default_factory=dict)
    threshold: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Overrides:
    """A request's changes to its recipe. With `ignore_recipe` only the detectors named here run."""

    detectors: Mapping[str, DetectorOverride] = field(default_factory=dict)
    ignore_recipe: bool = False
