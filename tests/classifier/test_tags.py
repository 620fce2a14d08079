"""From single tokens to ranges of the text, on logits made for the test."""

from __future__ import annotations

import numpy as np
import pytest

from guardhouse.classifier.names import Words
from guardhouse.classifier.network import WIDTH
from guardhouse.classifier.tags import injected_range, name_tags

KINDS = ("person", "location")
TEXT = "Ana Lima met Bo in Oslo"
#       0   4    9   13 16 19
STARTS, ENDS = [0, 4, 9, 13, 16, 19], [3, 8, 12, 15, 18, 23]
OUTSIDE, PERSON, MORE_PERSON, PLACE, MORE_PLACE = range(5)
WORDS = Words(np.array(STARTS), np.array(ENDS), np.zeros((6, WIDTH), np.float32))


def likely(tags: list[int], sure: float = 0.96) -> np.ndarray:
    """Words whose tag is that sure, the rest dealt evenly."""
    given = np.full((len(tags), 5), (1 - sure) / 4, dtype=np.float32)
    given[np.arange(len(tags)), tags] = sure
    return given


def found(tags: list[int], sure: float = 0.96) -> list[tuple[str, str]]:
    return [(tag.kind, TEXT[tag.span.start : tag.span.end]) for tag in name_tags(WORDS, likely(tags, sure=sure), KINDS)]


def test_begin_and_inside_make_one_name() -> None:
    tags = [PERSON, MORE_PERSON, OUTSIDE, PERSON, OUTSIDE, PLACE]
    assert found(tags) == [("person", "Ana Lima"), ("person", "Bo"), ("location", "Oslo")]


def test_two_begins_are_two_names() -> None:
    assert found([PERSON, PERSON, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE]) == [("person", "Ana"), ("person", "Lima")]


def test_inside_without_begin_is_a_name_too() -> None:
    assert found([OUTSIDE, OUTSIDE, OUTSIDE, MORE_PERSON, OUTSIDE, OUTSIDE]) == [("person", "Bo")]


def test_two_kinds_side_by_side_are_two_names() -> None:
    assert found([PERSON, MORE_PLACE, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE]) == [("person", "Ana"), ("location", "Lima")]


def test_what_is_unsure_is_not_told() -> None:
    assert found([PERSON, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE], sure=0.2) == []
    (tag,) = name_tags(WORDS, likely([PERSON] + [OUTSIDE] * 5, sure=0.6), KINDS)
    assert tag.confidence == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ([], None),
        ([5], None),
        ([5, 6, 7], None),
        ([5, 6, 7, 8], (5, 9)),
        ([5, 6, 9, 12], (5, 13)),
        ([0, 1, 2, 3, 20, 21, 22, 23, 24, 25], (20, 26)),
        ([0, 10, 20, 30], None),
    ],
)
def test_the_longest_run_of_marked_tokens_is_the_order(marked: list[int], expected: tuple[int, int] | None) -> None:
    logits = np.full(40, -3.0, dtype=np.float32)
    logits[marked] = 3.0
    assert injected_range(logits) == expected
