"""The one place that edits: spans of texts, and the caller's JSON around them."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guardhouse.model.conversation import Path
from guardhouse.model.finding import Span

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SCALAR = re.compile(r"[-+.0-9A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Edit:
    """Put `replacement` where `span` of the original stands."""

    span: Span
    replacement: str


def edit_text(text: str, edits: Sequence[Edit]) -> tuple[str, list[Span]]:
    """`text` with the edits made, and where each replacement stands in the result. Edits must not overlap."""
    out: list[str] = []
    placed: list[Span] = []
    position = length = 0
    for edit in edits:
        kept = text[position : edit.span.start]
        length += len(kept)
        placed.append(Span(length, length + len(edit.replacement)))
        length += len(edit.replacement)
        out += (kept, edit.replacement)
        position = edit.span.end
    out.append(text[position:])
    return "".join(out), placed


class JsonText:
    """A text that is JSON, and how spans of it can be replaced so that it stays JSON.

    Inside a string literal the replacement is escaped, and a span that cuts an escape takes it whole; a number (or
    other bare scalar) is widened to the whole scalar and becomes a string; a span that crosses the structure is
    narrowed to the literals it touches.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._strings = [Span(match.start() + 1, match.end() - 1) for match in _STRING.finditer(text)]
        self._ends = [literal.end for literal in self._strings]

    @classmethod
    def read(cls, text: str) -> JsonText | None:
        """None when the text is not JSON."""
        return cls(text) if is_json(text) else None

    def places(self, span: Span) -> list[Span]:
        """Where `span` can be edited: the parts of it inside string literals, else the scalars it touches whole."""
        inside: list[Span] = []
        for index in range(bisect_right(self._ends, span.start), len(self._strings)):
            literal = self._strings[index]
            if literal.start >= span.end:
                break
            whole_start = self._escape_at(span.start).start
            whole_end = self._escape_at(span.end).end
            inside.append(Span(max(whole_start, literal.start), min(whole_end, literal.end)))
        if inside:
            return inside
        index = bisect_right(self._ends, span.start)
        least = self._strings[index - 1].end + 1 if index else 0  # behind the closing quote before
        most = self._strings[index].start - 1 if index < len(self._strings) else len(self._text)
        start, end = max(span.start, least), min(span.end, most)
        if start >= end:
            return []
        while start > least and _SCALAR.match(self._text[start - 1]):
            start -= 1
        while end < most and _SCALAR.match(self._text[end]):
            end += 1
        scalars = list(_SCALAR.finditer(self._text, start, end))
        return [Span(match.start(), match.end()) for match in scalars]

    def _escape_at(self, position: int) -> Span:
        """The escape in a literal that `position` lies within, empty at `position` where it lies in none."""
        text = self._text
        opener = text.rfind("\\", max(0, position - 5), position)
        run = opener
        while run > 0 and text[run - 1] == "\\":
            run -= 1
        if opener >= 0 and (opener - run) % 2 == 0:
            end = opener + (6 if text[opener + 1 : opener + 2] == "u" else 2)
            if end > position:
                return Span(opener, end)
        return Span(position, position)

    def is_in_string(self, place: Span) -> bool:
        """True where `place` lies inside the quotes of a literal."""
        index = bisect_left(self._ends, place.end)
        return index < len(self._strings) and self._strings[index].start <= place.start

    def value(self, place: Span) -> str:
        """The characters that `place` stands for."""
        raw = self._text[place.start : place.end]
        if "\\" in raw and self.is_in_string(place):
            try:
                return str(json.loads(f'"{raw}"', strict=False))
            except ValueError:
                return raw
        return raw

    def raw(self, place: Span, value: str) -> str | None:
        """How the source spells `value` at `place`, None where it is as `written` would."""
        source = self._text[place.start : place.end]
        return source if self.is_in_string(place) and source != escaped(value) else None

    def written(self, place: Span, replacement: str, *, stays_bare: bool = False) -> str:
        """`replacement` as JSON source for `place`; with `stays_bare` a number may stay a number."""
        if stays_bare and not self.is_in_string(place):
            return replacement
        return escaped(replacement) if self.is_in_string(place) else f'"{escaped(replacement)}"'


def escaped(text: str) -> str:
    """`text` as it stands between the quotes of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def is_json(text: str) -> bool:
    """True for JSON objects, arrays and scalars that the standard parser reads."""
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


_TEXT = object()
"""In a tree of edits, the key of the text that goes to this very place."""


def put_back(document: Any, texts: Mapping[Path, str]) -> Any:
    """A copy of a JSON document with the string at each path replaced; everything else is shared, not copied.

    Where the document holds an object or a list instead of a string (arguments that came decoded), the text is decoded
    again. Linear in the lists and objects that hold a change. Raises `KeyError` for a path that is not in the document.
    """
    if not texts:
        return document
    edits: dict[Any, Any] = {}
    for path, text in texts.items():
        place = edits
        for step in path:
            place = place.setdefault(step, {})
        place[_TEXT] = text
    return _replaced(document, edits)


def _replaced(node: Any, edits: Mapping[Any, Any]) -> Any:
    if _TEXT in edits:
        text = edits[_TEXT]
        return text if isinstance(node, str) or not is_json(text) else json.loads(text, strict=False)
    copy: Any
    if isinstance(node, list):
        copy = list(node)
    elif isinstance(node, dict):
        copy = dict(node)
    else:
        raise KeyError(next(iter(edits)))
    for step, below in edits.items():
        is_there = isinstance(step, int) and 0 <= step < len(node) if isinstance(node, list) else step in node
        if not is_there:
            raise KeyError(step)
        copy[step] = _replaced(node[step], below)
    return copy
