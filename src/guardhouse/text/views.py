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
    nothing and only phrases count. `in_legible` views are passages that the legible view holds too.
    `offsets` leads back to the original; where `origin` is set, the whole view stands for that range of it.
    """

    name: str
    text: str
    offsets: Offsets | None = None
    origin: Span | None = None
    disguised: bool = False
    in_legible: bool = False

    def to_original(self, span: Span) -> Span:
        """The range of the original that `span` of this view was read from."""
        if self.origin is not None:
            return self.origin
        if self.offsets is None:
            return span
        return self.offsets.to_original(span)


@dataclass(frozen=True, slots=True)
class Normalized:
    """A text's views, canonical first, and the tricks seen while making them, each with how often.

    `legible` is the canonical view as somebody would read it who knows encodings: escapes undone where they stand,
    runs that decode to a view of their own left blank; None where there are neither.
    """

    original: str
    views: tuple[View, ...]
    tricks: Mapping[str, int] = field(default_factory=dict)
    legible: View | None = None

    @property
    def canonical(self) -> View:
        """The view named `text`."""
        return self.views[0]

    def readings(self) -> tuple[View, ...]:
        """The views that together hold all that can be read as language, the legible or canonical one first."""
        if self.legible is None:
            return self.views
        return (self.legible, *(view for view in self.views[1:] if not view.in_legible))
