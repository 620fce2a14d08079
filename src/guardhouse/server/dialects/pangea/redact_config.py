"""A Redact configuration: rules of its own, rule sets, and what is done about each rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from guardhouse.detectors.base import Detector
from guardhouse.detectors.custom.definitions import MAX_ENTITIES, MAX_PATTERN, MAX_PATTERNS
from guardhouse.errors import InvalidPattern
from guardhouse.matching.matcher import Matcher
from guardhouse.matching.pattern import Pattern
from guardhouse.model.conversation import Path
from guardhouse.server.dialects.pangea.redaction_methods import read_vault_id
from guardhouse.server.dialects.pangea.rule_book import CUSTOM, LEAST_CONFIDENCE, Profile, RuleBook, Target
from guardhouse.server.dialects.pangea.schema import Checker, without_nulls

VERSION = "2.0.0"
MEMBERS = frozenset(
    {
        "version",
        "enabled_rules",
        "enforce_enabled_rules",
        "redactions",
        "vault_service_config_id",
        "salt_vault_secret_id",
        "fpe_vault_secret_id",
        "rules",
        "rulesets",
        "supported_languages",
    }
)
_SECRETS = ("vault_service_config_id", "salt_vault_secret_id", "fpe_vault_secret_id")
_RULE = frozenset(
    {
        "entity_name",
        "matchers",
        "match_threshold",
        "context_values",
        "negative_context_values",
        "name",
        "description",
    }
)
_WORDS = ("context_values", "negative_context_values")
_MOST_WORDS = 1000
_MOST_RULES = 1000
_ENTITY_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_CONTEXT_BOOST, _LEAST_IN_CONTEXT = 0.35, 0.4
"""What a context word adds to a match's score, and the least it then has: as the recognizers do that the vendor's
entity names come from (presidio-analyzer, `LemmaContextAwareEnhancer`)."""
_ALWAYS, _IN_CONTEXT = 1.0, 0.9
"""Confidences that stay at or fall below `LEAST_CONFIDENCE` when a match without context words counts half."""
_TAIL = r"(?:\S*[^\s\pP])?"
"""The rest of a word behind what it starts with, without the punctuation at its end."""


def read_redact_config(
    check: Checker, document: Mapping[str, Any], detectors: Mapping[str, Detector], *, tries_patterns: bool = True
) -> Profile:
    """What the document comes to; mistakes go to `check`. Its patterns are tried once, when it is stored."""
    body = without_nulls(check.table(document, (), MEMBERS), _SECRETS)
    check.choice(body, "version", (), (VERSION,))
    check.string(body, "vault_service_config_id", ())
    languages = check.strings(body, "supported_languages", ()) or ()
    for index, language in enumerate(languages):
        if language != "en":
            check.add("NotEnumMember", "not one of: en", ("supported_languages", index))
    targets, entities, thresholds = _read_rules(check, body, detectors, tries_patterns=tries_patterns)
    own = RuleBook(detectors, Profile(targets=targets, entities=entities))
    sets = _read_sets(check, body, own)
    methods = own.read_methods(check, check.table(body.get("redactions", {}), ("redactions",)), ("redactions",))
    enabled = check.strings(body, "enabled_rules", ()) or ()
    for index, name in enumerate(enabled):
        own.read(check, name, ("enabled_rules", index))
    return Profile(
        targets=targets,
        entities=entities,
        rule_sets=sets,
        methods=methods,
        thresholds=thresholds,
        enabled=tuple(enabled),
        enforced=bool(check.boolean(body, "enforce_enabled_rules", ())),
        fpe_key_id=read_vault_id(check, body, "fpe_vault_secret_id", ()),
        salt_id=read_vault_id(check, body, "salt_vault_secret_id", ()),
    )


def _read_rules(
    check: Checker, body: Mapping[str, Any], detectors: Mapping[str, Detector], *, tries_patterns: bool
) -> tuple[dict[str, tuple[Target, ...]], dict[str, Mapping[str, Any]], dict[str, float]]:
    """The configuration's own rules: targets by id, definitions of entities and thresholds by kind."""
    rules = check.table(body.get("rules", {}), ("rules",))
    if len(rules) > MAX_ENTITIES:
        check.add("AboveMaxProperties", f"at most {MAX_ENTITIES} rules", ("rules",))
        return {}, {}, {}
    standard = RuleBook(detectors)
    targets: dict[str, tuple[Target, ...]] = {}
    entities: dict[str, Mapping[str, Any]] = {}
    thresholds: dict[str, float] = {}
    for name, item in rules.items():
        path: Path = ("rules", name)
        rule = without_nulls(check.table(item, path, _RULE), _WORDS)
        check.required(rule, ("entity_name", "matchers") if isinstance(item, Mapping) else (), path)
        entity = check.string(rule, "entity_name", path) or ""
        for member in ("name", "description"):
            check.string(rule, member, path)
        threshold = check.number(rule, "match_threshold", path, 0.1, 1.0)
        if isinstance(rule.get("matchers"), str):
            found = _predefined(check, rule, entity, path, standard)
            if threshold is not None:
                thresholds |= {target.kind: threshold for target in found}
        else:
            found = ()
            definition = _definition(check, rule, entity, path, threshold or LEAST_CONFIDENCE, tries=tries_patterns)
            if definition is not None and entity in entities:
                check.add("ItemNotUnique", "another rule has this entity name", (*path, "entity_name"))
            elif definition is not None:
                entities[entity], found = definition, (Target(CUSTOM, entity),)
        targets[name] = found
    return targets, entities, thresholds


def _predefined(
    check: Checker, rule: Mapping[str, Any], entity: str, path: Path, standard: RuleBook
) -> tuple[Target, ...]:
    """The targets of a rule that is another name for one of the vendor's."""
    matcher = str(rule["matchers"])
    found = standard.read(check, matcher, (*path, "matchers"))
    if found and entity and standard.targets(entity) != found:
        check.add("InvalidConst", "must be the name of the matcher: it is what is told", (*path, "entity_name"))
    for name in _WORDS:
        if rule.get(name):
            check.add("MutuallyExclusive", "a predefined matcher has context words of its own", (*path, name))
    return found


def _definition(
    check: Checker, rule: Mapping[str, Any], entity: str, path: Path, threshold: float, *, tries: bool
) -> dict[str, Any] | None:
    """The rule as a custom entity; None where it is wrong, or where no match of it can reach the threshold."""
    if entity and not _ENTITY_NAME.fullmatch(entity):
        check.add("DoesNotMatchPattern", "must be A-Z, 0-9 and _, up to 64 of them", (*path, "entity_name"))
    words = {name: _words(check, rule, name, path) for name in _WORDS}
    patterns: list[dict[str, Any]] = []
    for index, item in enumerate(check.array(rule, "matchers", path, MAX_PATTERNS)):
        where: Path = (*path, "matchers", index)
        matcher = check.table(item, where, ("match_type", "match_value", "match_score"))
        if isinstance(item, Mapping):
            check.required(matcher, ("match_type", "match_value", "match_score"), where)
        kind = check.choice(matcher, "match_type", where, ("regex", "starts_with"))
        value = check.string(matcher, "match_value", where)
        score = check.number(matcher, "match_score", where, 0.1, 1.0)
        if kind is None or value is None or score is None:
            continue
        expression = value if kind == "regex" else _starting_with(value)
        if tries:
            _try(check, expression, (*where, "match_value"))
        boosted = max(_LEAST_IN_CONTEXT, min(1.0, score + _CONTEXT_BOOST)) if words["context_values"] else score
        if score >= threshold:
            patterns.append({"pattern": expression, "confidence": _ALWAYS})
        elif boosted >= threshold:
            patterns.append({"pattern": expression, "confidence": _IN_CONTEXT})
    if check.problems or not patterns:
        return None
    chosen = {"context": words["context_values"], "not_context": words["negative_context_values"]}
    return {"name": entity, "patterns": patterns, **{name: list(value) for name, value in chosen.items() if value}}


def _words(check: Checker, rule: Mapping[str, Any], name: str, path: Path) -> tuple[str, ...]:
    words = check.strings(rule, name, path) or ()
    if len(words) > _MOST_WORDS:
        check.add("AboveMaxItems", f"at most {_MOST_WORDS} words", (*path, name))
    for index, word in enumerate(words):
        if not 0 < len(word.strip()) <= 200:
            check.add("AboveMaxLength", "1 to 200 characters", (*path, name, index))
    return words


def _starting_with(value: str) -> str:
    edge = r"\b" if value[:1].isascii() and (value[:1].isalnum() or value[:1] == "_") else ""
    return edge + re.escape(value) + _TAIL


def _try(check: Checker, expression: str, path: Path) -> None:
    if not 0 < len(expression) <= MAX_PATTERN or not expression.strip():
        check.add("AboveMaxLength", f"1 to {MAX_PATTERN} characters", path)
        return
    try:
        Matcher((Pattern("tried", expression),))
    except InvalidPattern as error:
        check.add("BadFormatRegex", f"not in RE2 syntax: {error.detail}"[:300], path)


def _read_sets(check: Checker, body: Mapping[str, Any], book: RuleBook) -> dict[str, tuple[str, ...]]:
    sets: dict[str, tuple[str, ...]] = {}
    for name, item in check.table(body.get("rulesets", {}), ("rulesets",)).items():
        path: Path = ("rulesets", name)
        table = check.table(item, path, ("name", "description", "rules"))
        check.required(table, ("name", "rules") if isinstance(item, Mapping) else (), path)
        for member in ("name", "description"):
            check.string(table, member, path)
        rules = check.strings(table, "rules", path) or ()
        for index, rule in enumerate(rules[:_MOST_RULES]):
            book.read(check, rule, (*path, "rules", index))
        sets[name] = tuple(rules)
    return sets
