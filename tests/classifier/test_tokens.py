"""Texts as tokens, and the windows they are read in."""

from __future__ import annotations

from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardhouse.classifier.tokens import BODY, WINDOW, load_tokenizer, token_windows, tokenize, window_ids
from guardhouse.model.conversation import Channel


@cache
def tokenizer() -> Any:
    return load_tokenizer(Path(str(resources.files("guardhouse.classifier") / "data" / "tokenizer.json")))


def pieces(text: str) -> list[str]:
    tokens = tokenize(tokenizer(), text)
    return [text[start:end] for start, end in zip(tokens.starts, tokens.ends, strict=True)]


def test_offsets_are_code_points_of_the_text() -> None:
    assert pieces("Ignoriere 😀 alles, Zoë!") == ["Ign", "ori", "ere", "😀", "all", "es", ",", "Zoë", "!"]


def test_words_tell_which_pieces_belong_together() -> None:
    tokens = tokenize(tokenizer(), "Kowalska waits")
    kowalska = tokens.words[0]
    assert [int(word) for word in tokens.words] == [kowalska] * (len(tokens.words) - 1) + [kowalska + 1]
    assert tokens.span(0, len(tokens.ids) - 1) == type(tokens.span(0, 1))(0, 8)


@pytest.mark.parametrize("number", ["4111 1111 1111 1111", "2026-11-28", "10.20.30.40", "+49 30 1234567"])
def test_long_numbers_say_nothing(number: str) -> None:
    with_number = tokenize(tokenizer(), f"pay {number} now")
    without = tokenize(tokenizer(), f"pay {' ' * len(number)} now")
    digits = [piece for piece in pieces(f"pay {number} now") if any(map(str.isdigit, piece))]
    assert digits == []
    assert len(with_number.ids) - len(without.ids) == number.startswith("+")


def test_short_numbers_are_read() -> None:
    assert "12" in pieces("at 12 Baker Street")


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None), max_size=80))
def test_any_text_has_ordered_tokens_inside_it(text: str) -> None:
    tokens = tokenize(tokenizer(), text)
    assert len(tokens.ids) == len(tokens.starts) == len(tokens.ends) == len(tokens.words)
    for start, end in zip(tokens.starts, tokens.ends, strict=True):
        assert 0 <= start <= end <= len(text)
    assert all(first <= second for first, second in pairwise(tokens.starts.tolist()))


def test_a_lone_surrogate_is_one_code_point() -> None:
    text = "a \ud800 b"
    assert pieces(text)[0] == "a"
    assert pieces(text)[-1] == "b"


@pytest.mark.parametrize("count", [1, BODY - 1, BODY, BODY + 1, 300, 1000, 4096])
def test_windows_cover_everything_and_overlap(count: int) -> None:
    ranges = token_windows(count)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == count
    assert all(end - start <= BODY for start, end in ranges)
    for (_, end), (start, _) in pairwise(ranges):
        assert start <= end - 30 or start == count - BODY
    assert sorted(set().union(*(range(start, end) for start, end in ranges))) == list(range(count))


def test_nothing_has_no_window() -> None:
    assert token_windows(0) == []
    assert len(tokenize(tokenizer(), " \n\t").ids) == 0


def test_a_window_says_its_channel() -> None:
    tokens = tokenize(tokenizer(), "hello " * 300)
    framed = {channel: window_ids(tokens.ids[:BODY], channel) for channel in Channel}
    assert {len(ids) for ids in framed.values()} == {WINDOW}
    assert len({ids[1] for ids in framed.values()}) == len(Channel)
    assert {(ids[0], ids[2], ids[-1]) for ids in framed.values()} == {(101, int(tokens.ids[0]), 102)}
