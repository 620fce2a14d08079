"""How a text can be read: its canonical form, and what is hidden in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guardhouse.model.finding import Span
from guardhouse.text.offsets import Offsets


@dataclass(frozen=True, slots=True)
class View:
    """One reading of a text.

    `name` is `text` for the canonical form and else how it was disguised: `base64`, `hex`, `percent`, `entities`,
    `escapes`, `tags`, `variation_selectors`, `zero_width`, `rot13`, `leet`, `reversed`, `spaced`. `disguised` views
    rewrite the whole text letter by letter (rot13, leet, reversed, spaced), so that digits and shapes in them mean
    nothing and only phrases count.
    `offsets` leads back to the original; where `origin` is set, the whole view stands for that range of it.
    """

    name: str
    text: str
    offsets: Offsets | None = None
    origin: Span | None = None
    disguised: bool = False

    def to_original(self, span: Span) -> Span:
        """The range of the original that `span` of this view was read from."""
        if self.origin is not None:
            return self.origin
        if self.offsets is None:
            return span
        return self.offsets.to_original(span)


@dataclass(frozen=True, slots=True)
class Normalized:
    """A text's views, canonical first, and the tricks seen while making them, each with how often."""

    original: str
    views: tuple[View, ...]
    tricks: Mapping[str, int] = field(default_factory=dict)

    @property
    def canonical(self) -> View:
        """The view named `text`."""
        return self.views[0]
