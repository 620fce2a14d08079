"""One pattern compiled by RE2, and how its matches are walked through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import re2

from guardhouse.errors import InvalidPattern
from guardhouse.matching.pattern import Pattern

_MAX_MEMORY = 16 * 1024 * 1024
_MAX_REGEX = 20_000
"""Characters of one expression; compiling longer ones takes seconds. Word lists are split by `matching.words`."""
_MAX_REJECTED = 2_000
"""Matches refused by the class checks of one pattern in a row before the walk skips whole matches."""


def re2_options(*, ignore_case: bool, capture: bool) -> re2.Options:
    """The options for every pattern: UTF-8, silent, with memory enough that hostile text seldom slows it."""
    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    options.case_sensitive = not ignore_case
    options.never_capture = not capture
    return options


class CompiledPattern:
    """A pattern ready to run over UTF-8 bytes.

    RE2 has no look-around. Where the value is the whole match, `before` and `after` are compiled into the expression
    as one character to either side, and the walk goes on from the value's end, so that the character between two
    neighbours serves both. Where the value is a group, its neighbours are checked after the match.
    """

    __slots__ = ("_after", "_before", "_group", "_regexp", "_step_back", "pattern", "source")

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        plain = _compile(pattern.id, pattern.regex, ignore_case=pattern.ignore_case, capture=True)
        if not 0 <= pattern.group <= plain.groups:
            raise InvalidPattern(f"pattern {pattern.id!r} has no group {pattern.group}")
        before, after = (_negated(pattern.id, chars) for chars in (pattern.before, pattern.after))
        self._before = self._after = None
        self._group = pattern.group
        self._step_back = False
        self.source = pattern.regex
        if pattern.group == 0 and (before or after):
            left = rf"(?:\A|{before})" if before else ""
            right = rf"(?:\z|{after})" if after else ""
            self.source = f"{left}({pattern.regex}){right}"
            self._group = 1
            self._step_back = bool(before)
        elif pattern.group:
            self._before = _neighbour_check(pattern.id, before)
            self._after = _neighbour_check(pattern.id, after)
        self._regexp = _compile(pattern.id, self.source, ignore_case=pattern.ignore_case, capture=self._group > 0)

    def options(self) -> re2.Options:
        """The options under which `source` is to be compiled elsewhere."""
        return re2_options(ignore_case=self.pattern.ignore_case, capture=self._group > 0)

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Byte ranges of the values, in order, none empty, none overlapping. Stops early only if the caller does."""
        position = 0
        rejected = 0
        while position <= len(data):
            match = self._regexp.search(data, position)
            if match is None:
                return
            start, end = match.span(self._group)
            whole_start, whole_end = match.span()
            if start >= end:  # an empty value, or a group that took no part
                position = _following(data, max(whole_end, whole_start + 1))
            elif self._fits(data, start, end):
                yield start, end
                rejected = 0
                position = _preceding(data, end) if self._step_back else max(end, position + 1)
            else:
                rejected += 1
                position = _following(data, whole_start + 1) if rejected <= _MAX_REJECTED else whole_end

    def _fits(self, data: bytes, start: int, end: int) -> bool:
        if self._before is not None and start > 0 and not self._before(data[_preceding(data, start) : start]):
            return False
        return self._after is None or end == len(data) or self._after(data[end : _following(data, end + 1)])


def _compile(id_: str, regex: str, *, ignore_case: bool, capture: bool) -> Any:
    if len(regex) > _MAX_REGEX:
        raise InvalidPattern(f"pattern {id_!r} is longer than {_MAX_REGEX:,} characters", code="too_long")
    try:
        return re2.compile(regex.encode("utf-8"), re2_options(ignore_case=ignore_case, capture=capture))
    except re2.error as error:
        message = error.args[0] if error.args else ""
        text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        raise InvalidPattern(f"pattern {id_!r}: {text}") from None
    except UnicodeEncodeError:
        raise InvalidPattern(f"pattern {id_!r} holds a lone surrogate") from None


def _negated(id_: str, chars: str) -> str:
    """The class of what may stand beside the value, for a class of what must not; empty for an empty class."""
    if not chars:
        return ""
    bracketed = chars if chars.startswith("[") and chars.endswith("]") and len(chars) > 2 else f"[{chars}]"
    _compile(id_, bracketed, ignore_case=False, capture=False)
    return f"[{bracketed[2:]}" if bracketed.startswith("[^") else f"[^{bracketed[1:]}"


def _neighbour_check(id_: str, allowed: str) -> Callable[[bytes], bool] | None:
    if not allowed:
        return None
    regexp = _compile(id_, allowed, ignore_case=False, capture=False)
    return lambda character: regexp.fullmatch(character) is not None


def _preceding(data: bytes, offset: int) -> int:
    """The offset at which the character before `offset` begins."""
    offset -= 1
    while offset > 0 and data[offset] & 0xC0 == 0x80:
        offset -= 1
    return offset


def _following(data: bytes, offset: int) -> int:
    """`offset`, or the next one at which a character begins."""
    while offset < len(data) and data[offset] & 0xC0 == 0x80:
        offset += 1
    return offset
