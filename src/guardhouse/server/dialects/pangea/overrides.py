"""The request's `overrides`, a closed object in the vendor's words, as changes to one of our recipes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guardhouse.model.conversation import Path
from guardhouse.model.policy import Sensitivity
from guardhouse.model.recipe import DetectorOverride, DetectorSetting, Overrides, Rule, RuleAction
from guardhouse.server.dialects.pangea.kinds import PII_RULES, SECRET_RULES
from guardhouse.server.dialects.pangea.names import ENTITY_ACTIONS, LINK_ACTIONS, Vocabulary
from guardhouse.server.dialects.pangea.schema import Checker
from guardhouse.server.dialects.pangea.topics import TOPICS, Place

_REPORT_OR_BLOCK: Mapping[str, RuleAction] = {"report": RuleAction.REPORT, "block": RuleAction.BLOCK}
_MOST_ITEMS = 1000


@dataclass(frozen=True, slots=True)
class RequestChanges:
    """What the overrides come to. Thresholds of single kinds are sensitivities of the request."""

    overrides: Overrides | None = None
    sensitivity: Sensitivity = Sensitivity()
    named: frozenset[str] = frozenset()
    """The detectors that were named, as `/v1/text/guard` names them."""
    as_topics: frozenset[str] = frozenset()
    """Detectors of `/v1/text/guard` that run only because topics were asked for, and are told as topics."""


@dataclass(slots=True)
class Draft:
    """The change to one detector of ours while it is put together from several of the vendor's."""

    disabled: bool | None = None
    default: Rule | None = None
    rules: dict[str, Rule] = field(default_factory=dict)
    threshold: float | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def finished(self) -> DetectorOverride:
        return DetectorOverride(self.disabled, self.default, self.rules, self.threshold, self.options)

    def as_setting(self, detector: str) -> DetectorSetting:
        """The same as a setting of its own; where only some kinds are named, only these are looked for."""
        default = self.default or Rule(RuleAction.DISABLED if self.rules else RuleAction.REPORT)
        return DetectorSetting(detector, default, self.rules, self.threshold, self.options)


class OverridesReader:
    """Reads one `overrides` object."""

    def __init__(self, check: Checker, *, ignore_recipe: bool) -> None:
        self.check = check
        self.ignore_recipe = ignore_recipe
        self.drafts: dict[str, Draft] = {}
        self.by_category: dict[str, float] = {}

    def draft(self, detector: str) -> Draft:
        return self.drafts.setdefault(detector, Draft())

    # Each method below reads the settings of one or several of the vendor's detectors. A detector that is named is
    # thereby enabled, even when nothing is said of it.

    def prompt_injection(self, value: object, path: Path) -> None:
        self._whole(("prompt_attack", "tool_call"), value, path, ("disabled", "action"))

    def gibberish(self, value: object, path: Path) -> None:
        self._whole(("gibberish",), value, path, ("disabled", "action"))

    def competitors(self, value: object, path: Path) -> None:
        self._whole(("competitors",), value, path, ("disabled", "action"))

    def sentiment(self, value: object, path: Path) -> None:
        self._whole(("sentiment",), value, path, ("disabled", "action", "threshold"))

    def code(self, value: object, path: Path) -> None:
        self._whole(("code",), value, path, ("disabled", "action", "threshold"))

    def roleplay(self, value: object, path: Path) -> None:
        self._kinds(Place("prompt_attack", ("ROLE_PLAY",)), value, path, ("disabled", "action"))

    def selfharm(self, value: object, path: Path) -> None:
        self._kinds(Place("harmful_content", ("SELF_HARM",)), value, path, ("disabled", "action", "threshold"))

    def pii(self, value: object, path: Path) -> None:
        self._entities("pii", value, path, PII_RULES, ENTITY_ACTIONS)

    def secrets(self, value: object, path: Path) -> None:
        self._entities("secrets", value, path, SECRET_RULES, ENTITY_ACTIONS)

    def malicious_entity(self, value: object, path: Path) -> None:
        kinds = {"ip_address": ("IP_ADDRESS",), "url": ("URL",), "domain": ("DOMAIN",)}
        self._entities("malicious_entity", value, path, kinds, LINK_ACTIONS)

    def custom_entity(self, value: object, path: Path) -> None:
        table = self.check.table(value, path, ("disabled", "rules"))
        draft = self.draft("custom_entity")
        if self.check.boolean(table, "disabled", path):
            draft.disabled = True
        rules = table.get("rules", [])
        if not isinstance(rules, list):
            self.check.wrong_type("array", (*path, "rules"))
            return
        for index, item in enumerate(rules[:_MOST_ITEMS]):
            where = (*path, "rules", index)
            rule = self.check.table(item, where, ("name", "action"))
            if isinstance(item, Mapping) and "name" not in rule:
                self.check.add("FieldRequired", "name is required", (*where, "name"))
            name = self.check.string(rule, "name", where)
            action = self.check.choice(rule, "action", where, list(ENTITY_ACTIONS)) or "report"
            if name is not None:
                draft.rules[name] = Rule(ENTITY_ACTIONS[action])

    def language(self, value: object, path: Path) -> None:
        table = self.check.table(value, path, ("disabled", "action", "languages", "threshold"))
        draft = self.draft("language")
        self._disabled_and_threshold(draft, table, path)
        action = self.check.choice(table, "action", path, ("", "report", "allow", "block"))
        languages = self.check.strings(table, "languages", path)
        if languages is not None:
            draft.options["languages"] = [name.lower() for name in languages]
        if action in ("allow", "block"):
            draft.default = Rule(RuleAction.BLOCK)
            draft.options["mode"] = "allow" if action == "allow" else "deny"
        elif action == "report":
            draft.default = Rule(RuleAction.REPORT)

    def topic(self, value: object, path: Path) -> None:
        table = self.check.table(value, path, ("disabled", "action", "topics", "threshold"))
        topics = self.check.strings(table, "topics", path)
        action = self.check.choice(table, "action", path, ("", "report", "block"))
        threshold = self.check.unit_number(table, "threshold", path)
        disabled = self.check.boolean(table, "disabled", path)
        for index, name in enumerate(topics or ()):
            if name not in TOPICS:
                self.check.add("NotEnumMember", f"not one of: {', '.join(TOPICS)}", (*path, "topics", index))
        # No topics named means all of them.
        chosen = [TOPICS[name] for name in topics or TOPICS if name in TOPICS]
        for place in chosen:
            self._place(place, _rule(disabled, action), threshold)

    def image(self, value: object, path: Path) -> None:
        table = self.check.table(value, path, ("disabled", "action", "topics", "threshold"))
        self.check.strings(table, "topics", path)
        self.check.unit_number(table, "threshold", path)
        self.check.choice(table, "action", path, ("", "report", "block"))
        # What an image says is judged by the detectors of texts, under their own actions: here it can be left unread.
        if self.check.boolean(table, "disabled", path):
            self.draft("image").disabled = True

    # --- shared forms ------------------------------------------------------------------------------------------------

    def _whole(self, detectors: Sequence[str], value: object, path: Path, members: Sequence[str]) -> None:
        """Settings that speak of whole detectors of ours."""
        table = self.check.table(value, path, members)
        action = self.check.choice(table, "action", path, tuple(_REPORT_OR_BLOCK))
        for detector in detectors:
            draft = self.draft(detector)
            if action is not None:
                draft.default = Rule(_REPORT_OR_BLOCK[action])
        for detector in detectors[:1]:
            self._disabled_and_threshold(self.draft(detector), table, path)
        for detector in detectors[1:]:
            self.draft(detector).disabled = self.draft(detectors[0]).disabled

    def _kinds(self, place: Place, value: object, path: Path, members: Sequence[str]) -> None:
        """Settings that speak of single kinds of one detector of ours."""
        table = self.check.table(value, path, members)
        action = self.check.choice(table, "action", path, tuple(_REPORT_OR_BLOCK))
        threshold = self.check.unit_number(table, "threshold", path)
        disabled = self.check.boolean(table, "disabled", path)
        self._place(place, _rule(disabled, action), threshold)

    def _place(self, place: Place, rule: Rule | None, threshold: float | None) -> None:
        """Changes the detector at `place`, or only its kinds there. Without a rule the recipe's is kept; the empty
        recipe has none, so there it is a report."""
        if rule is None and self.ignore_recipe:
            rule = Rule(RuleAction.REPORT)
        draft = self.draft(place.detector)
        if not place.kinds:
            if rule is not None and rule.action is RuleAction.DISABLED:
                draft.disabled = True
            elif rule is not None:
                draft.default = rule
            if threshold is not None:
                draft.threshold = threshold
            return
        for kind in place.kinds:
            if rule is not None:
                draft.rules[kind] = rule
            if threshold is not None:
                self.by_category[kind] = threshold

    def _entities(
        self,
        detector: str,
        value: object,
        path: Path,
        rules: Mapping[str, Sequence[str]],
        actions: Mapping[str, RuleAction],
    ) -> None:
        """Settings with one action per rule. A rule of the vendor's that we have no kind for changes nothing."""
        table = self.check.table(value, path, ("disabled", *rules))
        draft = self.draft(detector)
        if self.check.boolean(table, "disabled", path):
            draft.disabled = True
        for name in table:
            if name not in rules:
                continue
            action = self.check.choice(table, name, path, tuple(actions))
            for kind in rules[name] if action is not None else ():
                draft.rules[kind] = Rule(actions[action or "report"])

    def _disabled_and_threshold(self, draft: Draft, table: Mapping[str, Any], path: Path) -> None:
        if self.check.boolean(table, "disabled", path):
            draft.disabled = True
        if "threshold" in table:
            draft.threshold = self.check.unit_number(table, "threshold", path)


def _rule(disabled: bool | None, action: str | None) -> Rule | None:
    if disabled:
        return Rule(RuleAction.DISABLED)
    return Rule(_REPORT_OR_BLOCK[action]) if action else None


READERS: Mapping[str, Callable[[OverridesReader, object, Path], None]] = {
    "prompt_injection": OverridesReader.prompt_injection,
    "pii_entity": OverridesReader.pii,
    "secrets_detection": OverridesReader.secrets,
    "custom_entity": OverridesReader.custom_entity,
    "malicious_entity": OverridesReader.malicious_entity,
    "language_detection": OverridesReader.language,
    "code_detection": OverridesReader.code,
    "topic": OverridesReader.topic,
    "competitors": OverridesReader.competitors,
    "gibberish": OverridesReader.gibberish,
    "sentiment": OverridesReader.sentiment,
    "selfharm": OverridesReader.selfharm,
    "roleplay": OverridesReader.roleplay,
    "image": OverridesReader.image,
}
"""By the names of `/v1/text/guard`, in the vendor's order of execution; detectors a recipe lacks are added in it."""
_RETIRED = frozenset({"selfharm", "gibberish", "roleplay", "sentiment"})
"""Only `/v1/text/guard` still takes these."""


def read_overrides(check: Checker, body: Mapping[str, Any], vocabulary: Vocabulary) -> RequestChanges:
    """The changes that the body's `overrides` ask for; mistakes go to `check`."""
    if "overrides" not in body:
        return RequestChanges()
    path = ("overrides",)
    spelled = {name: vocabulary.name_of(name) for name in READERS if not (vocabulary.folded and name in _RETIRED)}
    table = check.table(body["overrides"], path, ("ignore_recipe", *spelled.values()))
    ignore_recipe = bool(check.boolean(table, "ignore_recipe", path))
    reader = OverridesReader(check, ignore_recipe=ignore_recipe)
    named = [name for name, spelling in spelled.items() if spelling in table]
    for name in named:
        READERS[name](reader, table[spelled[name]], (*path, spelled[name]))
    return RequestChanges(
        Overrides({name: draft.finished() for name, draft in reader.drafts.items()}, ignore_recipe),
        Sensitivity(by_category=reader.by_category),
        frozenset(named),
        told_as_topics(named, ignore_recipe=ignore_recipe),
    )


def told_as_topics(named: Collection[str], *, ignore_recipe: bool) -> frozenset[str]:
    """Detectors that run only because topics were named, as in `RequestChanges.as_topics`."""
    if "topic" not in named:
        return frozenset()
    told = {"selfharm", "gibberish", "sentiment", "profanity_and_toxicity"} - set(named)
    if ignore_recipe and not {"prompt_injection", "roleplay"} & set(named):
        told.add("prompt_injection")
    return frozenset(told)
