"""The table of kinds: which shape may be which kind, under which check, near which words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from guardhouse.detectors.context import WordList
from guardhouse.errors import ConfigurationError

PACKAGE = "guardhouse.detectors.pii"
PACKS = ("pack.toml", "pack_names.toml")
TABLES = ("rules.toml", "rules_national.toml")
_KEYS = frozenset(
    {
        "kind",
        "shape",
        "groups",
        "gaps",
        "form",
        "check",
        "plain",
        "near",
        "words",
        "after",
        "lists",
        "others",
        "found",
        "passed",
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which a shape is read as a kind.

    `plain` is the confidence of a value that stands alone, `near` of one beside words of the kind's own; 0 says
    nothing. For runs of digits, `groups` lists the lengths of the groups (`(3, 2, 4)`), `gaps` the characters that
    may part them; for tokens `form` is what the value looks like. `others` False lets words of other things pass.
    """

    kind: str
    shape: str
    check: str
    plain: float
    near: float
    groups: tuple[tuple[int, ...], ...] = ()
    gaps: str = " -."
    form: re.Pattern[str] | None = None
    words: WordList | None = None
    after: WordList | None = None
    others: bool = True
    found: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleTable:
    """All rules, by the shape they read; `others` are the words that name something else."""

    rules: tuple[Rule, ...]
    by_shape: Mapping[str, tuple[Rule, ...]]
    by_groups: Mapping[tuple[int, ...], tuple[Rule, ...]]
    others: WordList


@cache
def rule_table() -> RuleTable:
    """The table that is shipped with the package, read once. Raises `ConfigurationError` where it is malformed."""
    lists: dict[str, list[str]] = {}
    rows: list[Mapping[str, Any]] = []
    for name in TABLES:
        document = tomllib.loads(resources.files(PACKAGE).joinpath(name).read_text("utf-8"))
        lists |= document.get("lists", {})
        rows += document.get("rule", [])
    rules = tuple(_rule(row, lists) for row in rows)
    by_shape: dict[str, list[Rule]] = {}
    by_groups: dict[tuple[int, ...], list[Rule]] = {}
    for rule in rules:
        for groups in rule.groups:
            by_groups.setdefault(groups, []).append(rule)
        if not rule.groups:
            by_shape.setdefault(rule.shape, []).append(rule)
    return RuleTable(
        rules,
        {shape: tuple(found) for shape, found in by_shape.items()},
        {groups: tuple(found) for groups, found in by_groups.items()},
        WordList(lists["other_things"]),
    )


def _rule(row: Mapping[str, Any], lists: Mapping[str, list[str]]) -> Rule:
    unknown = row.keys() - _KEYS
    if unknown:
        raise ConfigurationError(f"the rule {row.get('kind')!r} has the unknown key {min(unknown)!r}")
    words = [*row.get("words", ()), *(word for name in row.get("lists", ()) for word in lists[name])]
    return Rule(
        kind=row["kind"],
        shape=row["shape"],
        check=row.get("check", "whole"),
        plain=float(row["plain"]),
        near=float(row["near"]),
        groups=tuple(tuple(int(length) for length in groups.split("-")) for groups in row.get("groups", ())),
        gaps=row.get("gaps", " -."),
        form=re.compile(row["form"]) if "form" in row else None,
        words=WordList(words) if words else None,
        after=WordList(row["after"]) if "after" in row else None,
        others=row.get("others", True),
        found=tuple(row.get("found", ())),
        passed=tuple(row.get("passed", ())),
    )
