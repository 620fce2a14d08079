"""Access rules of a recipe: conditions on who asks what model for what, judged before anything is looked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guardhouse.model.conversation import Path
from guardhouse.server.dialects.pangea.json_logic import LogicError, LogicTooCostly, check_logic, evaluate, is_truthy
from guardhouse.server.dialects.pangea.schema import Checker

MOST_RULES = 100
_KEY = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9/|_]{0,127}")
_MEMBERS = ("rule_key", "name", "state", "logic")


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One rule; `blocks` says what a match means, else it is only reported."""

    key: str
    name: str
    blocks: bool
    logic: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccessOutcome:
    """What one rule came to for one request."""

    rule: AccessRule
    matched: bool


@dataclass(frozen=True, slots=True)
class Access:
    """What all rules came to, and the attributes that they saw. A rule behind one that blocks was not judged."""

    outcomes: tuple[AccessOutcome, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def denied(self) -> str:
        """Why the request is refused, in words; empty when it is not."""
        blocking = next((one.rule for one in self.outcomes if one.matched and one.rule.blocks), None)
        return "" if blocking is None else f"the access rule {blocking.key} refuses it"

    def summary(self, *, blocked: bool) -> str:
        """The sentence that stands before those of the detectors; empty without rules."""
        if not self.outcomes:
            return ""
        if not any(one.matched for one in self.outcomes):
            return "Access Rules were not matched. "
        return f"Access Rules were matched and {'blocked' if self.denied and blocked else 'reported'}. "

    def rendered(self, *, blocked: bool, debug: bool) -> dict[str, Any]:
        """The result's `access_rules`. A block that the policy only watches for is a report."""
        told: dict[str, Any] = {}
        # Without what the caller may fill at will: it would come back once for every rule.
        shown = {name: value for name, value in self.attributes.items() if name != "extra_info"}
        for outcome in self.outcomes:
            action = "allowed"
            if outcome.matched:
                action = "blocked" if outcome.rule.blocks and blocked else "reported"
            entry: dict[str, Any] = {"matched": outcome.matched, "action": action, "name": outcome.rule.name}
            if debug:
                entry |= {"logic": outcome.rule.logic, "attributes": shown}
            told[outcome.rule.key] = entry
        return told


def read_access_rules(check: Checker, recipe: Mapping[str, Any], path: Path) -> tuple[AccessRule, ...]:
    """The recipe's `access_rules`; mistakes go to `check`."""
    rules: list[AccessRule] = []
    for index, item in enumerate(check.array(recipe, "access_rules", path, MOST_RULES)):
        where: Path = (*path, "access_rules", index)
        table = check.table(item, where, _MEMBERS)
        if isinstance(item, Mapping):
            check.required(table, _MEMBERS, where)
        key = check.string(table, "rule_key", where) or ""
        if "rule_key" in table and not _KEY.fullmatch(key):
            check.add("DoesNotMatchPattern", "must be letters, digits, _, / and |, up to 128", (*where, "rule_key"))
        if any(rule.key == key for rule in rules):
            check.add("ItemNotUnique", "another rule has this key", (*where, "rule_key"))
        logic = check.table(table.get("logic", {}), (*where, "logic"))
        try:
            check_logic(logic)
        except LogicError as error:
            check.add("NotEnumMember", error.detail, (*where, "logic", *error.path))
        state = check.choice(table, "state", where, ("block", "report"))
        rules.append(AccessRule(key, check.string(table, "name", where) or "", state == "block", logic))
    return tuple(rules)


def judge_access(rules: Sequence[AccessRule], attributes: Mapping[str, Any]) -> Access:
    """What the rules come to, in their order, up to the first that blocks. A rule that costs too much matches: what
    could not be judged is not let through."""
    outcomes: list[AccessOutcome] = []
    for rule in rules:
        try:
            matched = is_truthy(evaluate(rule.logic, attributes))
        except LogicTooCostly:
            matched = True
        outcomes.append(AccessOutcome(rule, matched))
        if matched and rule.blocks:
            break
    return Access(tuple(outcomes), attributes)


def attributes_of(body: Mapping[str, Any], *, input_tokens: int, output_tokens: int) -> dict[str, Any]:
    """The attributes of a call: by group, and as the call spells them. Token counts are the caller's, else ours."""
    extra = body.get("extra_info")
    extra = extra if isinstance(extra, Mapping) else {}
    fields = body.get("log_fields")
    fields = fields if isinstance(fields, Mapping) else {}
    actor = body.get("actor_id", body.get("user_id"))
    attributes: dict[str, Any] = {
        "user": {
            "id": actor,
            "name": extra.get("actor_name", extra.get("user_name")),
            "group": extra.get("actor_group"),
            "source_ip": body.get("source_ip", fields.get("source")),
            "source_location": body.get("source_location"),
            "source_region": extra.get("source_region"),
        },
        "model": {
            "provider": body.get("llm_provider"),
            "name": body.get("model", fields.get("model")),
            "version": body.get("model_version"),
            "request_token_count": body.get("request_token_count", input_tokens),
            "response_token_count": body.get("response_token_count", output_tokens),
        },
        "app": {
            "id": body.get("app_id"),
            "name": extra.get("app_name"),
            "group": extra.get("app_group"),
            "version": extra.get("app_version"),
        },
        "tenant": {"id": body.get("tenant_id"), "sub_tenant": extra.get("sub_tenant")},
        "event": {"type": body.get("event_type", "input")},
        "collector": {"instance_id": body.get("collector_instance_id")},
    }
    groups = {
        group: {name: value for name, value in members.items() if value is not None}
        for group, members in attributes.items()
    }
    return {**{name: members for name, members in groups.items() if members}, "extra_info": dict(extra)}
