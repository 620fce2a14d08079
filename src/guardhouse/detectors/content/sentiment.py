"""Negative sentiment: anger, disappointment, contempt."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from guardhouse.detectors.base import Evidence, Needs
from guardhouse.detectors.content.readings import added_up, content_finding, content_texts
from guardhouse.matching.pack import load_pack
from guardhouse.matching.pattern import Pattern
from guardhouse.model.finding import Finding
from guardhouse.model.recipe import DetectorSetting

_HEAD = "sentiment_negative"


class Sentiment:
    """How negative a text is, as one finding per text.

    Read from strong words and one head. The head learnt from toxic comments and a few dozen reviews, so insults and
    plain complaints are seen and irony is not.
    """

    name = "sentiment"
    kinds = frozenset({"NEGATIVE_SENTIMENT"})
    option_names: frozenset[str] = frozenset()

    @cached_property
    def _patterns(self) -> tuple[Pattern, ...]:
        return load_pack("guardhouse.detectors.content", "pack_sentiment.toml")

    def needs(self, setting: DetectorSetting) -> Needs:
        """The words and the head."""
        return Needs(self._patterns, frozenset({_HEAD}))

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """One finding per text, from 0.01 on."""
        for text in content_texts(evidence):
            phrases = added_up(text.hits_of(self._patterns))
            if finding := content_finding(self.name, "NEGATIVE_SENTIMENT", text, text.heads.get(_HEAD), phrases):
                yield finding
