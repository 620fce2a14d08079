"""For tests of detectors, recipes and applications: small real parts whose behaviour the test sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guardhouse.classifier.base import Classifier
from guardhouse.detectors.base import Detector, Evidence, Needs
from guardhouse.engine.collect import collect, judged_texts
from guardhouse.engine.timing import Stopwatch
from guardhouse.matching.matcher import Matcher
from guardhouse.model.conversation import Conversation, Role
from guardhouse.model.finding import Finding, Span
from guardhouse.model.messages import conversation_from_messages, conversation_from_text
from guardhouse.model.recipe import DetectorSetting, Rule, RuleAction


@dataclass(slots=True)
class FakeClock:
    """A clock that stands still until it is moved."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self.now += seconds


@dataclass(frozen=True, slots=True)
class FakeDetector:
    """Finds every occurrence of the words it is given, each with its own kind and confidence; or raises `error`."""

    name: str = "fake"
    words: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    error: Exception | None = None
    option_names: frozenset[str] = frozenset()

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of its words."""
        return frozenset(kind for kind, _ in self.words.values())

    def needs(self, setting: DetectorSetting) -> Needs:
        """Nothing: it reads the texts themselves."""
        return Needs()

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """One finding per occurrence."""
        if self.error is not None:
            raise self.error
        for text in evidence.texts:
            for word, (kind, confidence) in self.words.items():
                start = text.source.value.find(word)
                while start >= 0:
                    span = Span(start, start + len(word))
                    yield Finding(self.name, kind, confidence, text.source.path, span, word, "fake")
                    start = text.source.value.find(word, span.end)


def conversation(content: str | Sequence[Mapping[str, Any]], *, role: Role = Role.USER) -> Conversation:
    """A conversation from one text, or from chat messages."""
    if isinstance(content, str):
        return conversation_from_text(content, role=role)
    return conversation_from_messages(content)


def gather(
    judged: Conversation,
    detector: Detector,
    setting: DetectorSetting | None = None,
    *,
    classifier: Classifier | None = None,
    deadline: float = float("inf"),
) -> Evidence:
    """The evidence that the engine would hand to `detector` for this conversation."""
    setting = setting or DetectorSetting(detector.name, Rule(RuleAction.REPORT))
    needs = detector.needs(setting)
    texts = collect(
        judged_texts(judged),
        matchers=[Matcher(needs.patterns)],
        patterns=frozenset(pattern.id for pattern in needs.patterns),
        classifier=classifier,
        heads=needs.heads,
        deadline=deadline,
        watch=Stopwatch(FakeClock()),
    )
    return Evidence(judged, texts)
