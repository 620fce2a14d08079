"""The seam between the engine and whatever model is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from guardhouse.model.conversation import Channel
from guardhouse.model.finding import Span


@dataclass(frozen=True, slots=True)
class HeadReading:
    """One head's calibrated confidence for a text, and the range of the text that carried it."""

    confidence: float
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Tag:
    """A run of words that the model marked (a name, a place), and how sure it is."""

    kind: str
    span: Span
    confidence: float


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the model says of one text: every head, and the tags in the order of the text."""

    heads: Mapping[str, HeadReading]
    tags: tuple[Tag, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassifierInput:
    """A text and the channel it came by; the same words weigh differently in a tool result."""

    text: str
    channel: Channel


class Classifier(Protocol):
    """Reads texts. `heads` names what it can say, tags included; `name` identifies the model and its version."""

    @property
    def name(self) -> str: ...

    @property
    def heads(self) -> frozenset[str]: ...

    def classify(self, inputs: Sequence[ClassifierInput], *, deadline: float | None = None) -> list[Reading]:
        """One reading per input, in order, with every head. Long texts are read in windows, the best one counts.

        `deadline` is a `time.monotonic()` instant; past it `DeadlineExceeded` is raised. Linear in the texts' length.
        """
        ...
