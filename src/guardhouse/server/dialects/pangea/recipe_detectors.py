"""The detectors of a configuration's recipe as settings of ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guardhouse.engine.plan import ORDER
from guardhouse.model.conversation import Path
from guardhouse.model.recipe import DetectorSetting, Rule, RuleAction
from guardhouse.server.dialects.pangea.names import GUARD
from guardhouse.server.dialects.pangea.overrides import READERS, OverridesReader, told_as_topics
from guardhouse.server.dialects.pangea.redaction_methods import read_method, with_keys
from guardhouse.server.dialects.pangea.rule_book import CUSTOM, LEAST_CONFIDENCE, RuleBook
from guardhouse.server.dialects.pangea.schema import Checker
from guardhouse.server.dialects.pangea.topics import TOPICS

_MOST_DETECTORS = 50
_MOST_RULES = 500
_SPELLINGS = {GUARD.name_of(name): name for name in READERS if name not in GUARD.folded} | {
    name: name for name in READERS
}
_ENTITIES = frozenset({"pii_entity", "secrets_detection", "custom_entity"})
_LINKS = {"IP_ADDRESS", "URL", "DOMAIN"}
_RULE = ("redact_rule_id", "redaction", "block", "disabled", "reputation_check", "transform_if_malicious")
_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "prompt_injection": ("action",),
    "gibberish": ("action",),
    "roleplay": ("action",),
    "competitors": ("action", "competitors"),
    "selfharm": ("action", "threshold"),
    "sentiment": ("action", "threshold"),
    "code_detection": ("action", "threshold"),
    "language_detection": ("action", "threshold", "languages"),
    "topic": ("action", "threshold", "topics"),
    "image": ("action", "threshold", "topics"),
}
"""What is set beside `rules` where a detector has one action for all that it finds."""


class RecipeReader:
    """Reads the list `detectors` of one recipe; mistakes go to `check`."""

    def __init__(self, check: Checker, book: RuleBook, *, tweak: str | None) -> None:
        self._check = check
        self._book = book
        self._tweak = tweak
        self._reader = OverridesReader(check, ignore_recipe=True)
        self.named: frozenset[str] = frozenset()
        """The detectors that are on, as `/v1/text/guard` names them."""

    @property
    def by_category(self) -> Mapping[str, float]:
        """Thresholds of single kinds."""
        return self._reader.by_category

    @property
    def as_topics(self) -> frozenset[str]:
        """See `RequestChanges`."""
        return told_as_topics(self.named, ignore_recipe=True)

    def settings(self, recipe: Mapping[str, Any], path: Path) -> tuple[DetectorSetting, ...]:
        """The settings in the order in which they run."""
        check = self._check
        for index, item in enumerate(check.array(recipe, "detectors", path, _MOST_DETECTORS)):
            where: Path = (*path, "detectors", index)
            table = check.table(item, where, ("detector_name", "state", "settings"))
            if isinstance(item, Mapping):
                check.required(table, ("detector_name", "state", "settings"), where)
            spelled = check.string(table, "detector_name", where)
            state = check.choice(table, "state", where, ("enabled", "disabled"))
            settings = check.table(table.get("settings", {}), (*where, "settings"))
            if spelled is None or state != "enabled":
                continue  # what is switched off need not be known here
            name = _SPELLINGS.get(spelled)
            if name is None:
                known = ", ".join(sorted(_SPELLINGS))
                check.add(
                    "NotEnumMember",
                    f"there is no detector {spelled[:40]!r}; there are {known}",
                    (*where, "detector_name"),
                )
            elif name in self.named:
                check.add("ItemNotUnique", "this detector is set already", (*where, "detector_name"))
            else:
                self.named |= {name}
                self._read(name, settings, (*where, "settings"))
        drafts = self._reader.drafts
        if CUSTOM in drafts:
            drafts[CUSTOM].threshold = LEAST_CONFIDENCE
            drafts[CUSTOM].options["entities"] = self._book.definitions(list(drafts[CUSTOM].rules))
        order = {name: rank for rank, name in enumerate(ORDER)}
        names = sorted(drafts, key=lambda name: order.get(name, len(order)))
        return tuple(drafts[name].as_setting(name) for name in names if not drafts[name].disabled)

    def _read(self, name: str, settings: Mapping[str, Any], path: Path) -> None:
        rules = self._check.array(settings, "rules", path, _MOST_RULES)
        if name in _ENTITIES or name == "malicious_entity":
            self._check.table(settings, path, ("rules",))
            if name != CUSTOM:  # whose entities are all the operator's own
                draft = self._reader.draft(_OURS[name])
                # Without rules everything is reported, with rules only what they name is looked for.
                draft.default = Rule(RuleAction.DISABLED) if rules else None
            for index, item in enumerate(rules):
                where: Path = (*path, "rules", index)
                (self._link if name == "malicious_entity" else self._entity)(item, where)
            return
        own = _SETTINGS[name]
        self._check.table(settings, path, (*own, "rules"))
        given = {member: settings[member] for member in own if member in settings}
        if rules:
            given |= self._single(name, rules, path)
        names = self._check.strings(given, "competitors", path) or ()
        given.pop("competitors", None)
        READERS[name](self._reader, given, path)
        if name == "competitors" and not names:
            self._check.add("FieldRequired", "the names of the competitors are required", (*path, "competitors"))
        elif name == "competitors":
            self._reader.draft(name).options["names"] = list(names)
        elif name == "image" and name not in self._reader.drafts:
            self._check.add("NotEnumMember", "images are not read here", path)

    def _rule(self, item: Any, path: Path) -> tuple[Mapping[str, Any], str, Rule]:
        """The rule's table, its id and what it does."""
        check = self._check
        table = check.table(item, path, _RULE)
        if isinstance(item, Mapping):
            check.required(table, ("redact_rule_id", "redaction"), path)
        name = check.string(table, "redact_rule_id", path) or ""
        rule = Rule(RuleAction.REPORT)
        if "redaction" in table:
            rule = read_method(check, table["redaction"], (*path, "redaction"))
        if rule.action is RuleAction.FPE and self._tweak is not None and "tweak" not in rule.parameters:
            rule = replace(rule, parameters={**rule.parameters, "tweak": self._tweak})
        rule = with_keys(rule, fpe_key_id=self._book.profile.fpe_key_id, salt_id=self._book.profile.salt_id)
        if check.boolean(table, "block", path):
            rule = Rule(RuleAction.BLOCK) if rule.action is RuleAction.REPORT else replace(rule, block=True)
        if check.boolean(table, "disabled", path):
            rule = Rule(RuleAction.DISABLED)
        for member in ("reputation_check", "transform_if_malicious"):
            check.boolean(table, member, path)
        return table, name, rule

    def _entity(self, item: Any, path: Path) -> None:
        table, name, rule = self._rule(item, path)
        for member in ("reputation_check", "transform_if_malicious"):
            if table.get(member) is True:
                self._check.add("InvalidConst", "is for the detector malicious_entity", (*path, member))
        for target in self._book.read(self._check, name, (*path, "redact_rule_id")) if name else ():
            self._reader.draft(target.detector).rules[target.kind] = rule

    def _link(self, item: Any, path: Path) -> None:
        table, name, rule = self._rule(item, path)
        if name and name.upper() not in _LINKS:
            self._check.add("NotEnumMember", f"not one of: {', '.join(sorted(_LINKS))}", (*path, "redact_rule_id"))
            return
        if table.get("reputation_check") is False:
            rule = Rule(RuleAction.DISABLED)
        elif table.get("transform_if_malicious") is True and rule.action in (RuleAction.REPORT, RuleAction.BLOCK):
            rule = Rule(RuleAction.DEFANG, block=rule.action is RuleAction.BLOCK)
        self._reader.draft("malicious_entity").rules[name.upper()] = rule

    def _single(self, name: str, rules: list[Any], path: Path) -> dict[str, Any]:
        """The rules of a detector with one action, as that: the strongest of those that are not switched off."""
        actions: set[str] = set()
        topics: list[str] = []
        for index, item in enumerate(rules):
            where: Path = (*path, "rules", index)
            _, rule_id, rule = self._rule(item, where)
            if rule.action is RuleAction.DISABLED:
                continue
            if rule.action not in (RuleAction.REPORT, RuleAction.BLOCK) or rule.block:
                detail = "this detector cannot edit; its redaction is detect_only"
                self._check.add("InvalidConst", detail, (*where, "redaction", "redaction_type"))
            actions.add("block" if rule.action is RuleAction.BLOCK else "report")
            if rule_id in TOPICS:
                topics.append(rule_id)
        if not actions:
            return {"disabled": True}
        if len(actions) > 1:
            detail = "one action for all rules of this detector: block all of them or none"
            self._check.add("InvalidConst", detail, (*path, "rules"))
        given: dict[str, Any] = {"action": "block" if "block" in actions else "report"}
        return given | ({"topics": topics} if name == "topic" and topics else {})


_OURS = {"pii_entity": "pii", "secrets_detection": "secrets", "malicious_entity": "malicious_entity"}
