"""Reads what the matcher found in one text under the table of kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from guardhouse.detectors.base import TextEvidence
from guardhouse.detectors.context import NOTHING_AROUND, Columns, Nearness, Surroundings
from guardhouse.detectors.pii.checks import SLOW_CHECKS, WHOLE_READERS, check_named, is_claim
from guardhouse.detectors.pii.names import KIND_OF_TAG
from guardhouse.detectors.pii.readings import Reading
from guardhouse.detectors.pii.rules import FLOOR, OTHER_THINGS, GroupRules, Rule, table_of
from guardhouse.detectors.pii.runs import read_run
from guardhouse.matching.pattern import Hit
from guardhouse.model.finding import Finding, Span

NAME = "pii"
RUN_SHAPE = "pii.run"
NAMES = frozenset(KIND_OF_TAG.values())
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


_NOWHERE = _Place(NOTHING_AROUND, {}, frozenset())


class _Kept(NamedTuple):
    """What a range is taken for, until something surer comes."""

    confidence: float
    kind: str
    hit: Hit
    facts: Mapping[str, str]
    verdict: Nearness


class Reader:
    """Reads the hits of one text; what stands around a place is looked at once, however many rules ask.

    Of all that one range may be, only the surest counts in the end, so no check runs that could not win its range.
    """

    def __init__(self, text: TextEvidence, enabled: frozenset[str]) -> None:
        self._text = text
        self._table = table_of(enabled)
        self._places: dict[tuple[int, int, int], _Place] = {}
        self._columns: dict[int, Columns] = {}
        self._titles: dict[str, Mapping[int, int]] = {"": {}}
        self._slow_checks = 0
        self._found: dict[tuple[int, int, bool], _Kept] = {}

    @property
    def findings(self) -> list[Finding]:
        """The surest for each range read so far (of names and places another one), overlapping and unsorted."""
        return [self._finding(Span(start, end), kept) for (start, end, _), kept in self._found.items()]

    def read(self, hit: Hit) -> None:
        """Takes what the hit may be under each rule."""
        if hit.pattern.id == RUN_SHAPE:
            self._read_groups(hit)
        for rule in self._table.by_shape.get(hit.pattern.id, ()):
            if rule.form is not None and not rule.form.fullmatch(hit.value):
                continue
            if rule.check in WHOLE_READERS:
                for reading in check_named(rule.check)(hit.value):
                    self._take(hit, rule, reading)
            else:
                self._check(hit, rule, 0, len(hit.value))

    def _read_groups(self, hit: Hit) -> None:
        run = read_run(hit.value)
        lengths, marks = run.lengths(), [_mark(gap) for gap in run.gaps]
        digits = run.digits(0, len(lengths) - 1)
        text, offset = hit.view.text, hit.view_span.start
        from_digit = 0
        for first, (start, _) in enumerate(run.groups):
            begin, from_digit = from_digit, from_digit + lengths[first]
            node = self._table.groupings.longer.get(lengths[first])
            if node is None or _touches(text[offset + start - 1 : offset + start]):
                continue
            used, breaks, to_digit, last = "", 0, from_digit, first
            while True:
                end = run.groups[last][1]
                if node.rules is not None and not used.strip(node.rules.gaps) and _ends_freely(text, offset + end):
                    self._read_group(hit, node.rules, (start, end), digits[begin:to_digit], used)
                last += 1
                if last == len(lengths):
                    break
                mark, broken = marks[last - 1]
                breaks += broken
                longer = node.longer.get(lengths[last])
                if longer is None or not mark or breaks > 1:
                    break
                node = longer
                used += mark.strip("\n")
                to_digit += lengths[last]

    def _read_group(self, hit: Hit, rules: GroupRules, place: tuple[int, int], digits: str, marks: str) -> None:
        """What the digits at `place` of the hit may be; the `marks` stand between them."""
        start, end = place
        lists = self._place(hit, start, end).lists
        for rule in rules.for_lists(lists) if lists else rules.alone:
            if (rule.quick is None or rule.quick(digits)) and not marks.strip(rule.gaps):
                self._check(hit, rule, start, end)

    def _check(self, hit: Hit, rule: Rule, start: int, end: int) -> None:
        """The check costs more than a look around, so it runs only where its verdict would be reported."""
        confidence, verdict = self._confidence(hit, rule, start, end, rule.plain, rule.near)
        if confidence < FLOOR:
            return
        check = rule.check
        if check in SLOW_CHECKS:
            self._slow_checks += 1
            check = SLOW_CHECKS[check] if self._slow_checks > _MOST_SLOW_CHECKS else check
        elif is_claim(check):
            span = self._span(hit, start, end)
            if not self._is_beaten(span, rule.kind, confidence):
                for reading in check_named(check)(hit.value[start:end]):
                    if hit.pattern.id != RUN_SHAPE or _stands_free(hit, start, end):
                        self._keep(span, _Kept(round(confidence, 4), rule.kind, hit, reading.facts, verdict))
            return
        for reading in check_named(check)(hit.value[start:end]):
            moved = Reading(reading.start + start, reading.end + start, reading.plain, reading.near, reading.facts)
            self._take(hit, rule, moved)

    def _take(self, hit: Hit, rule: Rule, reading: Reading) -> None:
        plain = rule.plain if reading.plain is None else reading.plain
        near = rule.near if reading.near is None else reading.near
        confidence, verdict = self._confidence(hit, rule, reading.start, reading.end, plain, near)
        if confidence < FLOOR or (hit.pattern.id == RUN_SHAPE and not _stands_free(hit, reading.start, reading.end)):
            return
        span = self._span(hit, reading.start, reading.end)
        if not self._is_beaten(span, rule.kind, confidence):
            self._keep(span, _Kept(round(confidence, 4), rule.kind, hit, reading.facts, verdict))

    def _keep(self, span: Span, kept: _Kept) -> None:
        self._found[span.start, span.end, kept.kind in NAMES] = kept

    def _finding(self, span: Span, kept: _Kept) -> Finding:
        facts = {**kept.facts, "context": kept.verdict.value}
        if kept.hit.view.name != "text":
            facts["view"] = kept.hit.view.name
        source = self._text.source
        return Finding(
            detector=NAME,
            kind=kept.kind,
            confidence=kept.confidence,
            path=source.path,
            span=span,
            value=source.value[span.start : span.end],
            analyzer=kept.hit.pattern.id,
            evidence=facts,
        )

    def _span(self, hit: Hit, start: int, end: int) -> Span:
        """The range of the original that `hit.value[start:end]` stands for."""
        if start == 0 and end == len(hit.value):
            return hit.span
        return hit.view.to_original(Span(hit.view_span.start + start, hit.view_span.start + end))

    def _is_beaten(self, span: Span, kind: str, confidence: float) -> bool:
        """True where something at least as sure stands at the very range; of two equally sure kinds the first name."""
        other = self._found.get((span.start, span.end, kind in NAMES))
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
            if around is NOTHING_AROUND and not title:
                place = _NOWHERE
            else:
                place = _Place(around, title, frozenset().union(around.before, around.after, title))
            self._places[key] = place
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


def _mark(gap: str) -> tuple[str, bool]:
    """The one separator that a gap consists of, perhaps with spaces around it ("" for none), and whether it breaks the
    line."""
    if len(gap) == 1:
        return gap, gap == "\n"
    mark = gap.strip()
    if "\n" in gap:
        return (mark or "\n", True) if len(mark) < 2 else ("", True)
    return (mark if len(mark) == 1 else ""), False


def _stands_free(hit: Hit, start: int, end: int) -> bool:
    """True where no ASCII letter, digit or underscore touches `hit.value[start:end]`."""
    text, offset = hit.view.text, hit.view_span.start
    return not _touches(text[offset + start - 1 : offset + start]) and _ends_freely(text, offset + end)


def _ends_freely(text: str, end: int) -> bool:
    """True where nothing touches the end, or an extension's `x` does."""
    after = text[end : end + 1]
    return not _touches(after) or (after in ("x", "X") and text[end + 1 : end + 2].isdigit())


def _touches(sign: str) -> bool:
    return sign.isascii() and (sign.isalnum() or sign == "_")
