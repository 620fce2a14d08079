"""Check digits against published examples, and against every single-digit slip."""

from __future__ import annotations

import binascii
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardhouse.text.checksum import aba_valid, luhn_valid, token_crc_valid, weighted_sum

NHS = (10, 9, 8, 7, 6, 5, 4, 3, 2)


@pytest.mark.parametrize("digits", ["4111111111111111", "378282246310005", "79927398713", "0"])
def test_luhn(digits: str) -> None:
    assert luhn_valid(digits)


@pytest.mark.parametrize("digits", ["4111111111111112", "", "4111 1111", "x", "４１１１", "-1"])
def test_luhn_refuses(digits: str) -> None:
    assert not luhn_valid(digits)


def test_one_wrong_digit_is_always_seen() -> None:
    good = next(number for number in (f"48121357{last}" for last in range(10)) if luhn_valid(number))
    wrong = [
        good[:at] + digit + good[at + 1 :] for at in range(len(good)) for digit in "0123456789" if digit != good[at]
    ]
    assert [number for number in wrong if luhn_valid(number)] == []


@pytest.mark.parametrize(
    ("digits", "valid"),
    [
        ("021000021", True),
        ("011401533", True),
        ("021000022", False),
        ("000000000", False),
        ("501000021", False),
        ("02100002", False),
        ("02100002x", False),
    ],
)
def test_aba(digits: str, valid: bool) -> None:
    assert aba_valid(digits) is valid


def test_weighted_sum_goes_as_far_as_both_do() -> None:
    assert weighted_sum("123", (1, 10)) == 21


def with_check(body: str) -> str:
    """`body` with its six check letters, worked out apart from the code under test."""
    alphabet = string.digits + string.ascii_uppercase + string.ascii_lowercase
    rest, letters = binascii.crc32(body.encode()), []
    while rest:
        letters.append(alphabet[rest % 62])
        rest //= 62
    return body + "".join(reversed(letters)).rjust(6, "0")


@given(st.text(string.ascii_letters + string.digits, min_size=1, max_size=60))
def test_token_crc_holds_for_what_was_made_with_it(body: str) -> None:
    assert token_crc_valid(with_check(body))


@given(st.text(string.ascii_letters + string.digits, min_size=30, max_size=30), st.integers(0, 35), st.integers(1, 61))
def test_token_crc_catches_every_single_letter(body: str, place: int, step: int) -> None:
    alphabet = string.digits + string.ascii_uppercase + string.ascii_lowercase
    token = with_check(body)
    other = alphabet[(alphabet.index(token[place]) + step) % 62]
    assert not token_crc_valid(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("body", ["", "abcdef", "é" * 36, "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18"])
def test_token_crc_refuses(body: str) -> None:
    assert not token_crc_valid(body)


def test_token_crc_of_a_published_example() -> None:
    assert token_crc_valid("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0m" + "Lq17")
