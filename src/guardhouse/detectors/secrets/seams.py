"""Secrets in two pieces: broken over lines or string literals, or over two messages that follow each other.

Only shapes that carry their own mark are looked for across a seam: a prefix and a length make a chance join unlikely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from guardhouse.matching.matcher import Matcher
from guardhouse.matching.pattern import Hit, Pattern
from guardhouse.model.finding import Span
from guardhouse.text.offsets import MapBuilder, OffsetMap, compose
from guardhouse.text.views import Normalized, View

_SURE = 0.85
"""Shapes below this confidence need words around them, and are not joined."""
_MARKED_CHECKS = frozenset({"token", "token_crc", "jwt"})
_RUN_REACH = 64
_TEXT_REACH = 400
_HEAD_REACH = 80
_WITHIN = r"[0-9A-Za-z_\-+/=.]"
_BREAK = re.compile(
    rf"(?<={_WITHIN})(?:"
    r"[\"'`]?[ \t]{0,8}[+\\.&]?[ \t]{0,8}\r?\n[ \t>|*#]{0,24}(?:[+.&][ \t]{0,4})?[\"'`]?"  # lines, literals on lines
    r"|[\"'`][ \t]{0,4}[+.&]?[ \t]{1,4}[\"'`]|[\"'`][+.&][\"'`]"  # literals side by side
    rf")(?={_WITHIN})"
)
_BREAK_SIGNS = "\n\"'`"
"""Without one of these there is no break."""
_MARK = re.compile(r"[A-Za-z]{2,9}[_\-]")
_LEFT = re.compile(rf"{_WITHIN}+\Z")
_RIGHT = re.compile(rf"{_WITHIN}+")
_TAIL = re.compile(r"([0-9A-Za-z_\-+/=.:]{3,300}?)(?:\.{2,}|…)?[\s\"'`)*]{0,6}\Z")
_HEAD = re.compile(r"[\s\"'`(*.…]{0,8}([0-9A-Za-z_\-+/=.:]{3,300})")
_LATER_HEAD = re.compile(r"(?<![^\s\"'`(*:])[0-9A-Za-z_\-+/=.:]{6,300}")


@dataclass(frozen=True, slots=True)
class Joined:
    """A hit in the two pieces put together, and where each stands in the text it was taken from."""

    hit: Hit
    left: Span
    right: Span


def marked(patterns: Sequence[Pattern]) -> tuple[Pattern, ...]:
    """The patterns whose values carry their own mark and need no word beside them."""
    return tuple(
        pattern
        for pattern in patterns
        if not pattern.group
        and pattern.data.get("check", "token") in _MARKED_CHECKS
        and float(pattern.data["confidence"]) >= _SURE
    )


def over_lines(view: View, original: str, matcher: Matcher) -> Iterator[Hit]:
    """Hits that reach over a line break or from one string literal into the next. Linear in the view's length.

    `matcher` is of `marked` patterns. `span` of a hit is the range of the original from its first character to its
    last, breaks included.
    """
    joined = _without_breaks(view.text)
    if joined is None:
        return
    text, offsets = joined
    lines = View("lines", text, compose(view.offsets, offsets))
    for hits in matcher.scan(Normalized(original, (lines,))).values():
        for hit in hits:
            inner = offsets.to_original(hit.view_span)
            if inner.end - inner.start > len(hit.value):
                yield hit


def over_texts(left: str, right: str, matcher: Matcher) -> Iterator[Joined]:
    """Hits that begin at the end of `left` and end at the start of `right`.

    A few words may stand before the second piece. Looks at 400 code points on either side.
    """
    low = max(0, len(left) - _TEXT_REACH)
    tail = _TAIL.search(left[low:])
    if tail is None:
        return
    start = low + tail.start(1)
    piece = tail[1]
    for head in _heads(right[:_TEXT_REACH]):
        other = right[head.start : head.end]
        if not _could_go_on(piece, other):
            continue
        text = piece + other
        view = View("messages", text)
        for hits in matcher.scan(Normalized(text, (view,))).values():
            for hit in hits:
                begin, end = hit.view_span.start, hit.view_span.end
                if begin < len(piece) < end:
                    first = Span(start + begin, start + len(piece))
                    yield Joined(hit, first, Span(head.start, head.start + end - len(piece)))


def _heads(text: str) -> Iterator[Span]:
    """Where the second piece may stand: at the very start, or a few words on."""
    first = _HEAD.match(text)
    if first is not None:
        yield Span(*first.span(1))
    for later in _LATER_HEAD.finditer(text[: _HEAD_REACH + 300]):
        if later.start() > _HEAD_REACH:
            return
        if (first is None or later.start() != first.start(1)) and _is_mixed(later[0]):
            yield Span(*later.span())
            return


def _without_breaks(text: str) -> tuple[str, OffsetMap] | None:
    """`text` without the breaks that may stand inside a token, or None where there is none."""
    if not any(sign in text for sign in _BREAK_SIGNS):
        return None
    builder = MapBuilder(text)
    at = 0
    for found in _BREAK.finditer(text):
        left = _LEFT.search(text[max(0, found.start() - _RUN_REACH) : found.start()])
        right = _RIGHT.match(text, found.end(), found.end() + _RUN_REACH)
        if left is None or right is None or not _could_go_on(left[0], right[0]):
            continue
        builder.copied(at, found.start())
        at = found.end()
    if not at:
        return None
    builder.copied(at, len(text))
    return builder.finish()


def _could_go_on(left: str, right: str) -> bool:
    """True where two pieces may be one token: no word ends the first, and the second is neither word nor new mark."""
    if len(left) < 3 or len(right) < 4 or not _is_mixed(right) or _MARK.match(right):
        return False
    return left[-1] in "_-." or left.isupper() or _is_mixed(left)


def _is_mixed(piece: str) -> bool:
    """True for letters with digits, and for capitals inside."""
    if any(c.isdigit() for c in piece):
        return True
    letters = [c for c in piece[1:] if c.isalpha()]
    return any(c.isupper() for c in letters) and any(c.islower() for c in letters)
