"""Hateful, harassing, sexual, violent, self-harming, criminal, armed, profane and toxic text."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from guardhouse.detectors.base import Evidence, Needs
from guardhouse.detectors.content.readings import added_up, content_finding, content_texts
from guardhouse.matching.pack import load_pack
from guardhouse.matching.pattern import Pattern
from guardhouse.model.finding import Finding
from guardhouse.model.recipe import DetectorSetting

_HEAD_OF_KIND = {
    kind: kind.lower()
    for kind in (
        "HATE",
        "HARASSMENT",
        "SEXUAL",
        "VIOLENCE",
        "SELF_HARM",
        "CRIMINAL",
        "WEAPONS",
        "PROFANITY",
        "TOXICITY",
    )
}


class HarmfulContent:
    """Harmful content, one finding per text and kind, with the window that carried it.

    Read from the classifier's heads, and for profanity from a list of words too. The heads know English insults and
    harmful requests well and little else: rare kinds (weapons, self-harm, violence) had a few hundred examples.
    """

    name = "harmful_content"
    kinds = frozenset(_HEAD_OF_KIND)
    option_names: frozenset[str] = frozenset()

    @cached_property
    def _profanity(self) -> tuple[Pattern, ...]:
        return load_pack("guardhouse.detectors.content", "pack_profanity.toml")

    def needs(self, setting: DetectorSetting) -> Needs:
        """The harm heads and the profane words."""
        return Needs(self._profanity, frozenset(_HEAD_OF_KIND.values()))

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """Every kind of at least 0.01, text by text."""
        for text in content_texts(evidence):
            profane = added_up(text.hits_of(self._profanity))
            for kind, head in _HEAD_OF_KIND.items():
                phrases = profane if kind == "PROFANITY" else (0.0, None)
                if finding := content_finding(self.name, kind, text, text.heads.get(head), phrases):
                    yield finding
