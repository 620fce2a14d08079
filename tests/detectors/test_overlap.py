from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from guardhouse.detectors.overlap import without_overlaps
from guardhouse.model.finding import Finding, Span


def finding(kind: str, start: int, end: int, confidence: float) -> Finding:
    return Finding("pii", kind, confidence, ("text",), Span(start, end))


def test_earlier_then_longer_then_surer() -> None:
    early, late = finding("A", 0, 5, 0.6), finding("B", 3, 9, 0.9)
    assert without_overlaps([late, early]) == [early]
    longer, shorter = finding("A", 0, 9, 0.6), finding("B", 0, 5, 0.9)
    assert without_overlaps([shorter, longer]) == [longer]
    surer, weaker = finding("A", 0, 5, 0.9), finding("B", 0, 5, 0.6)
    assert without_overlaps([weaker, surer]) == [surer]


def test_likely_ones_go_first() -> None:
    unlikely, likely = finding("A", 0, 9, 0.4), finding("B", 3, 9, 0.5)
    assert without_overlaps([unlikely, likely]) == [likely]


def test_neighbours_stay_and_come_in_order() -> None:
    first, second = finding("A", 0, 3, 0.4), finding("B", 3, 6, 0.9)
    assert without_overlaps([second, first]) == [first, second]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12), st.sampled_from([0.3, 0.5, 0.9])), max_size=30))
def test_nothing_overlaps_and_nothing_could_be_added(places: list[tuple[int, int, float]]) -> None:
    given_ = [finding("A", start, start + length, confidence) for start, length, confidence in places]
    kept = without_overlaps(given_)
    spans = [f.span for f in kept if f.span]
    assert spans == sorted(spans)
    assert all(left.end <= right.start for left, right in pairwise(spans))
    assert all(any(f.span.overlaps(span) for span in spans) for f in given_ if f.span)
