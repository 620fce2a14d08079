"""The vendor's rules and redaction methods as kinds and rules of ours."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from guardhouse.model.conversation import Path
from guardhouse.model.recipe import Rule, RuleAction
from guardhouse.redaction.formats import ALPHABETS
from guardhouse.server.dialects.pangea.kinds import PII_RULES, SECRET_RULES
from guardhouse.server.dialects.pangea.schema import Checker

RULES: Mapping[str, tuple[str, ...]] = {
    **{rule.upper(): kinds for rules in (PII_RULES, SECRET_RULES) for rule, kinds in rules.items()},
    "US_DRIVER_LICENSE": PII_RULES["us_drivers_license"],
}
"""Kinds by the short names of rules; our own kinds are taken too."""
_NOT_BY_DEFAULT = frozenset({"DATE_TIME", "URL", "MONEY", "NRP"})
RULE_SETS: Mapping[str, tuple[str, ...]] = {
    "PII": (*(rule.upper() for rule in PII_RULES), "ABA_ROUTING_NUMBER"),
    "SECRETS": (*(rule.upper() for rule in SECRET_RULES), "FIREBASE_URL"),
    "PROFANITY": ("PROFANITY",),
}
_DEFAULT_SETS = ("PII", "SECRETS")
DEFAULT_RULES = tuple(rule for name in _DEFAULT_SETS for rule in RULE_SETS[name] if rule not in _NOT_BY_DEFAULT)
_TYPES: Mapping[str, RuleAction] = {
    "mask": RuleAction.MASK,
    "partial_masking": RuleAction.PARTIAL_MASK,
    "replacement": RuleAction.REPLACE,
    "hash": RuleAction.HASH,
    "fpe": RuleAction.FPE,
    "detect_only": RuleAction.REPORT,
}
_VAULT_ID = re.compile(r"pvi_[a-z2-7]{32}")
_TWEAK_LETTERS = string.ascii_letters + string.digits
_TWEAK_LENGTH = 7
_MASKING = ("masking_type", "chars_to_ignore", "masking_char")
_COUNTS = ("unmasked_from_left", "unmasked_from_right", "masked_from_left", "masked_from_right")
_MEMBERS = frozenset(
    {
        "redaction_type",
        "redaction_value",
        "hash",
        "partial_masking",
        "fpe_alphabet",
        "fpe_tweak",
        "fpe_tweak_vault_secret_id",
        *_MASKING,
        *_COUNTS,
    }
)
_NULLABLE = frozenset({"hash", "fpe_alphabet", "fpe_tweak", "fpe_tweak_vault_secret_id"})


def read_method(check: Checker, value: object, path: Path) -> Rule:
    """One redaction method as a rule; mistakes go to `check`."""
    table = check.table(value, path, _MEMBERS)
    # The vendor's own documents have null where a method does not need a member.
    table = {name: item for name, item in table.items() if item is not None or name not in _NULLABLE}
    if isinstance(value, Mapping) and "redaction_type" not in table:
        check.add("FieldRequired", "redaction_type is required", (*path, "redaction_type"))
    action = _TYPES.get(check.choice(table, "redaction_type", path, tuple(_TYPES)) or "", RuleAction.REPORT)
    match action:
        case RuleAction.PARTIAL_MASK:
            return Rule(action, _masking(check, table, path))
        case RuleAction.REPLACE:
            text = check.string(table, "redaction_value", path)
            return Rule(action, {} if text is None else {"value": text, "literal": True})
        case RuleAction.HASH:
            hashing = check.table(table.get("hash", {}), (*path, "hash"), {"hash_type"})
            kind = check.choice(hashing, "hash_type", (*path, "hash"), ("md5", "sha256"))
            return Rule(action, {} if kind is None else {"hash_type": kind})
        case RuleAction.FPE:
            return Rule(action, _encryption(check, table, path))
        case _:
            return Rule(action)


def read_vault_id(check: Checker, table: Mapping[str, Any], name: str, path: Path) -> str | None:
    """The id of a key or secret in the vendor's vault; None when absent or wrong."""
    value = check.string(table, name, path)
    if value is not None and _VAULT_ID.fullmatch(value) is None:
        check.add("DoesNotMatchPattern", "must be pvi_ and 32 characters of a-z and 2-7", (*path, name))
        return None
    return value


def with_keys(rule: Rule, *, fpe_key_id: str | None, salt_id: str | None) -> Rule:
    """The rule under the keys of these names. The vault is not here: its ids name keys that are made from our own."""
    name = {RuleAction.FPE: fpe_key_id, RuleAction.HASH: salt_id}.get(rule.action)
    return rule if name is None else replace(rule, parameters={**rule.parameters, "key_name": name})


def tweak_named(secret_id: str) -> str:
    """The tweak that stands for a secret of the vault: equal ids, equal tweaks. A tweak need not be secret."""
    number = int.from_bytes(hashlib.sha256(f"tweak {secret_id}".encode()).digest(), "big")
    letters = []
    for _ in range(_TWEAK_LENGTH):
        number, index = divmod(number, len(_TWEAK_LETTERS))
        letters.append(_TWEAK_LETTERS[index])
    return "".join(letters)


def _encryption(check: Checker, table: Mapping[str, Any], path: Path) -> dict[str, Any]:
    alphabet = check.choice(table, "fpe_alphabet", path, tuple(ALPHABETS))
    tweak = check.string(table, "fpe_tweak", path)
    secret_id = read_vault_id(check, table, "fpe_tweak_vault_secret_id", path)
    if tweak is not None and not (len(tweak) == 7 and tweak.isascii() and tweak.isalnum()):
        check.add("DoesNotMatchPattern", "must be 7 characters of a-z, A-Z and 0-9", (*path, "fpe_tweak"))
    if tweak is None and secret_id is not None:
        tweak = tweak_named(secret_id)
    chosen = {"alphabet": alphabet, "tweak": tweak}
    return {name: value for name, value in chosen.items() if value is not None}


def _masking(check: Checker, table: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The parameters, which lie in the method itself or in an object `partial_masking` of it."""
    if "partial_masking" in table:
        path = (*path, "partial_masking")
        table = check.table(table["partial_masking"], path, {*_MASKING, *_COUNTS})
    parameters: dict[str, Any] = {}
    for name in _COUNTS:
        if name in table:
            if isinstance(table[name], bool) or not isinstance(table[name], int):
                check.wrong_type("integer", (*path, name))
            elif table[name] < 0:
                check.add("NotWithinRange", "must be 0 or more", (*path, name))
            parameters[name] = table[name]
    masking_type = check.choice(table, "masking_type", path, ("mask", "unmask"))
    ignored = check.strings(table, "chars_to_ignore", path)
    char = table.get("masking_char")
    if isinstance(char, list) and len(char) == 1:
        char = char[0]
    for where, item in (("masking_char", char), *(("chars_to_ignore", item) for item in ignored or ())):
        if item is not None and (not isinstance(item, str) or len(item) != 1):
            check.add("InvalidString", "must be one character", (*path, where))
    given = {"masking_type": masking_type, "chars_to_ignore": list(ignored or ()) or None, "masking_char": char}
    return parameters | {name: value for name, value in given.items() if value is not None}
