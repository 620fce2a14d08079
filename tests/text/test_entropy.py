"""Entropy of strings whose entropy is known."""

from __future__ import annotations

import math

import pytest

from guardhouse.text.entropy import shannon_bits


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("", 0.0),
        ("aaaa", 0.0),
        ("ab", 1.0),
        ("abcd" * 5, 2.0),
        ("aab", math.log2(3) - 2 / 3),
        ("0123456789abcdef", 4.0),
    ],
)
def test_bits_per_character(text: str, bits: float) -> None:
    assert shannon_bits(text) == pytest.approx(bits)
    assert math.copysign(1, shannon_bits(text)) == 1
