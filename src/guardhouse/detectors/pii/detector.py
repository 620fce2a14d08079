"""Personal and financial data: shapes from the matcher, read by a table of kinds."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from guardhouse.detectors.base import Evidence, Needs, TextEvidence
from guardhouse.detectors.context import Nearness, column_title, nearness, surroundings
from guardhouse.detectors.overlap import without_overlaps
from guardhouse.detectors.pii.checks import check_named
from guardhouse.detectors.pii.readings import Reading
from guardhouse.detectors.pii.rules import PACKAGE, PACKS, Rule, rule_table
from guardhouse.detectors.pii.runs import Run, read_run
from guardhouse.errors import DeadlineExceeded
from guardhouse.matching.pack import load_pack
from guardhouse.matching.pattern import Hit, Pattern
from guardhouse.model.finding import Finding, Span
from guardhouse.model.recipe import DetectorSetting, RuleAction

NAME = "pii"
RUN_SHAPE = "pii.run"
_MOST_GROUPS = 7
_UNRELATED = 0.5
"""Factor on the confidence of a value beside the name of something else ("order", "version")."""


class PiiDetector:
    """Finds e-mail addresses, telephone numbers, cards, accounts, national ids, dates, names, ... (`rules.toml`).

    Confidence says how sure the kind is: the check's verdict, raised by words of the kind's own nearby, lowered by
    words that name something else. Kinds whose rule is disabled are not looked for and hide nothing.
    """

    @property
    def name(self) -> str:
        """`pii`."""
        return NAME

    @property
    def kinds(self) -> frozenset[str]:
        """Every kind of the table."""
        return frozenset(rule.kind for rule in rule_table().rules)

    @property
    def option_names(self) -> frozenset[str]:
        """None: which kinds are looked for is said by the recipe's rules."""
        return frozenset()

    def needs(self, setting: DetectorSetting) -> Needs:
        """The shapes of the kinds that are not disabled."""
        enabled = _enabled(setting)
        shapes = {rule.shape for rule in rule_table().rules if rule.kind in enabled}
        return Needs(patterns=tuple(pattern for pattern in _patterns() if pattern.id in shapes))

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """What stands in the judged texts, one finding a place, in order."""
        enabled = _enabled(setting)
        patterns = self.needs(setting).patterns
        for text in evidence.texts:
            found: list[Finding] = []
            for hit in text.hits_of(patterns):
                if evidence.deadline is not None and time.monotonic() > evidence.deadline:
                    raise DeadlineExceeded("pii: out of time")
                found.extend(_read(text, hit, enabled))
            yield from without_overlaps(found)


def _patterns() -> tuple[Pattern, ...]:
    return tuple(pattern for pack in PACKS for pattern in load_pack(PACKAGE, pack))


def _enabled(setting: DetectorSetting) -> frozenset[str]:
    kinds = {rule.kind for rule in rule_table().rules}
    return frozenset(kind for kind in kinds if setting.rule_for(kind).action is not RuleAction.DISABLED)


def _read(text: TextEvidence, hit: Hit, enabled: frozenset[str]) -> Iterator[Finding]:
    if hit.pattern.id == RUN_SHAPE:
        yield from _read_groups(text, hit, enabled)
    for rule in rule_table().by_shape.get(hit.pattern.id, ()):
        if rule.kind not in enabled or (rule.form is not None and not rule.form.fullmatch(hit.value)):
            continue
        for reading in check_named(rule.check)(hit.value):
            yield from _finding(text, hit, rule, reading)


def _read_groups(text: TextEvidence, hit: Hit, enabled: frozenset[str]) -> Iterator[Finding]:
    run = read_run(hit.value)
    lengths = run.lengths()
    table = rule_table().by_groups
    for first in range(len(lengths)):
        for last in range(first, min(first + _MOST_GROUPS, len(lengths))):
            for rule in table.get(lengths[first : last + 1], ()):
                if rule.kind in enabled and _parted_by(run, first, last, rule.gaps):
                    yield from _read_window(text, hit, rule, run, (first, last))


def _read_window(text: TextEvidence, hit: Hit, rule: Rule, run: Run, place: tuple[int, int]) -> Iterator[Finding]:
    start, end = run.groups[place[0]][0], run.groups[place[1]][1]
    for reading in check_named(rule.check)(run.text[start:end]):
        moved = Reading(reading.start + start, reading.end + start, reading.plain, reading.near, reading.facts)
        yield from _finding(text, hit, rule, moved)


def _parted_by(run: Run, first: int, last: int, allowed: str) -> bool:
    return all(len(gap) == 1 and gap in allowed for gap in run.gaps[first:last])


def _finding(text: TextEvidence, hit: Hit, rule: Rule, reading: Reading) -> Iterator[Finding]:
    start, end = hit.view_span.start + reading.start, hit.view_span.start + reading.end
    if hit.pattern.id == RUN_SHAPE and not _stands_free(hit.view.text, start, end):
        return
    verdict = _verdict(hit.view.text, start, end, rule)
    plain = rule.plain if reading.plain is None else reading.plain
    confidence = plain
    if verdict is Nearness.FOR:
        confidence = max(plain, rule.near if reading.near is None else reading.near)
    elif verdict is Nearness.AGAINST:
        confidence = plain * _UNRELATED
    if confidence <= 0.0:
        return
    view_span = Span(start, end)
    span = hit.span if view_span == hit.view_span else hit.view.to_original(view_span)
    facts = {**reading.facts, "context": verdict.value}
    if hit.view.name != "text":
        facts["view"] = hit.view.name
    yield Finding(
        detector=NAME,
        kind=rule.kind,
        confidence=round(confidence, 4),
        path=text.source.path,
        span=span,
        value=text.source.value[span.start : span.end],
        analyzer=hit.pattern.id,
        evidence=facts,
    )


def _verdict(text: str, start: int, end: int, rule: Rule) -> Nearness:
    others = rule_table().others if rule.others else None
    verdict = nearness(surroundings(text, start, end), rule.words, others, after=rule.after)
    if verdict is Nearness.SILENT and rule.words is not None:
        title = column_title(text, start)
        if title and rule.words.stands_in(title):
            return Nearness.FOR
    return verdict


def _stands_free(text: str, start: int, end: int) -> bool:
    """True where no ASCII letter, digit or underscore touches the range (an extension's `x` may follow)."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isascii() and (before.isalnum() or before == "_"):
        return False
    if after in ("x", "X") and text[end + 1 : end + 2].isdigit():
        return True
    return not (after.isascii() and (after.isalnum() or after == "_"))
