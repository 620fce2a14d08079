"""The one matcher: all patterns of a plan against every view of a text."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence

from guardhouse.errors import DeadlineExceeded, InvalidPattern
from guardhouse.matching.compiled import expression
from guardhouse.matching.pattern import Hit, Pattern
from guardhouse.matching.prefilter import Prefilter
from guardhouse.model.finding import Span
from guardhouse.text.views import Normalized, View

MAX_HITS = 100_000
"""Most hits of one pattern in one text, all its views together."""

_MATCHES_PER_CLOCK_READ = 64


class Hits(dict[str, tuple[Hit, ...]]):
    """Hits by pattern id; patterns without hits are absent.

    `capped` names the patterns that had more than `MAX_HITS` hits, of which only the first are here.
    """

    capped: frozenset[str] = frozenset()


class Matcher:
    """Finds every match of many patterns in one pass per view. Immutable once made; safe to share by threads.

    Linear in the text for each pattern that stands in it. Raises `InvalidPattern` with RE2's own message, or when
    two different patterns bear the same id.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        by_id: dict[str, Pattern] = {}
        for pattern in patterns:
            if by_id.setdefault(pattern.id, pattern) is not pattern and by_id[pattern.id] != pattern:
                raise InvalidPattern(f"two patterns have the id {pattern.id!r}", code="conflict")
        self._prefilter = Prefilter([expression(pattern) for pattern in by_id.values()])
        self._compiled = tuple(self._prefilter.patterns)

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """The patterns, without repeats, in the order given."""
        return tuple(compiled.pattern for compiled in self._compiled)

    def scan(
        self, normalized: Normalized, *, only: Collection[str] | None = None, deadline: float | None = None
    ) -> Hits:
        """The hits by pattern id, each pattern's by view and then in order of place.

        `only` keeps to the patterns with these ids. Views that are `disguised` are read by patterns that are, and only
        what is disguised in them counts. `deadline` is a `time.monotonic()` instant; past it
        `DeadlineExceeded` is raised.
        """
        hits: dict[str, list[Hit]] = {}
        capped: set[str] = set()
        for view in normalized.views:
            if view.text:
                self._scan_view(view, normalized.original, only, _Clock(deadline), hits, capped)
        result = Hits({id_: tuple(found) for id_, found in hits.items()})
        result.capped = frozenset(capped)
        return result

    def _scan_view(
        self,
        view: View,
        original: str,
        only: Collection[str] | None,
        clock: _Clock,
        hits: dict[str, list[Hit]],
        capped: set[str],
    ) -> None:
        data = view.text.encode("utf-8", "replace")  # a lone surrogate becomes one `?`: offsets stay right
        found: list[tuple[Pattern, int, int]] = []
        for index in self._prefilter.candidates(data):
            compiled = self._compiled[index]
            pattern = compiled.pattern
            if (only is not None and pattern.id not in only) or (view.disguised and not pattern.disguised):
                continue
            clock.check()
            room = MAX_HITS - len(hits.get(pattern.id, ()))
            for start, end in clock.watch(compiled.spans(data)):
                if not room:
                    capped.add(pattern.id)
                    break
                room -= 1
                found.append((pattern, start, end))
        if not found:
            return
        points = None if len(data) == len(view.text) else _CodePoints(data, found)
        for pattern, start, end in found:
            view_span = Span(start, end) if points is None else Span(points[start], points[end])
            value = view.text[view_span.start : view_span.end]
            span = view.to_original(view_span)
            if view.disguised and value == original[span.start : span.end]:
                continue  # nothing is disguised here: the canonical view has it
            hits.setdefault(pattern.id, []).append(Hit(pattern, view, view_span, span, value))


class _CodePoints:
    """Code point offsets of the byte offsets in use, from one pass over the bytes."""

    def __init__(self, data: bytes, found: Iterable[tuple[Pattern, int, int]]) -> None:
        self._bytes = sorted({offset for _, start, end in found for offset in (start, end)})
        self._points: list[int] = []
        at = count = 0
        for offset in self._bytes:
            count += len(data[at:offset].decode("utf-8"))
            at = offset
            self._points.append(count)

    def __getitem__(self, offset: int) -> int:
        return self._points[bisect_left(self._bytes, offset)]


class _Clock:
    """Raises `DeadlineExceeded` once the deadline has passed."""

    def __init__(self, deadline: float | None) -> None:
        self._deadline = deadline

    def check(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise DeadlineExceeded("the time was used up while patterns were matched")

    def watch(self, spans: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
        for number, span in enumerate(spans, 1):
            if number % _MATCHES_PER_CLOCK_READ == 0:
                self.check()
            yield span
