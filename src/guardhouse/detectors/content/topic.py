"""Subjects that an operator may not want to be talked about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from guardhouse.classifier.base import HeadReading
from guardhouse.detectors.base import Evidence, Needs
from guardhouse.detectors.content.readings import HIGHEST, added_up, content_finding, content_texts
from guardhouse.errors import InvalidInput, UnknownName
from guardhouse.matching.pack import load_pack
from guardhouse.matching.pattern import Pattern
from guardhouse.model.finding import Finding, Span
from guardhouse.model.recipe import DetectorSetting

_HEAD_ALONE = 0.45
_TOPICS = ("FINANCIAL_ADVICE", "LEGAL_ADVICE", "RELIGION", "POLITICS", "HEALTH_COVERAGE")


class Topic:
    """Financial and legal advice, religion, politics and health coverage.

    Option `topics`: a list of these names in any case, with hyphens or underscores; empty or absent means all. Read
    from phrases, which heads that saw few examples of each topic can support but not replace: a first version, for
    English mostly. Topics that are harms (weapons, criminal conduct, sexual content, self-harm, toxicity) belong to
    `harmful_content`.
    """

    name = "topic"
    kinds = frozenset(_TOPICS)
    option_names = frozenset({"topics"})

    @cached_property
    def _patterns(self) -> Mapping[str, tuple[Pattern, ...]]:
        pack = load_pack("guardhouse.detectors.content", "pack_topics.toml")
        return {topic: tuple(one for one in pack if one.data["kind"] == topic) for topic in _TOPICS}

    def needs(self, setting: DetectorSetting) -> Needs:
        """The phrases and heads of the topics that the setting names."""
        topics = _chosen(setting)
        patterns = tuple(pattern for topic in topics for pattern in self._patterns[topic])
        return Needs(patterns, frozenset(map(_head, topics)))

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """Every chosen topic of at least 0.01, text by text."""
        topics = _chosen(setting)
        for text in content_texts(evidence):
            for topic in topics:
                phrases = added_up(text.hits_of(self._patterns[topic]))
                head = text.heads.get(_head(topic))
                if finding := content_finding(self.name, topic, text, *_supported(head, phrases)):
                    yield finding


def _supported(
    head: HeadReading | None, phrases: tuple[float, Span | None]
) -> tuple[HeadReading | None, tuple[float, Span | None]]:
    """A head without a phrase stays below the default threshold; with one the two add up."""
    if head is None:
        return None, phrases
    confidence, span = phrases
    if span is None:
        return HeadReading(min(head.confidence, _HEAD_ALONE), head.span), phrases
    return None, (min(1 - (1 - confidence) * (1 - head.confidence), HIGHEST), span)


def _head(topic: str) -> str:
    return f"topic_{topic.lower()}"


def _chosen(setting: DetectorSetting) -> tuple[str, ...]:
    given = setting.options.get("topics") or ()
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InvalidInput(
            "topics must be a list of names", path=("options", "topics"), code="wrong_type", expected="array"
        )
    names = [str(name).upper().replace("-", "_") for name in given]
    unknown = sorted(set(names) - set(_TOPICS))
    if unknown:
        raise UnknownName(f"there is no topic {unknown[0].lower()!r}", path=("options", "topics"))
    return tuple(topic for topic in _TOPICS if not names or topic in names)
