"""Quick conditions turn away nothing that the check itself takes."""

from __future__ import annotations

import random

import pytest

from guardhouse.detectors.pii.checks import check_named
from guardhouse.detectors.pii.quick import QUICK
from guardhouse.detectors.pii.rules import rule_table

LENGTHS = {
    name: sorted({sum(groups) for rule in rule_table().rules if rule.check == name for groups in rule.groups})
    for name in QUICK
}


@pytest.mark.parametrize("name", QUICK)
def test_what_the_check_takes_passes(name: str) -> None:
    """Random numbers, half of them beginning with a date of some order, as most national numbers do."""
    chance = random.Random(name)
    taken = 0
    for length in LENGTHS[name]:
        for _ in range(3_000):
            digits = "".join(chance.choices("0123456789", k=length))
            date = f"{chance.randint(1, 99):02d}{chance.randint(1, 12):02d}{chance.randint(1, 28):02d}"
            date = chance.choice((digits[:6], date, date[4:] + date[2:4] + date[:2], digits[0] + date))
            digits = chance.choice((digits, date + digits[len(date) :], f"756{digits[3:]}"))[:length]
            if check_named(name)(digits):
                taken += 1
                assert QUICK[name](digits), digits
    assert taken >= 3


@pytest.mark.parametrize("name", QUICK)
def test_many_numbers_are_turned_away(name: str) -> None:
    chance = random.Random(name)
    numbers = ["".join(chance.choices("0123456789", k=LENGTHS[name][-1])) for _ in range(500)]
    assert sum(map(QUICK[name], numbers)) <= 250


def test_exceptions_to_the_check_digit_pass() -> None:
    """Dominican numbers that are in use although their last digit is wrong."""
    assert check_named("stdnum:do.cedula")("00000021249")
    assert QUICK["stdnum:do.cedula"]("00000021249")
    assert not QUICK["stdnum:do.cedula"]("00000021248")


@pytest.mark.parametrize(("digits", "passes"), [("81854401", True), ("81854403", False), ("123456782", True)])
def test_australian_tax_numbers_have_eight_or_nine_digits(digits: str, passes: bool) -> None:
    assert QUICK["stdnum:au.tfn"](digits) is passes
    assert bool(check_named("stdnum:au.tfn")(digits)) is passes
