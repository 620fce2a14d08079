"""Spans of edited texts lead back to exactly what they were made from."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardhouse.model.finding import Span
from guardhouse.text.canonical import canonicalize
from guardhouse.text.confusables import fold_confusables
from guardhouse.text.offsets import LINEAR, ComposedOffsets, MapBuilder, OffsetMap, ReversedOffsets, compose

# Letters of every kind that the normaliser treats apart, so that random texts are full of edits.
LIVELY = st.text(
    alphabet=st.one_of(
        st.sampled_from("abc xyz12\n-аеорсжпΑαδİıﬁﬃ…½²ﾊﾞｶ①Ａ０٣३’“\u00a0™"),
        st.sampled_from("\u0301\u0327\u0337\u20e3\u0308\u064b\u094d\u0e49\u034f\u200b\u200c\u200d\u2060\ufeff\u00ad"),
        st.sampled_from("\u202e\u202c\u200f\ufe0f\ufe01\U000e0101\U000e0041\U000e007f🏴👩🔥\U0001f1fa\U0001d41a"),
        st.sampled_from("\u1112\u1161\u11ab한ㅋ\x00\x07\ud800\udc00漢ก"),
        st.characters(),
    ),
    max_size=40,
)


def test_pieces_copied_replaced_and_dropped() -> None:
    builder = MapBuilder("abﬁXXcd")
    builder.copied(0, 2)
    builder.replaced(2, 3, "fi")
    builder.replaced(3, 5, "")
    builder.copied(5, 7)
    text, offsets = builder.finish()
    assert text == "abficd"
    expected = {(0, 1): (0, 1), (1, 3): (1, 3), (2, 3): (2, 3), (3, 4): (2, 3), (3, 5): (2, 6), (4, 6): (5, 7)}
    assert {span: (back.start, back.end) for span in expected if (back := offsets.to_original(Span(*span)))} == expected
    assert offsets.to_original(Span(4, 4)) == Span(5, 5)


def test_nothing_left() -> None:
    text, offsets = MapBuilder("gone").finish()
    assert (text, offsets.to_original(Span(0, 0))) == ("", Span(0, 0))


@pytest.mark.parametrize(
    "pieces", [([], [], []), ([1], [0], [LINEAR]), ([0, 2], [0], [LINEAR])], ids=["none", "late", "uneven"]
)
def test_broken_maps_are_refused(pieces: tuple[list[int], list[int], list[int]]) -> None:
    with pytest.raises(ValueError, match="pieces"):
        OffsetMap(*pieces)


def test_composed_and_reversed() -> None:
    dropped = OffsetMap([0, 1], [0, 3], [LINEAR, LINEAR])
    assert ReversedOffsets(5).to_original(Span(0, 2)) == Span(3, 5)
    assert ComposedOffsets(dropped, ReversedOffsets(3)).to_original(Span(0, 3)) == Span(0, 5)
    assert compose(None, dropped) is dropped
    assert compose(dropped, None) is dropped
    assert compose(None, None) is None


@given(LIVELY, st.data())
def test_every_span_maps_to_a_range_that_reads_the_same(text: str, data: st.DataObject) -> None:
    """Look-alike letters are left out of the comparison: whether they fold hangs on the words around."""
    canonical = canonicalize(text)
    start = data.draw(st.integers(0, len(canonical.text)))
    end = data.draw(st.integers(start, len(canonical.text)))
    span = Span(start, end)
    back = span if canonical.offsets is None else canonical.offsets.to_original(span)
    assert 0 <= back.start <= back.end <= len(text)
    assert (back.start == back.end) == (start == end)
    again = canonicalize(text[back.start : back.end]).text
    assert _folded(canonical.text[start:end]) in _folded(again)


@given(LIVELY)
def test_places_never_run_backwards(text: str) -> None:
    canonical = canonicalize(text)
    if canonical.offsets is None:
        assert len(canonical.text) == len(text)
        return
    places = [canonical.offsets.to_original(Span(index, index + 1)) for index in range(len(canonical.text))]
    assert places == sorted(places)
    assert all(before.end <= after.start or before == after for before, after in pairwise(places))


def _folded(text: str) -> str:
    """`text` with all look-alikes folded, by putting an ASCII letter beside each."""
    return "".join(fold_confusables(f"b{letter}").text[1:] for letter in text)
