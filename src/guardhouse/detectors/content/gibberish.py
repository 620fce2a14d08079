"""Text without meaning: keys struck at random, letters stirred."""

from __future__ import annotations

from collections.abc import Iterable

from guardhouse.detectors.base import Evidence, Needs
from guardhouse.detectors.content.readings import content_finding, content_texts
from guardhouse.model.finding import Finding
from guardhouse.model.recipe import DetectorSetting

_HEAD = "gibberish"
_LEAST_LETTERS = 8


class Gibberish:
    """How far a text is noise, as one finding per text of at least eight letters.

    Read from one head, a character model in effect: it learnt noise of several makes against text and code in some
    forty languages. Real words in a senseless order are not noticed.
    """

    name = "gibberish"
    kinds = frozenset({"GIBBERISH"})
    option_names: frozenset[str] = frozenset()

    def needs(self, setting: DetectorSetting) -> Needs:
        """The head."""
        return Needs(heads=frozenset({_HEAD}))

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """One finding per text, from 0.01 on."""
        for text in content_texts(evidence):
            if sum(map(str.isalpha, text.source.value)) < _LEAST_LETTERS:
                continue
            if finding := content_finding(self.name, "GIBBERISH", text, text.heads.get(_HEAD), (0.0, None)):
                yield finding
