"""Identifiers whose rules python-stdnum does not have, or has otherwise than we need them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable

from guardhouse.text.checksum import aba_valid, luhn_valid

Claim = Callable[[str], bool]
_NOT_ALNUM = re.compile(r"[^0-9A-Za-z]")


def _compact(value: str) -> str:
    return _NOT_ALNUM.sub("", value).upper()


def has_two_digits(value: str) -> bool:
    """True unless all digits are the same one, which nobody's number is."""
    return len(set(_compact(value))) > 1


def is_us_ssn(value: str) -> bool:
    """A social security number that may have been issued: no area 000, 666 or 9xx, no group 00, no serial 0000.

    Source: ssa.gov, randomization of 2011. Numbers printed in advertisements are none.
    """
    digits = _compact(value)
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in ("000", "666") or area[0] == "9" or group == "00" or serial == "0000":
        return False
    return digits not in ("078051120", "219099999", "123456789") and len(set(digits)) > 1


def is_routing_number(value: str) -> bool:
    """A routing number of the American Bankers Association: its check digit, and a first pair that is in use."""
    return aba_valid(_compact(value))


def is_australian_medicare(value: str) -> bool:
    """A Medicare card number: first digit 2 to 6, ninth digit a weighted sum of the eight before it."""
    digits = _compact(value)
    total = sum(weight * int(digit) for weight, digit in zip((1, 3, 7, 9, 1, 3, 7, 9), digits, strict=False))
    return digits[0] in "23456" and total % 10 == int(digits[8])


def is_dea_number(value: str) -> bool:
    """A registration number of the Drug Enforcement Administration: two letters, seven digits, the last a check."""
    text = _compact(value)
    digits = [int(digit) for digit in text[2:]]
    return (digits[0] + digits[2] + digits[4] + 2 * (digits[1] + digits[3] + digits[5])) % 10 == digits[6]


def is_npi(value: str) -> bool:
    """A National Provider Identifier: ten digits that hold the Luhn digit after the prefix 80840."""
    digits = _compact(value)
    return digits[0] in "12" and luhn_valid("80840" + digits)


def is_singapore_nric(value: str) -> bool:
    """An NRIC or FIN of Singapore: letter, seven digits, check letter."""
    text = _compact(value)
    total = sum(weight * int(digit) for weight, digit in zip((2, 7, 6, 5, 4, 3, 2), text[1:8], strict=True))
    total += {"T": 4, "G": 4, "M": 3}.get(text[0], 0)
    letters = {"S": "JZIHGFEDCBA", "T": "JZIHGFEDCBA", "F": "XWUTRQPNMLK", "G": "XWUTRQPNMLK", "M": "XWUTRQPNJLK"}
    return letters[text[0]][total % 11] == text[8]


def is_hong_kong_id(value: str) -> bool:
    """A Hong Kong identity card number: one or two letters, six digits, check digit (0 to 9 or A)."""
    text = _compact(value)
    letters, digits, check = text[:-7], text[-7:-1], text[-1]
    values = [36, ord(letters) - 55] if len(letters) == 1 else [ord(letter) - 55 for letter in letters]
    values += [int(digit) for digit in digits]
    total = sum(weight * item for weight, item in zip(range(9, 1, -1), values, strict=True))
    return (total + (10 if check == "A" else int(check))) % 11 == 0


_TAIWAN_AREA = {letter: 10 + index for index, letter in enumerate("ABCDEFGHJKLMNPQRSTUVXYWZIO")}


def is_taiwan_id(value: str) -> bool:
    """A national identification number of Taiwan: area letter, sex, seven digits, check digit."""
    text = _compact(value)
    area = _TAIWAN_AREA[text[0]]
    digits = [int(digit) for digit in text[1:]]
    total = area // 10 + 9 * (area % 10) + sum(w * d for w, d in zip((8, 7, 6, 5, 4, 3, 2, 1, 1), digits, strict=True))
    return total % 10 == 0


def is_korean_rrn(value: str) -> bool:
    """A resident registration number of Korea by its birth date; since October 2020 there is no check digit."""
    digits = _compact(value)
    century = {"1": 19, "2": 19, "5": 19, "6": 19, "3": 20, "4": 20, "7": 20, "8": 20, "9": 18, "0": 18}[digits[6]]
    return _is_date(century * 100 + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))


def is_chinese_id(value: str) -> bool:
    """A resident identity number of China: province, birth date and check character (GB 11643, ISO 7064 mod 11-2)."""
    text = _compact(value)
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(weight * int(digit) for weight, digit in zip(weights, text, strict=False))
    born = _is_date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    return "11" <= text[:2] <= "91" and 1850 < int(text[6:10]) < 2100 and born and "10X98765432"[total % 11] == text[17]


_COUNTRY = re.compile(
    "A[DEFGILMOQRSTUWXZ]|B[ABDEFGHIJLMNOQRSTVWYZ]|C[ACDFGHIKLMNORUVWXYZ]|D[EJKMOZ]|E[CEGHRST]|F[IJKMOR]|G[ABDEFGHILMNPQRSTUWY]"
    "|H[KMNRTU]|I[DELMNOQRST]|J[EMOP]|K[EGHIMNPRWYZ]|L[ABCIKRSTUVY]|M[ACDEFGHKLMNOPQRSTUVWXYZ]|N[ACEFGILOPRUZ]|OM"
    "|P[AEFGHKLMNRSTWY]|QA|R[EOSUW]|S[ABCDEGHIJKLMNORSTVXYZ]|T[CDFGHJKLMNORTVWZ]|U[AGMSYZ]|V[ACEGINU]|W[FS]|XK|Y[ET]|Z[AMW]"
)


def is_bic(value: str) -> bool:
    """A business identifier code with a country of ISO 3166 in its fifth and sixth place."""
    return _COUNTRY.fullmatch(value[4:6]) is not None


def is_nino(value: str) -> bool:
    """A National Insurance number of the United Kingdom by its prefix rules."""
    text = _compact(value)
    return (
        text[0] not in "DFIQUV"
        and text[1] not in "DFIOQUV"
        and text[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")
    )


def is_snils(value: str) -> bool:
    """A Russian pension insurance number: nine digits and their weighted sum modulo 101."""
    digits = _compact(value)
    total = sum(int(digit) * weight for digit, weight in zip(digits, range(9, 0, -1), strict=False))
    return total % 101 % 100 == int(digits[9:])


_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def is_vin(value: str) -> bool:
    """A vehicle identification number with its check digit in the ninth place. Source: ISO 3779, 49 CFR 565."""
    text = _compact(value)
    values = [int(item) if item.isdigit() else _VIN_VALUES[item] for item in text]
    remainder = sum(weight * item for weight, item in zip(_VIN_WEIGHTS, values, strict=True)) % 11
    return text[8] == ("X" if remainder == 10 else str(remainder))


def is_foreign_vin(value: str) -> bool:
    """A vehicle identification number from where none has a check digit: not from North America or China."""
    text = _compact(value)
    return text[0] not in "12345L0" and text[-4:].isdigit() and len(set(text)) >= 6


def is_luhn(value: str) -> bool:
    """True where the last digit is the Luhn check digit of the others, which are not all the same."""
    digits = _compact(value)
    return len(set(digits)) > 1 and luhn_valid(digits)


def is_rpps(value: str) -> bool:
    """A number in the French directory of health professionals (RPPS): eleven digits, the Luhn digit last."""
    return _compact(value)[0] in "18" and is_luhn(value)


def is_date(century: int, digits: str) -> bool:
    """True where the six digits (year, month, day) are a date of that century."""
    return _is_date(century + int(digits[:2]), int(digits[2:4]), int(digits[4:6]))


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        datetime.date(year, month, day)
    except ValueError:
        return False
    return True
