"""Check digits of numbers. Every function takes ASCII digits only and answers False for anything else."""

from __future__ import annotations

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

_VERHOEFF_PRODUCT = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8),
    (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2),
    (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)
_VERHOEFF_ORDER = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    (1, 5, 7, 6, 2, 8, 3, 0, 9, 4),
    (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7),
    (9, 4, 5, 3, 1, 2, 6, 8, 7, 0),
    (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5),
    (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)


def luhn_valid(digits: str) -> bool:
    """True where the last digit is the Luhn check digit of the others (ISO/IEC 7812-1, annex B)."""
    if not _is_digits(digits):
        return False
    values = [int(digit) for digit in reversed(digits)]
    return (sum(values[0::2]) + sum(_DOUBLED[value] for value in values[1::2])) % 10 == 0


def aba_valid(digits: str) -> bool:
    """True for nine digits with a Federal Reserve prefix and the ABA routing check (weights 3, 7, 1)."""
    if len(digits) != 9 or not _is_digits(digits) or digits == "000000000":
        return False
    prefix = int(digits[:2])
    if not (prefix <= 12 or 21 <= prefix <= 32 or 61 <= prefix <= 72 or prefix == 80):
        return False
    return weighted_sum(digits, (3, 7, 1, 3, 7, 1, 3, 7, 1)) % 10 == 0


def iban_valid(text: str) -> bool:
    """True where an IBAN without spaces, upper case, holds its check (ISO 13616: mod 97 over the turned string).

    Length by country is the caller's business; here 15 to 34 characters.
    """
    if not (15 <= len(text) <= 34 and text[:2].isalpha() and text[2:4].isdigit()):
        return False
    return mod97(text[4:] + text[:4]) == 1


def mod97(text: str) -> int:
    """The remainder by 97 of digits and upper-case letters read as 10 to 35 (ISO 7064); -1 for other characters."""
    if not (text.isascii() and text.isalnum() and text == text.upper()):
        return -1
    remainder = 0
    for character in text:
        value = int(character, 36)
        remainder = (remainder * (100 if value > 9 else 10) + value) % 97
    return remainder


def verhoeff_valid(digits: str) -> bool:
    """True where the last digit is the Verhoeff check digit of the others (Aadhaar numbers)."""
    if not _is_digits(digits):
        return False
    check = 0
    for index, digit in enumerate(reversed(digits)):
        check = _VERHOEFF_PRODUCT[check][_VERHOEFF_ORDER[index % 8][int(digit)]]
    return check == 0


def weighted_sum(digits: str, weights: tuple[int, ...]) -> int:
    """The sum of the digits times their weights, as far as both go. `digits` must be ASCII digits."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def mod11_valid(digits: str, weights: tuple[int, ...], *, ten: str = "") -> bool:
    """True where 11 minus the weighted sum of all but the last character, by 11, is that last character.

    11 counts as 0. A check value of 10 is written as `ten` (such as `X`); where `ten` is empty it is never valid.
    NHS numbers: weights 10 to 2. ISBN-10: weights 10 to 2 with `ten="X"`.
    """
    body, last = digits[:-1], digits[-1:]
    if not _is_digits(body) or len(body) != len(weights):
        return False
    check = (11 - weighted_sum(body, weights) % 11) % 11
    return last == (ten if check == 10 else str(check)) and bool(last)


def _is_digits(text: str) -> bool:
    return bool(text) and text.isascii() and text.isdigit()
