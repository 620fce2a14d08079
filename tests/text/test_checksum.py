"""Check digits against published examples, and against every single-digit slip."""

from __future__ import annotations

import pytest

from guardhouse.text.checksum import aba_valid, iban_valid, luhn_valid, mod11_valid, mod97, verhoeff_valid, weighted_sum

NHS = (10, 9, 8, 7, 6, 5, 4, 3, 2)


@pytest.mark.parametrize("digits", ["4111111111111111", "378282246310005", "79927398713", "0"])
def test_luhn(digits: str) -> None:
    assert luhn_valid(digits)


@pytest.mark.parametrize("digits", ["4111111111111112", "", "4111 1111", "x", "４１１１", "-1"])
def test_luhn_refuses(digits: str) -> None:
    assert not luhn_valid(digits)


@pytest.mark.parametrize("check", [luhn_valid, verhoeff_valid], ids=["luhn", "verhoeff"])
def test_one_wrong_digit_is_always_seen(check: object) -> None:
    assert callable(check)
    good = next(number for number in (f"48121357{last}" for last in range(10)) if check(number))
    wrong = [
        good[:at] + digit + good[at + 1 :] for at in range(len(good)) for digit in "0123456789" if digit != good[at]
    ]
    assert [number for number in wrong if check(number)] == []


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


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("GB82WEST12345698765432", True),
        ("DE89370400440532013000", True),
        ("NO9386011117947", True),
        ("GB82WEST12345698765433", False),
        ("gb82west12345698765432", False),
        ("GB82 WEST 1234 5698 7654 32", False),
        ("GB82", False),
        ("8282WEST12345698765432", False),
        ("", False),
    ],
)
def test_iban(text: str, valid: bool) -> None:
    assert iban_valid(text) is valid


def test_mod97() -> None:
    assert mod97("3214282912345698765432161182") == 1
    assert mod97("A0") == 100 % 97
    assert (mod97(""), mod97("a"), mod97("1 2"), mod97("é")) == (-1, -1, -1, -1)


@pytest.mark.parametrize(("digits", "valid"), [("2363", True), ("2364", False), ("", False), ("23 63", False)])
def test_verhoeff(digits: str, valid: bool) -> None:
    assert verhoeff_valid(digits) is valid


@pytest.mark.parametrize(
    ("digits", "weights", "ten", "valid"),
    [
        pytest.param("9434765919", NHS, "", True, id="nhs"),
        pytest.param("9434765918", NHS, "", False, id="nhs-wrong"),
        pytest.param("0306406152", NHS, "X", True, id="isbn"),
        pytest.param("080442957X", NHS, "X", True, id="isbn-x"),
        pytest.param("080442957X", NHS, "", False, id="ten-is-never-valid"),
        pytest.param("030640615", NHS, "X", False, id="short"),
        pytest.param("", (), "", False, id="empty"),
    ],
)
def test_mod11(digits: str, weights: tuple[int, ...], ten: str, valid: bool) -> None:
    assert mod11_valid(digits, weights, ten=ten) is valid


def test_weighted_sum_goes_as_far_as_both_do() -> None:
    assert weighted_sum("123", (1, 10)) == 21
