"""What a detector found, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guardhouse.model.conversation import Path


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of code points of the original string: `text[start:end]`."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"a span needs 0 <= start <= end, not {self.start}..{self.end}")

    def overlaps(self, other: Span) -> bool:
        """True where the two share at least one code point."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. Without a span it speaks of the whole text at `path`.

    `value` is the matched text (or a name such as a language); it stays out of `repr`, logs and reasons.
    `evidence` holds short facts for explanation, never matched text.
    """

    detector: str
    kind: str
    confidence: float
    path: Path
    span: Span | None = None
    value: str = field(default="", repr=False)
    analyzer: str = ""
    evidence: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence must be 0..1, not {self.confidence!r}")


@dataclass(frozen=True, slots=True)
class AnalyzerResponse:
    """The highest confidence that one method inside a detector gave."""

    analyzer: str
    confidence: float
