"""From single tokens to ranges of the text, on logits made for the test."""

from __future__ import annotations

import numpy as np
import pytest

from guardhouse.classifier.network import WindowReading
from guardhouse.classifier.tags import injected_range, name_tags
from guardhouse.classifier.tokens import Tokens

KINDS = ("person", "location")
TEXT = "Ana Lima met Bo in Oslo"
#       0   4    9   13 16 19
STARTS, ENDS = [0, 4, 9, 13, 16, 19], [3, 8, 12, 15, 18, 23]
OUTSIDE, PERSON, MORE_PERSON, PLACE, MORE_PLACE = range(5)


def tokens(words: list[int] | None = None) -> Tokens:
    count = len(STARTS)
    numbers = words or list(range(count))
    return Tokens(*(np.array(given, dtype=np.int32) for given in (range(count), STARTS, ENDS, numbers)))


def reading(tags: list[int], sure: float = 8.0) -> WindowReading:
    """A window whose frame says nothing and whose tokens have these tags."""
    logits = np.zeros((len(tags) + 3, 5), dtype=np.float32)
    logits[:, OUTSIDE] = sure
    for index, tag in enumerate(tags):
        logits[index + 2] = 0
        logits[index + 2, tag] = sure
    return WindowReading(np.zeros(1, np.float32), np.zeros(len(tags) + 3, np.float32), logits)


def found(tags: list[int], words: list[int] | None = None, sure: float = 8.0) -> list[tuple[str, str]]:
    whole = [(0, len(tags))]
    return [
        (tag.kind, TEXT[tag.span.start : tag.span.end])
        for tag in name_tags(tokens(words), whole, [reading(tags, sure)], KINDS)
    ]


def test_begin_and_inside_make_one_name() -> None:
    tags = [PERSON, MORE_PERSON, OUTSIDE, PERSON, OUTSIDE, PLACE]
    assert found(tags) == [("person", "Ana Lima"), ("person", "Bo"), ("location", "Oslo")]


def test_two_begins_are_two_names() -> None:
    assert found([PERSON, PERSON, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE]) == [("person", "Ana"), ("person", "Lima")]


def test_inside_without_begin_is_a_name_too() -> None:
    assert found([OUTSIDE, OUTSIDE, OUTSIDE, MORE_PERSON, OUTSIDE, OUTSIDE]) == [("person", "Bo")]


def test_a_word_is_never_cut() -> None:
    words = [0, 0, 1, 2, 3, 4]  # as if "Ana Lima" were pieces of one word
    assert found([PERSON, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE], words) == [("person", "Ana Lima")]


def test_what_is_unsure_is_not_told() -> None:
    assert found([PERSON, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE], sure=0.0) == []
    (tag,) = name_tags(tokens(), [(0, 6)], [reading([PERSON] + [OUTSIDE] * 5, sure=2.0)], KINDS)
    assert 0.5 < tag.confidence < 0.95


def test_where_windows_overlap_the_one_with_more_around_a_token_counts() -> None:
    first, second = reading([OUTSIDE] * 4), reading([OUTSIDE, PERSON, OUTSIDE, OUTSIDE])
    told = name_tags(tokens(), [(0, 4), (2, 6)], [first, second], KINDS)
    assert [TEXT[tag.span.start : tag.span.end] for tag in told] == ["Bo"]


def test_tokens_that_no_window_holds_have_no_name() -> None:
    assert name_tags(tokens(), [(4, 6)], [reading([PERSON, PLACE])], KINDS)[0].span.start == 16


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
