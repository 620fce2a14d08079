"""Check digits of numbers and check letters of tokens. What is not written in their alphabet is answered with False."""

from __future__ import annotations

import zlib

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK_LENGTH = 6
_VALUES = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def luhn_valid(digits: str) -> bool:
    """True where the last digit is the Luhn check digit of the others (ISO/IEC 7812-1, annex B)."""
    if not _is_digits(digits):
        return False
    signs = digits.encode()
    return (sum(signs[::-2].translate(_VALUES)) + sum(signs[-2::-2].translate(_DOUBLED))) % 10 == 0


def aba_valid(digits: str) -> bool:
    """True for nine digits with a Federal Reserve prefix and the ABA routing check (weights 3, 7, 1)."""
    if len(digits) != 9 or not _is_digits(digits) or digits == "000000000":
        return False
    prefix = int(digits[:2])
    if not (prefix <= 12 or 21 <= prefix <= 32 or 61 <= prefix <= 72 or prefix == 80):
        return False
    return weighted_sum(digits, (3, 7, 1, 3, 7, 1, 3, 7, 1)) % 10 == 0


def weighted_sum(digits: str, weights: tuple[int, ...]) -> int:
    """The sum of the digits times their weights, as far as both go. `digits` must be ASCII digits."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def token_crc_valid(body: str) -> bool:
    """True where the last six letters of `body` are the CRC-32 of those before them, in base 62 with leading zeros.

    `body` is a token without its prefix, as GitHub (2021) and npm (2021) make them:
    https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/, "Identifiable prefixes".
    """
    if len(body) <= _CHECK_LENGTH or not body.isascii():
        return False
    rest = zlib.crc32(body[:-_CHECK_LENGTH].encode())
    letters = ""
    for _ in range(_CHECK_LENGTH):
        rest, digit = divmod(rest, len(_BASE62))
        letters = _BASE62[digit] + letters
    return body.endswith(letters)


def _is_digits(text: str) -> bool:
    return bool(text) and text.isascii() and text.isdigit()
