"""A pattern, and one place where it matched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from guardhouse.model.finding import Span
from guardhouse.text.views import View


@dataclass(frozen=True, slots=True)
class Pattern:
    """A shape in RE2 syntax, matched on UTF-8 bytes of a view.

    `group` numbers the capture group that is the value (0: the whole match). RE2 has no look-around, so `before` and
    `after` are character classes (`[0-9A-Za-z]`) that must not stand directly beside the value; empty: anything may.
    `disguised` patterns also read the views that rewrite a text letter by letter.
    `gate` is a much simpler expression, minding the case, that is found in every text in which the pattern matches:
    where it is not, the pattern is not tried. For shapes without a literal that could tell as much (digits, tokens).
    `data` is what the owning detector keeps beside the shape (kind, confidence, context words, check, ...).

    Write for the canonical view (`text.normalize`): straight quotes, `-` for every dash, ASCII digits, no invisible
    characters. RE2's `\\b` and `\\w` know ASCII only. Repeats of `\\p{L}` make automata of 100,000 states and run a
    hundred times slower: in repeated classes write `A-Za-z\\x{80}-\\x{10FFFF}`, and `+` rather than `{1,64}`.
    """

    id: str
    regex: str
    source: str = ""
    group: int = 0
    before: str = ""
    after: str = ""
    ignore_case: bool = False
    disguised: bool = False
    gate: str = ""
    data: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Hit:
    """One match. `span` is in the original text, `view_span` in `view.text`; `value` is `view.text[view_span]`."""

    pattern: Pattern
    view: View = field(repr=False)
    view_span: Span
    span: Span
    value: str = field(repr=False)

    def context(self, width: int = 60) -> str:
        """The view's text around the match, `width` code points on either side, the match left out."""
        text = self.view.text
        before = text[max(0, self.view_span.start - width) : self.view_span.start]
        return f"{before} {text[self.view_span.end : self.view_span.end + width]}"
