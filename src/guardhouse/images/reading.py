"""What was read in one image, and where in the picture it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from guardhouse.errors import DetectorFailed
from guardhouse.model.conversation import Path
from guardhouse.model.finding import Span

LATE = "there was no time for all of it"
"""Why a part of an image was not read that may be read another time."""

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels of the picture as it is looked at, right and bottom exclusive."""


class Unreadable(DetectorFailed):
    """An image, or a part of one, that was not read. The message says why and holds nothing of the image."""


@dataclass(frozen=True, slots=True)
class Line:
    """One recognised line, code or string of metadata. `box` is None for what is nowhere in the picture."""

    text: str = field(repr=False)
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Recognised:
    """The lines of one image in reading order, then its codes, then its metadata.

    `unread` says why a part of it was not read, empty when all was.
    """

    lines: tuple[Line, ...] = ()
    unread: str = ""


@dataclass(frozen=True, slots=True)
class ImageReading:
    """An image of the conversation. `text` is its lines, one a line; `path` leads to its URL.

    `unread` says why it, or a part of it, was not read; `unwanted` that the operator does not want it read.
    """

    path: Path
    lines: tuple[Line, ...] = ()
    unread: str = ""
    unwanted: str = ""

    @property
    def text(self) -> str:
        """All lines, parted by line ends."""
        return "\n".join(line.text for line in self.lines)

    def boxes(self, spans: Iterable[Span]) -> Sequence[Box]:
        """Where the lines stand that `spans` of `text` touch. What is nowhere in the picture has no box."""
        wanted = list(spans)
        found: list[Box] = []
        start = 0
        for line in self.lines:
            place = Span(start, start + len(line.text))
            start = place.end + 1
            if line.box is not None and any(place.overlaps(span) for span in wanted):
                found.append(line.box)
        return found
