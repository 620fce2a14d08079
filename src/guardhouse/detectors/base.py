"""What a detector is, what it declares and what it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from guardhouse.classifier.base import HeadReading, Tag
from guardhouse.images.reading import ImageReading
from guardhouse.matching.pattern import Hit, Pattern
from guardhouse.model.conversation import Conversation, SourceText
from guardhouse.model.finding import Finding
from guardhouse.model.policy import ToolPolicy
from guardhouse.model.recipe import DetectorSetting
from guardhouse.settings import Settings
from guardhouse.text.views import Normalized


@dataclass(frozen=True, slots=True)
class Needs:
    """The evidence a detector reads under one setting: patterns for the matcher, heads and tags of the classifier."""

    patterns: tuple[Pattern, ...] = ()
    heads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TextEvidence:
    """All that was collected about one text. `hits` is by pattern id, `heads` by head name,
    `tags` are the names and places that the classifier marked.

    `capped` names the patterns that matched more often than the matcher reports: what lies beyond was not read.
    """

    source: SourceText
    normalized: Normalized
    hits: Mapping[str, tuple[Hit, ...]] = field(default_factory=dict)
    heads: Mapping[str, HeadReading] = field(default_factory=dict)
    tags: tuple[Tag, ...] = ()
    capped: frozenset[str] = frozenset()

    def hits_of(self, patterns: Iterable[Pattern]) -> Iterable[Hit]:
        """The hits of these patterns, in their order."""
        for pattern in patterns if self.hits else ():
            found = self.hits.get(pattern.id)
            if found:
                yield from found


@dataclass(frozen=True, slots=True)
class Evidence:
    """What detectors read. `texts` are the judged texts only; the conversation also holds their context.

    The texts of `images` are among `texts`, with the same paths.

    `deadline` is a `time.monotonic()` instant that long-running detectors watch, raising `DeadlineExceeded`.
    """

    conversation: Conversation
    texts: tuple[TextEvidence, ...]
    tool_policies: Mapping[str, ToolPolicy] = field(default_factory=dict)
    evaluation_context: str = ""
    deadline: float | None = None
    images: tuple[ImageReading, ...] = ()


class Detector(Protocol):
    """Finds one family of things. Built-ins and plug-ins are the same to the engine."""

    @property
    def name(self) -> str:
        """`lower_snake`, unique."""
        ...

    @property
    def kinds(self) -> frozenset[str]:
        """Every kind (`UPPER_SNAKE`) it can report; empty where operators name their own kinds."""
        ...

    @property
    def option_names(self) -> frozenset[str]:
        """The members of `DetectorSetting.options` that it understands."""
        ...

    def needs(self, setting: DetectorSetting) -> Needs:
        """The evidence it wants. Raises `InvalidInput` for options that make no sense, `InvalidPattern` likewise."""
        ...

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """What it finds, at any confidence: the engine applies thresholds. Spans are offsets of the original text.

        Never mutates its arguments, never logs, gives the same findings for the same evidence.
        """
        ...


@runtime_checkable
class Configurable(Protocol):
    """A detector that keeps something under the data folder. A guard without settings of its own never asks it to."""

    def configure(self, settings: Settings) -> None:
        """Takes what it needs of the settings. Opens nothing yet, raises nothing."""
        ...
