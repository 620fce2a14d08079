"""Windows cover a text, overlap and do not cut words where they can help it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardhouse.model.finding import Span
from guardhouse.text.chunk import windows

WORDS = "one two three four five six seven"


@pytest.mark.parametrize(
    ("text", "size", "overlap", "expected"),
    [
        pytest.param("", 10, 2, [], id="empty"),
        pytest.param("short", 10, 2, ["short"], id="fits"),
        pytest.param("abcdefghij", 4, 0, ["abcd", "efgh", "ij"], id="no-spaces"),
        pytest.param(WORDS, 20, 0, ["one two three four ", "five six seven"], id="between-words"),
        pytest.param(WORDS, 20, 6, ["one two three four ", "three four five six ", "five six seven"], id="overlap"),
    ],
)
def test_windows(text: str, size: int, overlap: int, expected: list[str]) -> None:
    assert [text[span.start : span.end] for span in windows(text, size=size, overlap=overlap)] == expected


@pytest.mark.parametrize(("size", "overlap"), [(10, 5), (10, -1), (0, 0)])
def test_senseless_sizes_are_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        list(windows("text", size=size, overlap=overlap))


@given(st.text(alphabet="ab \n", max_size=400), st.integers(3, 60), st.data())
def test_windows_cover_everything_in_order(text: str, size: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, (size - 1) // 2))
    spans = list(windows(text, size=size, overlap=overlap))
    covered: set[int] = set()
    for span in spans:
        covered.update(range(span.start, span.end))
        assert span.end - span.start <= size
    assert covered == set(range(len(text)))
    assert spans == sorted(spans)
    assert len(set(spans)) == len(spans)
    assert len(spans) <= 4 * len(text) / size + 1
    assert all(isinstance(span, Span) for span in spans)
