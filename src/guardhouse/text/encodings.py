"""Text written as base64, hexadecimal, binary or decimal codes inside other text."""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from guardhouse.text.hidden import printable

_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}+={0,2}"
    r"(?:(?<!=)\r?\n[ \t]{0,8}[A-Za-z0-9+/_-]{2,100}+={0,2}(?=[ \t]*(?:\r?\n|\Z)))*+"
)
# Codes of readable text hold digits, so these begin with one: prose is passed over quickly. A run may begin with the
# letters a to f all the same; `encoded_runs` then takes them in.
_HEX = re.compile(r"[0-9](?<![G-Zg-z].)(?:[0-9a-fA-F]{31,}+|[xX][0-9a-fA-F]{32,}+)(?![0-9A-Za-z])")
_HEX_APART = re.compile(
    r"[0-9](?<![0-9A-Za-z].)(?:[xX][0-9a-fA-F]{2}|[0-9a-fA-F])"
    r"(?:[ ,:;]{1,2}(?:0[xX])?[0-9a-fA-F]{2}(?![0-9A-Za-z])){11,}+"
)
_BINARY = re.compile(r"[01](?<![0-9A-Za-z].)[01]{7}(?:[ ,]{0,2}[01]{8}){7,}+(?![0-9A-Za-z])")
_DECIMAL = re.compile(r"[0-9](?<![0-9A-Za-z].)[0-9]{1,2}(?:[ ,]{1,2}[0-9]{2,3}(?![0-9A-Za-z])){11,}+")
_DIGITS = "0123456789"
_JUNK = re.compile(r"[^A-Za-z0-9+/]")
_WORDLIKE = re.compile(r"[^\W\d_]{2}")


@dataclass(frozen=True, slots=True)
class Encoded:
    """A run of encoded text, its range and what it says."""

    name: str
    start: int
    end: int
    text: str


def encoded_runs(text: str) -> Iterator[Encoded]:
    """The runs of `text` that decode to something printable, form by form. Linear in the text."""
    forms = _FORMS if any(digit in text for digit in _DIGITS) else _FORMS[:1]  # all but base64 begin with a digit
    for name, pattern, decode in forms:
        for match in pattern.finditer(text):
            start, end = match.span()
            while pattern is _HEX and start and text[start - 1] in "abcdefABCDEF":
                start -= 1
            data = decode(text[start:end])
            plain = printable(data) if data else None
            if plain is not None and _WORDLIKE.search(plain) is not None:
                yield Encoded(name, start, end, plain)


def _from_base64(run: str) -> bytes:
    digits = _JUNK.sub("", run.replace("-", "+").replace("_", "/"))
    whole = digits[: len(digits) - (len(digits) % 4 == 1)]
    try:
        return binascii.a2b_base64(whole + "=" * (-len(whole) % 4))
    except binascii.Error:
        return b""


def _from_hex(run: str) -> bytes:
    digits = run[2:] if run[:2] in ("0x", "0X") else run
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def _from_hex_apart(run: str) -> bytes:
    return bytes.fromhex(re.sub(r"0[xX]|[ ,:;]", "", run))


def _from_binary(run: str) -> bytes:
    digits = re.sub(r"[ ,]", "", run)
    return int(digits, 2).to_bytes(len(digits) // 8, "big")


def _from_decimal(run: str) -> bytes:
    codes = [int(code) for code in re.findall(r"[0-9]+", run)]
    return bytes(codes) if all(32 <= code < 127 or code in (9, 10, 13) for code in codes) else b""


_FORMS: tuple[tuple[str, re.Pattern[str], Callable[[str], bytes]], ...] = (
    ("base64", _BASE64, _from_base64),
    ("hex", _HEX, _from_hex),
    ("hex", _HEX_APART, _from_hex_apart),
    ("binary", _BINARY, _from_binary),
    ("decimal", _DECIMAL, _from_decimal),
)
