"""Reads what the matcher found in one text under the table of kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from guardhouse.detectors.base import TextEvidence
from guardhouse.detectors.context import Columns, Nearness, Surroundings
from guardhouse.detectors.pii.checks import SLOW_CHECKS, WHOLE_READERS, check_named
from guardhouse.detectors.pii.readings import Reading
from guardhouse.detectors.pii.rules import FLOOR, OTHER_THINGS, Rule, rule_table
from guardhouse.detectors.pii.runs import Run, read_run
from guardhouse.matching.pattern import Hit
from guardhouse.model.finding import Finding, Span

NAME = "pii"
RUN_SHAPE = "pii.run"
_MOST_GROUPS = 7
_MOST_SLOW_CHECKS = 32
"""Slow checks in one text; what comes after them is read by its shape alone."""
_UNRELATED = 0.5
"""Factor on the confidence of a value beside the name of something else ("order", "version")."""


@dataclass(frozen=True, slots=True)
class _Place:
    """What stands around one place: the words on its sides, those of its column's title, and the lists of them all."""

    around: Surroundings
    title: Mapping[int, int]
    lists: frozenset[int]


class Reader:
    """Reads the hits of one text; what stands around a place is looked at once, however many rules ask."""

    def __init__(self, text: TextEvidence, enabled: frozenset[str]) -> None:
        self._text = text
        self._enabled = enabled
        self._table = rule_table()
        self._places: dict[tuple[int, int, int], _Place] = {}
        self._columns: dict[int, Columns] = {}
        self._titles: dict[str, Mapping[int, int]] = {"": {}}
        self._slow_checks = 0

    def read(self, hit: Hit) -> Iterator[Finding]:
        """What the hit may be under each rule, overlapping and unsorted."""
        if hit.pattern.id == RUN_SHAPE:
            yield from self._read_groups(hit)
        for rule in self._table.by_shape.get(hit.pattern.id, ()):
            if rule.kind not in self._enabled or (rule.form is not None and not rule.form.fullmatch(hit.value)):
                continue
            if rule.check in WHOLE_READERS:
                for reading in check_named(rule.check)(hit.value):
                    yield from self._finding(hit, rule, reading)
            else:
                yield from self._checked(hit, rule, 0, len(hit.value))

    def _read_groups(self, hit: Hit) -> Iterator[Finding]:
        run = read_run(hit.value)
        lengths = run.lengths()
        for first in range(len(lengths)):
            for last in range(first, min(first + _MOST_GROUPS, len(lengths))):
                grouping = lengths[first : last + 1]
                if grouping not in self._table.group_starts:
                    break
                rules = self._table.by_groups.get(grouping)
                if rules is None or not _parted_by(run, first, last, rules.gaps):
                    continue
                start, end = run.groups[first][0], run.groups[last][1]
                for rule in rules.for_lists(self._place(hit, start, end).lists):
                    if rule.kind in self._enabled and _parted_by(run, first, last, rule.gaps):
                        yield from self._checked(hit, rule, start, end)

    def _checked(self, hit: Hit, rule: Rule, start: int, end: int) -> Iterator[Finding]:
        """The check costs more than a look around, so it runs only where its verdict would be reported."""
        if self._confidence(hit, rule, start, end, rule.plain, rule.near)[0] < FLOOR:
            return
        check = rule.check
        if check in SLOW_CHECKS:
            self._slow_checks += 1
            check = SLOW_CHECKS[check] if self._slow_checks > _MOST_SLOW_CHECKS else check
        for reading in check_named(check)(hit.value[start:end]):
            moved = Reading(reading.start + start, reading.end + start, reading.plain, reading.near, reading.facts)
            yield from self._finding(hit, rule, moved)

    def _finding(self, hit: Hit, rule: Rule, reading: Reading) -> Iterator[Finding]:
        start, end = hit.view_span.start + reading.start, hit.view_span.start + reading.end
        if hit.pattern.id == RUN_SHAPE and not _stands_free(hit.view.text, start, end):
            return
        plain = rule.plain if reading.plain is None else reading.plain
        near = rule.near if reading.near is None else reading.near
        confidence, verdict = self._confidence(hit, rule, reading.start, reading.end, plain, near)
        if confidence < FLOOR:
            return
        view_span = Span(start, end)
        span = hit.span if view_span == hit.view_span else hit.view.to_original(view_span)
        facts = {**reading.facts, "context": verdict.value}
        if hit.view.name != "text":
            facts["view"] = hit.view.name
        source = self._text.source
        yield Finding(
            detector=NAME,
            kind=rule.kind,
            confidence=round(confidence, 4),
            path=source.path,
            span=span,
            value=source.value[span.start : span.end],
            analyzer=hit.pattern.id,
            evidence=facts,
        )

    def _confidence(
        self, hit: Hit, rule: Rule, start: int, end: int, plain: float, near: float
    ) -> tuple[float, Nearness]:
        if max(plain, near) < FLOOR:
            return 0.0, Nearness.SILENT
        place = self._place(hit, start, end)
        verdict = place.around.nearness(rule.words, OTHER_THINGS if rule.others else -1, after=rule.after)
        if verdict is Nearness.SILENT and rule.words in place.title:
            verdict = Nearness.FOR
        if verdict is Nearness.FOR:
            return max(plain, near), verdict
        return (plain * _UNRELATED if verdict is Nearness.AGAINST else plain), verdict

    def _place(self, hit: Hit, start: int, end: int) -> _Place:
        """What stands around `hit.value[start:end]`."""
        view = hit.view
        start, end = hit.view_span.start + start, hit.view_span.start + end
        key = (id(view), start, end)
        place = self._places.get(key)
        if place is None:
            around = self._table.lexicon.around(view.text, start, end)
            title = self._title(id(view), view.text, start)
            lists = frozenset().union(around.before, around.after, title)
            place = self._places[key] = _Place(around, title, lists)
        return place

    def _title(self, view: int, text: str, start: int) -> Mapping[int, int]:
        columns = self._columns.get(view)
        if columns is None:
            columns = self._columns[view] = Columns(text)
        title = columns.title(start)
        lists = self._titles.get(title)
        if lists is None:
            lists = self._titles[title] = self._table.lexicon.read(title)
        return lists


def _parted_by(run: Run, first: int, last: int, allowed: str) -> bool:
    """True where every gap is one allowed separator, perhaps with spaces around it; one of them may be a line break."""
    breaks = 0
    for gap in run.gaps[first:last]:
        mark = gap if len(gap) == 1 else gap.strip()
        if "\n" in gap:
            breaks += 1
            mark = mark.strip() or "\n"
        if len(mark) != 1 or (mark != "\n" and mark not in allowed):
            return False
    return breaks <= 1


def _stands_free(text: str, start: int, end: int) -> bool:
    """True where no ASCII letter, digit or underscore touches the range (an extension's `x` may follow)."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before.isascii() and (before.isalnum() or before == "_"):
        return False
    if after in ("x", "X") and text[end + 1 : end + 2].isdigit():
        return True
    return not (after.isascii() and (after.isalnum() or after == "_"))
