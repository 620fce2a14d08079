"""Evidence for tests of detectors, collected the way the engine does it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from guardhouse.classifier.base import Classifier
from guardhouse.detectors.base import Detector, Evidence
from guardhouse.engine.collect import collect, judged_texts
from guardhouse.engine.timing import Stopwatch
from guardhouse.matching.matcher import Matcher
from guardhouse.matching.pattern import Pattern
from guardhouse.model.conversation import Conversation, Role
from guardhouse.model.finding import Finding
from guardhouse.model.messages import conversation_from_messages, conversation_from_text
from guardhouse.model.recipe import DetectorSetting, Rule, RuleAction

REPORT = Rule(RuleAction.REPORT)
TIME_ENOUGH_S = 600.0


def setting_for(
    detector: Detector, *, options: Mapping[str, Any] | None = None, rules: Mapping[str, Rule] | None = None
) -> DetectorSetting:
    """The detector with everything reported."""
    return DetectorSetting(detector.name, default=REPORT, rules=rules or {}, options=options or {})


@dataclass(frozen=True)
class _Patterns:
    """Patterns that compare by identity, so that a matcher is compiled once for a detector's whole test file."""

    patterns: tuple[Pattern, ...]

    def __hash__(self) -> int:
        return hash(tuple(pattern.id for pattern in self.patterns))


@lru_cache(maxsize=64)
def _matcher(patterns: _Patterns) -> Matcher:
    return Matcher(patterns.patterns)


def conversation_of(content: str | Sequence[Mapping[str, Any]], role: Role = Role.USER) -> Conversation:
    """A text becomes one message of `role`; messages are read as callers send them."""
    if isinstance(content, str):
        return conversation_from_text(content, role=role)
    return conversation_from_messages(list(content))


def evidence_for(
    content: str | Sequence[Mapping[str, Any]] | Conversation,
    settings: Iterable[tuple[Detector, DetectorSetting]],
    *,
    role: Role = Role.USER,
    classifier: Classifier | None = None,
) -> Evidence:
    """What the detectors would be given under these settings."""
    conversation = content if isinstance(content, Conversation) else conversation_of(content, role)
    needs = [detector.needs(setting) for detector, setting in settings]
    patterns = tuple({pattern.id: pattern for need in needs for pattern in need.patterns}.values())
    texts = collect(
        judged_texts(conversation),
        matchers=[_matcher(_Patterns(patterns))] if patterns else [],
        patterns=frozenset(pattern.id for pattern in patterns),
        classifier=classifier,
        heads=frozenset(head for need in needs for head in need.heads),
        deadline=time.monotonic() + TIME_ENOUGH_S,
        watch=Stopwatch(time.monotonic),
    )
    return Evidence(conversation, texts)


def findings_of(
    detector: Detector,
    content: str | Sequence[Mapping[str, Any]] | Conversation,
    *,
    setting: DetectorSetting | None = None,
    role: Role = Role.USER,
    classifier: Classifier | None = None,
    least: float = 0.0,
) -> list[Finding]:
    """What the detector finds in a text or in messages, from the confidence `least` on."""
    chosen = setting or setting_for(detector)
    evidence = evidence_for(content, [(detector, chosen)], role=role, classifier=classifier)
    return [finding for finding in detector.find(evidence, chosen) if finding.confidence >= least]
