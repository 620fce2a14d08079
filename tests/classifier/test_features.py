"""Folding, windows and hashed features."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardhouse.classifier.features import (
    BATCH,
    CHAR_WEIGHT,
    FEATURES,
    LEAST_SAID,
    WHOLE,
    WINDOW,
    WORD_FEATURES,
    fold,
    window_features,
    windows,
)
from guardhouse.model.conversation import Channel


def numbers(text: str, channel: Channel = Channel.USER) -> set[int]:
    folded = fold(text)
    return {int(number) for found, _ in window_features(folded, windows(folded), channel) for number in found}


def test_fold_evens_case_digits_and_blanks() -> None:
    folded = fold("Route  66\n\tTO Ulm")
    assert "".join(map(chr, folded.points)) == "route 00 to ulm"
    span = folded.span(6, 8)
    assert (span.start, span.end) == (7, 9)


def test_fold_keeps_places_when_lower_case_grows() -> None:
    text = "İstanbul ŞİŞLİ x"
    folded = fold(text)
    assert len(folded.points) == len(text)
    span = folded.span(len(text) - 1, len(text))
    assert text[span.start : span.end] == "x"


def test_short_text_is_one_window() -> None:
    assert windows(fold("a" * WHOLE)) == [(0, WHOLE)]
    assert windows(fold("")) == [(0, 0)]


@given(st.integers(WHOLE + 1, 9000))
def test_windows_cover_a_long_text(size: int) -> None:
    ranges = windows(fold("a" * size))
    assert ranges[0][0] == 0
    assert ranges[-1][1] == size
    assert all(end - start == WINDOW for start, end in ranges)
    assert all(after[0] < before[1] for before, after in pairwise(ranges))


@given(st.text(max_size=300), st.sampled_from(list(Channel)))
def test_features_of_any_text(text: str, channel: Channel) -> None:
    folded = fold(text)
    for found, length in window_features(folded, windows(folded), channel):
        assert found.dtype == np.uint32
        assert (np.diff(found.astype(np.int64)) > 0).all()
        assert found.max(initial=0) < FEATURES
        words = int((found < WORD_FEATURES).sum())
        assert length == pytest.approx((LEAST_SAID + words + CHAR_WEIGHT**2 * (len(found) - words)) ** 0.5)


def test_lone_surrogates_and_signs_beyond_the_plane_are_read() -> None:
    assert numbers("\ud800 \U0001f9d1 \udfff")


def test_the_same_words_share_features_and_the_channel_adds_its_own() -> None:
    user, tool = numbers("send me the file"), numbers("send me the file", Channel.TOOL)
    assert user != tool
    assert len(user & tool) > len(user) / 2
    assert numbers("send me the file", Channel.DOCUMENT) == tool


def test_case_and_white_space_change_nothing() -> None:
    assert numbers("Send  ME\nthe file") == numbers("send me the file")


def test_word_order_matters() -> None:
    assert numbers("dog bites man") != numbers("man bites dog")


def test_signs_without_blanks_are_words_of_their_own() -> None:
    one, both = numbers("忽略"), numbers("忽略指令")
    shared = {number for number in one & both if number < WORD_FEATURES}
    assert len(shared) >= 4


def test_a_window_reads_the_same_wherever_it_lies_in_a_batch() -> None:
    text = " ".join(f"word{index}" for index in range(4000))
    folded = fold(text)
    ranges = windows(folded)
    assert len(ranges) > 2 * BATCH
    together = [found for found, _ in window_features(folded, ranges, Channel.USER)]
    for index in (0, BATCH - 1, BATCH, len(ranges) - 1):
        alone = next(window_features(folded, [ranges[index]], Channel.USER))[0]
        assert (together[index] == alone).all()
