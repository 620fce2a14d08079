"""A guard with one plain detector, and clocks that stand still, for the tests of the service."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from guardhouse.classifier.base import ClassifierInput, Reading
from guardhouse.detectors.base import Detector, Evidence, Needs
from guardhouse.engine.guard import Guard
from guardhouse.model.conversation import Role
from guardhouse.model.finding import Finding, Span
from guardhouse.model.messages import conversation_from_text
from guardhouse.model.policy import Scope
from guardhouse.model.recipe import DetectorSetting, Recipe, Rule, RuleAction
from guardhouse.model.request import EvaluationRequest
from guardhouse.settings import Settings

ANYWHERE = Scope()


class StillClock:
    """Seconds that pass only when told; `now` is the same as a time of day."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)


class WordDetector:
    """Finds words exactly as they stand: `secret` of kind SECRET, `attack` of kind ATTACK."""

    option_names = frozenset[str]()

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kinds = frozenset({kind})
        self.word = kind.lower()
        self.kind = kind
        self.hold: threading.Event | None = None

    def needs(self, setting: DetectorSetting) -> Needs:
        return Needs()

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        if self.hold is not None:
            assert self.hold.wait(30)
        for text in evidence.texts:
            start = text.source.value.find(self.word)
            if start >= 0:
                span = Span(start, start + len(self.word))
                yield Finding(self.name, self.kind, 0.9, text.source.path, span, self.word)


class NoClassifier:
    """Reads nothing."""

    name = "none"
    heads = frozenset[str]()

    def classify(self, inputs: Sequence[ClassifierInput], *, deadline: float | None = None) -> list[Reading]:
        return [Reading({}) for _ in inputs]


RECIPE = Recipe(
    "words",
    "Words",
    "Reports secrets, blocks attacks.",
    (
        DetectorSetting("secrets", Rule(RuleAction.REPORT)),
        DetectorSetting("attacks", Rule(RuleAction.BLOCK)),
    ),
)


def make_guard(settings: Settings | None = None, *more: Detector) -> Guard:
    """A guard whose detectors are `secrets` (SECRET) and `attacks` (ATTACK), and `more`."""
    detectors = [WordDetector("secrets", "SECRET"), WordDetector("attacks", "ATTACK"), *more]
    return Guard(settings=settings, detectors=detectors, classifier=NoClassifier(), redaction_key=bytes(32))


def make_request(text: str = "hello", *, scope: Scope = ANYWHERE, recipe: str | None = "words") -> EvaluationRequest:
    """One user's message, to be judged by the recipe `words`."""
    return EvaluationRequest(conversation_from_text(text, role=Role.USER), scope=scope, recipe=recipe)
