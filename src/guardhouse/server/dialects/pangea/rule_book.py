"""Rules by the vendor's names: what each looks for, and the overrides that make a redaction of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from guardhouse.detectors.base import Detector
from guardhouse.engine.plan import SENSITIVE_DETECTORS
from guardhouse.matching.pack import load_pack
from guardhouse.model.conversation import Path
from guardhouse.model.recipe import DetectorOverride, Overrides, Rule, RuleAction
from guardhouse.server.dialects.pangea.redaction_methods import DEFAULT_RULES, RULE_SETS, RULES, read_method
from guardhouse.server.dialects.pangea.schema import Checker

CUSTOM = "custom_entity"
LEAST_CONFIDENCE = 0.5
"""Entities of configurations are defined against this threshold, whatever a policy says."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a rule looks for: one kind of one of our detectors."""

    detector: str
    kind: str


PROFANITY = Target(CUSTOM, "PROFANITY")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a Redact configuration says; this is that of a caller who names none.

    `targets` has the rules of its own by their ids, `entities` their definitions by kind. `enabled` are the rules that
    run where a call names none; `enforced` says that they always do.
    """

    targets: Mapping[str, tuple[Target, ...]] = field(default_factory=dict)
    entities: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rule_sets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    methods: Mapping[Target, Rule] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    enabled: tuple[str, ...] = DEFAULT_RULES
    enforced: bool = False
    fpe_key_id: str | None = None
    salt_id: str | None = None


class RuleBook:
    """The rules that a call can name: the vendor's, our own kinds, and those of a configuration."""

    def __init__(self, detectors: Mapping[str, Detector], profile: Profile | None = None) -> None:
        self.profile = profile or Profile()
        self._owners = {
            kind: name for name in reversed(SENSITIVE_DETECTORS) if name in detectors for kind in detectors[name].kinds
        }

    def targets(self, name: str) -> tuple[Target, ...] | None:
        """What the rule looks for, None when there is no such rule. Kinds that no detector here finds are left out."""
        own = self.profile.targets.get(name)
        if own is not None:
            return own
        if name.upper() == PROFANITY.kind:
            return (PROFANITY,)
        kinds = RULES.get(name.upper()) or ((name,) if name in self._owners else None)
        if kinds is None:
            return None
        return tuple(Target(self._owners[kind], kind) for kind in kinds if kind in self._owners)

    def read(self, check: Checker, name: str, path: Path) -> tuple[Target, ...]:
        """The same; a name that is none is noted."""
        found = self.targets(name)
        if found is None:
            check.add("NotEnumMember", f"there is no rule {name[:64]!r}", path)
        return found or ()

    def read_set(self, check: Checker, name: str, path: Path) -> tuple[str, ...]:
        """The rules of a rule set; a name that is none is noted."""
        rules = self.profile.rule_sets.get(name, RULE_SETS.get(name.upper()))
        if rules is None:
            known = ", ".join((*RULE_SETS, *self.profile.rule_sets))
            check.add("NotEnumMember", f"not one of: {known[:200]}", path)
        return rules or ()

    def read_methods(self, check: Checker, table: Mapping[str, Any], path: Path) -> dict[Target, Rule]:
        """Methods by the names of rules."""
        methods: dict[Target, Rule] = {}
        for name, method in table.items():
            targets = self.read(check, name, (*path, name))
            methods |= dict.fromkeys(targets, read_method(check, method, (*path, name)))
        return methods

    def overrides(self, rules: Mapping[Target, Rule]) -> Overrides:
        """The overrides under which these are looked for and nothing else."""
        by_detector: dict[str, dict[str, Rule]] = {}
        for target, rule in rules.items():
            by_detector.setdefault(target.detector, {})[target.kind] = rule
        return Overrides({name: self._override(name, own) for name, own in by_detector.items()}, ignore_recipe=True)

    def definitions(self, kinds: Collection[str]) -> list[Mapping[str, Any]]:
        """The definitions of these custom entities."""
        own = self.profile.entities
        if PROFANITY.kind in kinds and PROFANITY.kind not in own:
            own = {**own, PROFANITY.kind: _profanity()}
        return [own[kind] for kind in kinds if kind in own]

    def _override(self, detector: str, rules: Mapping[str, Rule]) -> DetectorOverride:
        options: dict[str, Any] = {"entities": self.definitions(rules)} if detector == CUSTOM else {}
        threshold = LEAST_CONFIDENCE if detector == CUSTOM else None
        return DetectorOverride(default=Rule(RuleAction.DISABLED), rules=rules, threshold=threshold, options=options)


@cache
def _profanity() -> Mapping[str, Any]:
    """The profane words that the harmful-content detector knows, as an entity: a rule of Redact takes out the words,
    while that detector speaks of whole texts."""
    words = load_pack("guardhouse.detectors.content", "pack_profanity.toml")
    patterns = [{"pattern": word.regex, "confidence": word.data["confidence"]} for word in words]
    return {"name": PROFANITY.kind, "patterns": patterns, "ignore_case": True, "whole": True}
