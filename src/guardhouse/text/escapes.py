"""Characters written as escapes: JSON, percent, HTML entities, `\\x41` and `\\u0041`."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from guardhouse.text.offsets import MapBuilder, OffsetMap

_JSON = re.compile(r'\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|["\\/bfnrt])')
_JSON_SHORT = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}

_GAP = 64
"""Most plain characters between two escapes that are read together."""
_EDGE = 128
"""Most plain characters that a word may reach beyond its first or last escape."""
_MIN_TELLING = 3
"""Least number of escapes that stand for letters, digits or spaces, before a passage is read again."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a text in which escapes stand: its range, its plain form, and the way back into the range.

    `escapes` are the range of each in the text and what it stands for.
    """

    name: str
    start: int
    end: int
    text: str
    offsets: OffsetMap
    escapes: tuple[tuple[int, int, str], ...]
    needless: int
    """Escapes of ASCII letters and digits, which nothing but disguise needs."""


def decode_json_escapes(text: str) -> tuple[str, OffsetMap | None]:
    """`text` with JSON's escapes undone, and the way back; as it is where it is no JSON or has none.

    The structure stays: `{"a": "x\\ny"}` keeps its quotes and braces.
    """
    if "\\" not in text or text.lstrip()[:1] not in ("{", "[", '"'):
        return text, None
    builder = MapBuilder(text)
    at = 0
    for match in _JSON.finditer(text):
        builder.copied(at, match.start())
        builder.replaced(match.start(), match.end(), _json_character(match.group()))
        at = match.end()
    builder.copied(at, len(text))
    return builder.finish()


def _json_character(escape: str) -> str:
    if len(escape) == 2:
        return _JSON_SHORT[escape[1]]
    if len(escape) == 6:
        return chr(int(escape[2:], 16))
    high, low = int(escape[2:6], 16), int(escape[8:], 16)
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _percent(run: str) -> str:
    data = bytes.fromhex(run.replace("%", ""))
    return data.decode("utf-8", "replace")


def _entity(run: str) -> str:
    return html.unescape(run)


def _code(run: str) -> str:
    digits = run[2:].strip("{}")
    point = int(digits, 16)
    return chr(point) if point <= 0x10FFFF else "\ufffd"


@dataclass(frozen=True, slots=True)
class _Form:
    name: str
    mark: str
    """Stands in every escape; without it the text is not searched."""
    unit: re.Pattern[str]
    decode: Callable[[str], str]


_FORMS = (
    _Form(
        "percent",
        "%",
        re.compile(
            r"%(?:[c-dC-D][0-9a-fA-F]%[89abAB][0-9a-fA-F]|[eE][0-9a-fA-F](?:%[89abAB][0-9a-fA-F]){2}"
            r"|[fF][0-7](?:%[89abAB][0-9a-fA-F]){3}|[0-9a-fA-F]{2})"
        ),
        _percent,
    ),
    _Form(
        "entities",
        "&",
        re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,15});"),
        _entity,
    ),
    _Form(
        "escapes",
        "\\",
        re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|U[0-9a-fA-F]{8})"),
        _code,
    ),
)


def escaped_passages(text: str) -> Iterator[Passage]:
    """The passages of `text` in which at least three escapes of one form stand for letters, digits or spaces."""
    for form in _FORMS:
        if form.mark in text:
            yield from _passages(text, form)


def _passages(text: str, form: _Form) -> Iterator[Passage]:
    group: list[tuple[int, int, str]] = []
    for match in form.unit.finditer(text):
        start, end = match.span()
        decoded = form.decode(match.group())
        if decoded == match.group():  # a name that is no entity
            continue
        if group and start - group[-1][1] > _GAP:
            yield from _passage(text, form, group)
            group = []
        group.append((start, end, decoded))
    if group:
        yield from _passage(text, form, group)


def _passage(text: str, form: _Form, group: list[tuple[int, int, str]]) -> Iterator[Passage]:
    plain = "".join(decoded for _, _, decoded in group)
    if sum(letter.isalnum() or letter.isspace() for letter in plain) < _MIN_TELLING:
        return
    start, end = _word_start(text, group[0][0]), _word_end(text, group[-1][1])
    builder = MapBuilder(text)
    at = start
    for first, last, decoded in group:
        builder.copied(at, first)
        builder.replaced(first, last, decoded)
        at = last
    builder.copied(at, end)
    decoded_text, offsets = builder.finish()
    needless = sum(letter.isascii() and letter.isalnum() for letter in plain)
    yield Passage(form.name, start, end, decoded_text, offsets, tuple(group), needless)


def _word_start(text: str, at: int) -> int:
    least = max(0, at - _EDGE)
    while at > least and not text[at - 1].isspace():
        at -= 1
    return at


def _word_end(text: str, at: int) -> int:
    most = min(len(text), at + _EDGE)
    while at < most and not text[at].isspace():
        at += 1
    return at
