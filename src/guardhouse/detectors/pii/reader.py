"""Reads what the matcher found in one text under the table of kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guardhouse.detectors.base import TextEvidence
from guardhouse.detectors.context import Columns, Nearness, Surroundings
from guardhouse.detectors.pii.checks import SLOW_CHECKS, WHOLE_READERS, check_named, is_claim
from guardhouse.detectors.pii.names import KIND_OF_TAG
from guardhouse.detectors.pii.quick import QUICK
from guardhouse.detectors.pii.readings import Reading
from guardhouse.detectors.pii.rules import FLOOR, OTHER_THINGS, Rule, rule_table
from guardhouse.detectors.pii.runs import Run, read_run
from guardhouse.matching.pattern import Hit
from guardhouse.model.finding import Finding, Span

NAME = "pii"
RUN_SHAPE = "pii.run"
NAMES = frozenset(KIND_OF_TAG.values())
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
    """Reads the hits of one text; what stands around a place is looked at once, however many rules ask.

    Of all that one range may be, only the surest counts in the end, so no check runs that could not win its range.
    """

    def __init__(self, text: TextEvidence, enabled: frozenset[str]) -> None:
        self._text = text
        self._enabled = enabled
        self._table = rule_table()
        self._places: dict[tuple[int, int, int], _Place] = {}
        self._columns: dict[int, Columns] = {}
        self._titles: dict[str, Mapping[int, int]] = {"": {}}
        self._slow_checks = 0
        self._found: dict[tuple[Span, bool], Finding] = {}

    @property
    def findings(self) -> list[Finding]:
        """The surest for each range read so far (of names and places another one), overlapping and unsorted."""
        return list(self._found.values())

    def read(self, hit: Hit) -> None:
        """Takes what the hit may be under each rule."""
        if hit.pattern.id == RUN_SHAPE:
            self._read_groups(hit)
        for rule in self._table.by_shape.get(hit.pattern.id, ()):
            if rule.kind not in self._enabled or (rule.form is not None and not rule.form.fullmatch(hit.value)):
                continue
            if rule.check in WHOLE_READERS:
                for reading in check_named(rule.check)(hit.value):
                    self._take(hit, rule, reading)
            else:
                self._check(hit, rule, 0, len(hit.value))

    def _read_groups(self, hit: Hit) -> None:
        run = read_run(hit.value)
        lengths = run.lengths()
        table = self._table
        for first in range(len(lengths)):
            for last in range(first, min(first + _MOST_GROUPS, len(lengths))):
                grouping = lengths[first : last + 1]
                if grouping not in table.group_starts:
                    break
                rules = table.by_groups.get(grouping)
                if rules is None or not _parted_by(run, first, last, rules.gaps):
                    continue
                start, end = run.groups[first][0], run.groups[last][1]
                if not _stands_free(hit.view.text, hit.view_span.start + start, hit.view_span.start + end):
                    continue
                digits = run.digits(first, last)
                for rule in rules.for_lists(self._place(hit, start, end).lists):
                    quick = QUICK.get(rule.check)
                    if (
                        rule.kind in self._enabled
                        and (quick is None or quick(digits))
                        and (first == last or _parted_by(run, first, last, rule.gaps))
                    ):
                        self._check(hit, rule, start, end)

    def _check(self, hit: Hit, rule: Rule, start: int, end: int) -> None:
        """The check costs more than a look around, so it runs only where its verdict would be reported."""
        confidence = self._confidence(hit, rule, start, end, rule.plain, rule.near)[0]
        if confidence < FLOOR:
            return
        check = rule.check
        if check in SLOW_CHECKS:
            self._slow_checks += 1
            check = SLOW_CHECKS[check] if self._slow_checks > _MOST_SLOW_CHECKS else check
        elif is_claim(check) and self._is_beaten(self._span(hit, start, end), rule.kind, confidence):
            return
        for reading in check_named(check)(hit.value[start:end]):
            moved = Reading(reading.start + start, reading.end + start, reading.plain, reading.near, reading.facts)
            self._take(hit, rule, moved)

    def _take(self, hit: Hit, rule: Rule, reading: Reading) -> None:
        start, end = hit.view_span.start + reading.start, hit.view_span.start + reading.end
        if hit.pattern.id == RUN_SHAPE and not _stands_free(hit.view.text, start, end):
            return
        plain = rule.plain if reading.plain is None else reading.plain
        near = rule.near if reading.near is None else reading.near
        confidence, verdict = self._confidence(hit, rule, reading.start, reading.end, plain, near)
        if confidence < FLOOR:
            return
        span = self._span(hit, reading.start, reading.end)
        if self._is_beaten(span, rule.kind, confidence):
            return
        facts = {**reading.facts, "context": verdict.value}
        if hit.view.name != "text":
            facts["view"] = hit.view.name
        source = self._text.source
        self._found[span, rule.kind in NAMES] = Finding(
            detector=NAME,
            kind=rule.kind,
            confidence=round(confidence, 4),
            path=source.path,
            span=span,
            value=source.value[span.start : span.end],
            analyzer=hit.pattern.id,
            evidence=facts,
        )

    def _span(self, hit: Hit, start: int, end: int) -> Span:
        """The range of the original that `hit.value[start:end]` stands for."""
        if start == 0 and end == len(hit.value):
            return hit.span
        return hit.view.to_original(Span(hit.view_span.start + start, hit.view_span.start + end))

    def _is_beaten(self, span: Span, kind: str, confidence: float) -> bool:
        """True where something at least as sure stands at the very range; of two equally sure kinds the first name."""
        other = self._found.get((span, kind in NAMES))
        if other is None:
            return False
        rounded = round(confidence, 4)
        return other.confidence > rounded or (other.confidence == rounded and other.kind <= kind)

    def _confidence(
        self, hit: Hit, rule: Rule, start: int, end: int, plain: float, near: float
    ) -> tuple[float, Nearness]:
        if plain < FLOOR and near < FLOOR:
            return 0.0, Nearness.SILENT
        place = self._place(hit, start, end)
        if not place.lists:
            return plain, Nearness.SILENT
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
