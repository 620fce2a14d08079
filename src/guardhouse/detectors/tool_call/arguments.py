"""A tool call's arguments, taken apart: every value with its keys and its place in the string."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from guardhouse.model.finding import Span

MAX_LEAVES = 200
MAX_TOKENS = 20_000
MAX_KEYS = 32

_TOKEN = re.compile(r'(?P<string>"(?:[^"\\]|\\.)*(?:"|\Z))|(?P<mark>[{}\[\]:,])|(?P<plain>[^\s{}\[\]:,"]+)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value: its keys in lower case from the outside in, its text with escapes undone, its range of the arguments.

    `listed` values are elements of one list, told apart from others by `group`.
    """

    keys: tuple[str, ...]
    text: str
    span: Span
    listed: bool = False
    group: int = 0
    plain: bool = False
    """A number, `true`, `false` or `null`."""

    @property
    def key(self) -> str:
        """The innermost key; empty where there is none."""
        return self.keys[-1] if self.keys else ""


@dataclass(slots=True)
class _Level:
    is_object: bool
    group: int
    key: str = ""
    expects_key: bool = True


def leaves(arguments: str) -> list[Leaf]:
    """The values in `arguments`, at most `MAX_LEAVES`; a string that is no JSON is one value without keys. Linear."""
    stripped = arguments.strip()
    if not stripped:
        return []
    if stripped[0] in '{["':
        found = list(_scan(arguments))
        if found:
            return found
        if stripped in ("{}", "[]", '""'):
            return []
    start = arguments.index(stripped[0])
    return [Leaf((), stripped, Span(start, start + len(stripped)))]


def _scan(arguments: str) -> Iterator[Leaf]:
    """Reads as much of a JSON document as is there; what comes after a break in its form is still read."""
    levels: list[_Level] = []
    groups = 0
    count = 0
    for number, match in enumerate(_TOKEN.finditer(arguments)):
        if number >= MAX_TOKENS or count >= MAX_LEAVES:
            return
        found = match.group()
        if match.lastgroup == "mark":
            if found in "{[":
                groups += 1
                levels.append(_Level(found == "{", groups))
            elif found in "}]":
                if levels:
                    levels.pop()
            elif levels:
                levels[-1].expects_key = found == ","
            continue
        level = levels[-1] if levels else None
        if level is not None and level.is_object and level.expects_key:
            level.key = _unquoted(found).lower()[:80]
            level.expects_key = False
            continue
        keys = tuple(item.key for item in levels[-MAX_KEYS:] if item.is_object)
        string = match.lastgroup == "string"
        # A string that breaks off has no closing quote.
        closed = string and len(found) > 1 and found.endswith('"')
        span = Span(match.start() + string, match.end() - closed)
        listed = level is not None and not level.is_object
        count += 1
        yield Leaf(keys, _unquoted(found), span, listed, level.group if level else 0, plain=not string)


def _unquoted(token: str) -> str:
    if not token.startswith('"'):
        return token
    try:
        return str(json.loads(token if len(token) > 1 and token.endswith('"') else token + '"', strict=False))
    except ValueError:
        return token[1:].removesuffix('"')
