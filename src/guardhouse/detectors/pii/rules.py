"""The table of kinds: which shape may be which kind, under which check, near which words."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from guardhouse.detectors.context import Lexicon
from guardhouse.detectors.pii.quick import QUICK, Condition
from guardhouse.errors import ConfigurationError

PACKAGE = "guardhouse.detectors.pii"
PACKS = ("pack.toml", "pack_wallets.toml", "pack_names.toml")
TABLES = ("rules.toml", "rules_national.toml", "rules_official.toml")
_KEY_NAMES = "kind shape groups gaps form check plain near words after lists others found passed"
_KEYS = frozenset(_KEY_NAMES.split())


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which a shape is read as a kind.

    `plain` is the confidence of a value that stands alone, `near` of one beside words of the kind's own; 0 says
    nothing. For runs of digits, `groups` lists the lengths of the groups (`(3, 2, 4)`), `gaps` the characters that
    may part them; for tokens `form` is what the value looks like. `words` and `after` number lists of the table's
    lexicon (-1: none); `others` False lets words of other things pass. `quick` turns most digits away before the check.
    """

    kind: str
    shape: str
    check: str
    plain: float
    near: float
    groups: tuple[tuple[int, ...], ...] = ()
    gaps: str = " -."
    form: re.Pattern[str] | None = None
    words: int = -1
    after: int = -1
    others: bool = True
    found: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    quick: Condition | None = None


@dataclass(frozen=True, slots=True)
class GroupRules:
    """The rules for one grouping of digits: those that report a number that stands alone, and those by word list."""

    alone: tuple[Rule, ...]
    by_words: Mapping[int, tuple[Rule, ...]]
    gaps: str
    """What may part the digits under any of them."""

    def for_lists(self, near: Iterable[int]) -> Iterator[Rule]:
        """The rules that may say something where words of these lists stand near; each once."""
        yield from self.alone
        for number in near:
            yield from self.by_words.get(number, ())


@dataclass(frozen=True, slots=True)
class Grouping:
    """Digits in groups of certain lengths: the rules for exactly these, and by the length of one more group what next.

    Where a run leaves these, no longer grouping can fit.
    """

    rules: GroupRules | None
    longer: Mapping[int, Grouping]


@dataclass(frozen=True, slots=True)
class RuleTable:
    """All rules, by the shape they read. The lexicon's list 0 holds the words that name something else."""

    rules: tuple[Rule, ...]
    by_shape: Mapping[str, tuple[Rule, ...]]
    groupings: Grouping
    """Of no group at all, where each run begins."""
    lexicon: Lexicon


OTHER_THINGS = 0
FLOOR = 0.25
"""What is less sure than this is not reported: a bare number passes many a check by chance."""


@cache
def rule_table() -> RuleTable:
    """The table that is shipped with the package, read once. Raises `ConfigurationError` where it is malformed."""
    lists: dict[str, list[str]] = {}
    rows: list[Mapping[str, Any]] = []
    for name in TABLES:
        document = tomllib.loads(resources.files(PACKAGE).joinpath(name).read_text("utf-8"))
        lists |= document.get("lists", {})
        rows += document.get("rule", [])
    numbered: list[tuple[str, ...]] = [tuple(lists["other_things"])]
    rules = tuple(_rule(row, lists, numbered) for row in rows)
    return _table(rules, Lexicon(numbered))


@lru_cache(maxsize=64)
def table_of(kinds: frozenset[str]) -> RuleTable:
    """The table with the rules for these kinds only."""
    table = rule_table()
    return _table(tuple(rule for rule in table.rules if rule.kind in kinds), table.lexicon)


def _table(rules: tuple[Rule, ...], lexicon: Lexicon) -> RuleTable:
    by_shape: dict[str, list[Rule]] = {}
    by_groups: dict[tuple[int, ...], list[Rule]] = {}
    for rule in rules:
        for groups in rule.groups:
            by_groups.setdefault(groups, []).append(rule)
        if not rule.groups:
            by_shape.setdefault(rule.shape, []).append(rule)
    shapes = {shape: tuple(found) for shape, found in by_shape.items()}
    return RuleTable(rules, shapes, _grouping((), by_groups), lexicon)


def _grouping(lengths: tuple[int, ...], by_groups: Mapping[tuple[int, ...], Sequence[Rule]]) -> Grouping:
    count = len(lengths)
    following = {groups[count] for groups in by_groups if len(groups) > count and groups[:count] == lengths}
    rules = _group_rules(by_groups[lengths]) if lengths in by_groups else None
    return Grouping(rules, {length: _grouping((*lengths, length), by_groups) for length in sorted(following)})


def _rule(row: Mapping[str, Any], lists: Mapping[str, list[str]], numbered: list[tuple[str, ...]]) -> Rule:
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
        words=_number(words, numbered),
        after=_number(row.get("after", []), numbered),
        others=row.get("others", True),
        found=tuple(row.get("found", ())),
        passed=tuple(row.get("passed", ())),
        quick=QUICK.get(row.get("check", "whole")),
    )


def _group_rules(rules: Sequence[Rule]) -> GroupRules:
    by_words: dict[int, tuple[Rule, ...]] = {}
    for rule in rules:
        if rule.plain < FLOOR:
            by_words[rule.words] = (*by_words.get(rule.words, ()), rule)
    gaps = "".join(sorted({gap for rule in rules for gap in rule.gaps}))
    alone = sorted((rule for rule in rules if rule.plain >= FLOOR), key=lambda rule: -rule.plain)  # the surest wins
    return GroupRules(tuple(alone), by_words, gaps)


def _number(words: Sequence[str], numbered: list[tuple[str, ...]]) -> int:
    """The number of the list of these words, which it joins where it is new; -1 for none."""
    if not words:
        return -1
    if tuple(words) not in numbered:
        numbered.append(tuple(words))
    return numbered.index(tuple(words))
