"""From recipe and overrides to ordered steps, and all that they need to know."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from guardhouse.detectors.base import Detector
from guardhouse.errors import InvalidInput, UnknownName
from guardhouse.matching.pattern import Pattern
from guardhouse.model.policy import SensitiveData
from guardhouse.model.recipe import (
    REDACTING,
    DetectorOverride,
    DetectorSetting,
    Overrides,
    Recipe,
    Rule,
    RuleAction,
)
from guardhouse.redaction.base import Operator

IMAGE = "image"
"""The detector that says what became of images. It needs no place in a recipe: they are read unless it is disabled."""

SENSITIVE_DETECTORS = ("pii", "secrets", "custom_entity")
"""The detectors that the `sensitive_data` setting speaks of."""

ORDER = (
    "image",
    "prompt_attack",
    "tool_call",
    "pii",
    "secrets",
    "custom_entity",
    "malicious_entity",
    "language",
    "code",
    "topic",
    "competitors",
    "harmful_content",
    "sentiment",
    "gibberish",
)
"""Where a detector that a request adds has its place among those of the recipe: what blocks most comes first."""


@dataclass(frozen=True, slots=True)
class Step:
    """One detector with the setting it runs under."""

    detector: Detector
    setting: DetectorSetting


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps in order, and the union of what they read.

    `own_patterns` are those beyond the ones that every plan shares: what an operator or a request brings.
    `image_step` is run first where there are images; it is None where they are not to be read, and where the recipe
    names the step itself.
    """

    recipe: str
    steps: tuple[Step, ...]
    pattern_ids: frozenset[str]
    own_patterns: tuple[Pattern, ...]
    heads: frozenset[str]
    stop_on_block: bool
    image_step: Step | None = None

    @property
    def reads_images(self) -> bool:
        """True when images are to be read."""
        return self.image_step is not None or any(step.setting.detector == IMAGE for step in self.steps)

    def for_images(self) -> Plan:
        """The plan for a conversation with images."""
        return self if self.image_step is None else replace(self, steps=(self.image_step, *self.steps), image_step=None)


def build_plan(
    recipe: Recipe,
    overrides: Overrides | None,
    sensitive_data: SensitiveData | None,
    *,
    detectors: Mapping[str, Detector],
    operators: Mapping[RuleAction, Operator],
    shared: Mapping[str, Pattern],
) -> Plan:
    """The plan for one request. Linear in the recipe's size. `shared` are the patterns of every plan, by id.

    Raises `UnknownName` for detectors, kinds and options that do not exist, `InvalidInput` for values that make no
    sense and `InvalidPattern` for patterns that RE2 refuses, each with its path.
    """
    settings = _overridden(recipe, overrides or Overrides())
    settings = _with_sensitive_data(settings, sensitive_data)
    steps: list[Step] = []
    patterns: dict[str, Pattern] = {}
    heads: set[str] = set()
    for setting in settings:
        detector = detectors.get(setting.detector)
        if detector is None:
            raise UnknownName(f"there is no detector {setting.detector!r}", path=("detectors", setting.detector))
        try:
            checked = _checked(setting, detector, operators)
            needs = detector.needs(checked)
        except InvalidInput as error:
            error.path = ("detectors", setting.detector, *error.path)
            raise
        patterns.update((pattern.id, pattern) for pattern in needs.patterns)
        heads |= needs.heads
        if setting.detector != IMAGE or _looks_for_something(checked):
            steps.append(Step(detector, checked))
    own = tuple(pattern for pattern in patterns.values() if shared.get(pattern.id) is not pattern)
    image = _image_step(settings, overrides or Overrides(), detectors)
    return Plan(recipe.name, tuple(steps), frozenset(patterns), own, frozenset(heads), recipe.stop_on_block, image)


def _looks_for_something(setting: DetectorSetting) -> bool:
    return any(rule.action is not RuleAction.DISABLED for rule in (setting.default, *setting.rules.values()))


def _image_step(
    settings: Sequence[DetectorSetting], overrides: Overrides, detectors: Mapping[str, Detector]
) -> Step | None:
    """The step that recipes need not name."""
    named = any(setting.detector == IMAGE for setting in settings)
    override = overrides.detectors.get(IMAGE)
    if IMAGE not in detectors or named or (override is not None and override.disabled):
        return None
    return Step(detectors[IMAGE], DetectorSetting(IMAGE, Rule(RuleAction.REPORT)))


def overrides_key(overrides: Overrides) -> Hashable | None:
    """What overrides that give the same plan have in common.

    None where they bring options or parameters: these may be long, and the caller may change them afterwards.
    """
    parts: list[Hashable] = [overrides.ignore_recipe]
    for name, override in overrides.detectors.items():
        rules = [("", override.default), *override.rules.items()]
        if override.options or any(rule is not None and rule.parameters for _, rule in rules):
            return None
        actions = tuple((kind, rule and (rule.action, rule.block)) for kind, rule in rules)
        parts.append((name, override.disabled, override.threshold, actions))
    return tuple(parts)


def _overridden(recipe: Recipe, overrides: Overrides) -> list[DetectorSetting]:
    """The recipe's settings with the request's changes; detectors it lacks are added where `ORDER` has their place."""
    start = () if overrides.ignore_recipe else recipe.detectors
    order = {setting.detector: setting for setting in start}
    result: list[DetectorSetting] = []
    for setting in order.values():
        override = overrides.detectors.get(setting.detector)
        if override is None:
            result.append(setting)
        elif not override.disabled:
            result.append(_changed(setting, override))
    for name, override in overrides.detectors.items():
        if name not in order and not override.disabled:
            # Where only some kinds are named, only these are looked for.
            default = Rule(RuleAction.DISABLED if override.rules and override.default is None else RuleAction.REPORT)
            added = _changed(DetectorSetting(name, default), override)
            result.insert(_place(name, result), added)
    return result


def _place(name: str, settings: Sequence[DetectorSetting]) -> int:
    """Before the first setting that `ORDER` has later; at the end for a detector that it does not name."""
    if name not in ORDER:
        return len(settings)
    later = ORDER[ORDER.index(name) + 1 :]
    return next((index for index, setting in enumerate(settings) if setting.detector in later), len(settings))


def _changed(setting: DetectorSetting, override: DetectorOverride) -> DetectorSetting:
    default, rules = setting.default, setting.rules
    if override.default is not None:
        # The new action holds wherever the recipe had one; what the recipe switched off stays off.
        if default.action is not RuleAction.DISABLED or not rules:
            default = override.default
        rules = {kind: rule if rule.action is RuleAction.DISABLED else override.default for kind, rule in rules.items()}
    return replace(
        setting,
        default=default,
        rules={**rules, **override.rules},
        threshold=setting.threshold if override.threshold is None else override.threshold,
        options={**setting.options, **override.options},
    )


def _with_sensitive_data(
    settings: list[DetectorSetting], sensitive_data: SensitiveData | None
) -> list[DetectorSetting]:
    """The settings under a policy's word on sensitive data: off, found only, or found and edited."""
    match sensitive_data:
        case None:
            return settings
        case SensitiveData.OFF:
            return [setting for setting in settings if setting.detector not in SENSITIVE_DETECTORS]
        case SensitiveData.SCAN:
            return [_mapped(setting, _reported) for setting in settings]
        case SensitiveData.REDACT:
            return [_mapped(setting, _replaced) for setting in settings]


def _mapped(setting: DetectorSetting, change: Callable[[Rule], Rule]) -> DetectorSetting:
    if setting.detector not in SENSITIVE_DETECTORS:
        return setting
    rules = {kind: change(rule) for kind, rule in setting.rules.items()}
    return replace(setting, default=change(setting.default), rules=rules)


def _reported(rule: Rule) -> Rule:
    return Rule(RuleAction.REPORT, block=rule.block) if rule.action in REDACTING else rule


def _replaced(rule: Rule) -> Rule:
    return Rule(RuleAction.REPLACE, block=rule.block) if rule.action is RuleAction.REPORT else rule


def _checked(setting: DetectorSetting, detector: Detector, operators: Mapping[RuleAction, Operator]) -> DetectorSetting:
    _known(setting.options, detector.option_names, "option", ("options",))
    if detector.kinds:
        _known(setting.rules, detector.kinds, "rule", ("rules",))
    return replace(
        setting,
        default=_served(setting.default, operators),
        rules={kind: _served(rule, operators) for kind, rule in setting.rules.items()},
    )


def _known(given: Collection[str], known: Collection[str], what: str, path: tuple[str | int, ...]) -> None:
    for name in given:
        if name not in known:
            raise UnknownName(f"there is no {what} {name!r}", path=(*path, name))


def _served(rule: Rule, operators: Mapping[RuleAction, Operator]) -> Rule:
    """The rule with its parameters checked; an edit that no operator serves becomes a replacement, never nothing."""
    if rule.action not in REDACTING:
        return rule
    operator = operators.get(rule.action)
    if operator is None:
        return Rule(RuleAction.REPLACE, block=rule.block)
    for name in rule.parameters:
        if name not in operator.parameter_names:
            raise InvalidInput(
                f"{rule.action.value} has no parameter {name!r}", path=("parameters", name), code="unknown_member"
            )
    operator.check(rule.parameters)
    return rule
