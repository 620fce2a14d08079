"""One pattern as RE2 runs it, and how its matches are walked through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import re2

from guardhouse.errors import InvalidPattern
from guardhouse.matching.pattern import Pattern

_MAX_MEMORY = 16 * 1024 * 1024
_MAX_REGEX = 20_000
"""Characters of one expression; compiling longer ones takes seconds. Word lists are split by `matching.words`."""
_MAX_REJECTED = 2_000
"""Matches refused by the class checks of one pattern in a row before the walk skips whole matches."""


@dataclass(frozen=True, slots=True)
class Expression:
    """What RE2 is to compile for a pattern, and which group of it is the value.

    RE2 has no look-around. Where the value is the whole match, `before` and `after` become one character to either
    side, and `steps_back` says that a match may need the last character of the one before. Where the value is a
    group, its neighbours are checked after the match, by `before` and `after`.
    """

    pattern: Pattern
    source: bytes
    group: int
    steps_back: bool = False
    before: Callable[[bytes], bool] | None = None
    after: Callable[[bytes], bool] | None = None

    def options(self) -> re2.Options:
        """UTF-8, silent, with memory enough that hostile text seldom slows the automaton."""
        return _options(ignore_case=self.pattern.ignore_case, capture=self.group > 0)

    def compiled(self) -> Any:
        """The expression compiled by itself; raises `InvalidPattern` with RE2's message."""
        return _compile(self.pattern.id, self.source, self.options())


def expression(pattern: Pattern) -> Expression:
    """The expression of `pattern`; raises `InvalidPattern` for what can be seen without compiling it."""
    if len(pattern.regex) > _MAX_REGEX:
        raise InvalidPattern(f"pattern {pattern.id!r} is longer than {_MAX_REGEX:,} characters", code="too_long")
    try:
        source = pattern.regex.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidPattern(f"pattern {pattern.id!r} holds a lone surrogate") from None
    before, after = (_negated(pattern.id, chars) for chars in (pattern.before, pattern.after))
    if pattern.group:
        checks = (_neighbour_check(pattern.id, chars) for chars in (before, after))
        return Expression(pattern, source, pattern.group, False, *checks)
    if not before and not after:
        return Expression(pattern, source, 0)
    if not _is_balanced(pattern.regex):
        _compile(pattern.id, source, _options(ignore_case=False, capture=False))
    left = rf"(?:\A|{before})(" if before else "("
    right = rf")(?:\z|{after})" if after else ")"
    return Expression(pattern, left.encode() + source + right.encode(), 1, steps_back=bool(before))


class CompiledPattern:
    """A pattern ready to run over UTF-8 bytes. `regexp` is its expression, compiled."""

    __slots__ = ("_expression", "_regexp", "pattern")

    def __init__(self, made: Expression, regexp: Any) -> None:
        self.pattern = made.pattern
        self._expression = made
        self._regexp = regexp
        if not 0 <= made.group <= regexp.groups:
            raise InvalidPattern(f"pattern {made.pattern.id!r} has no group {made.group}")

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Byte ranges of the values, in order, none empty, none overlapping. Stops early only if the caller does."""
        made = self._expression
        position = rejected = 0
        while position <= len(data):
            match = self._regexp.search(data, position)
            if match is None:
                return
            start, end = match.span(made.group)
            whole_start, whole_end = match.span()
            if start >= end:  # an empty value, or a group that took no part
                position = _following(data, max(whole_end, whole_start + 1))
            elif self._fits(data, start, end):
                yield start, end
                rejected = 0
                # At 0 the text's begin would match again; there the value's last character is given up as a neighbour.
                position = (_preceding(data, end) if made.steps_back else end) or end
            else:
                rejected += 1
                position = _following(data, whole_start + 1) if rejected <= _MAX_REJECTED else whole_end

    def _fits(self, data: bytes, start: int, end: int) -> bool:
        before, after = self._expression.before, self._expression.after
        if before is not None and start > 0 and not before(data[_preceding(data, start) : start]):
            return False
        return after is None or end == len(data) or after(data[end : _following(data, end + 1)])


def _options(*, ignore_case: bool, capture: bool) -> re2.Options:
    options = re2.Options()
    options.max_mem = _MAX_MEMORY
    options.log_errors = False
    options.case_sensitive = not ignore_case
    options.never_capture = not capture
    return options


def _compile(id_: str, source: bytes, options: re2.Options) -> Any:
    try:
        return re2.compile(source, options)
    except re2.error as error:
        message = error.args[0] if error.args else ""
        text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        raise InvalidPattern(f"pattern {id_!r}: {text}") from None


def _is_balanced(regex: str) -> bool:
    """True where no bracket of `regex` can pair with one put around it; False where that is not plain to see."""
    depth = 0
    in_class = escaped = False
    for letter in regex:
        if escaped:
            if letter == "Q":
                return False
            escaped = False
        elif letter == "\\":
            escaped = True
        elif in_class:
            in_class = letter != "]"
        elif letter == "[":
            in_class = True
        elif letter == "(":
            depth += 1
        elif letter == ")":
            depth -= 1
            if depth < 0:
                return False
    return depth == 0 and not in_class and not escaped


def _negated(id_: str, chars: str) -> str:
    """The class of what may stand beside the value, for a class of what must not; empty for an empty class."""
    if not chars:
        return ""
    bracketed = chars if chars.startswith("[") and chars.endswith("]") and len(chars) > 2 else f"[{chars}]"
    _compile(id_, bracketed.encode("utf-8"), _options(ignore_case=False, capture=False))
    return f"[{bracketed[2:]}" if bracketed.startswith("[^") else f"[^{bracketed[1:]}"


def _neighbour_check(id_: str, allowed: str) -> Callable[[bytes], bool] | None:
    if not allowed:
        return None
    regexp = _compile(id_, allowed.encode("utf-8"), _options(ignore_case=False, capture=False))
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
