"""Entities that operators define by patterns and words."""

from __future__ import annotations

import time
from collections.abc import Iterable

from guardhouse.detectors.base import Evidence, Needs
from guardhouse.detectors.custom.definitions import entities_of
from guardhouse.errors import DeadlineExceeded
from guardhouse.model.finding import Finding
from guardhouse.model.recipe import DetectorSetting


class CustomEntityDetector:
    """What operators describe under `entities`, each with its own kind.

    Option `entities`: a list of `{"name": "STAFF_NUMBER", "pattern": "S-[0-9]{6}", "patterns": ["..."], "words":
    ["..."], "ignore_case": true, "ignore_accents": false, "context": ["staff"], "confidence": 0.9, "examples": ["staff
    S-204417"], "near_misses": ["S-2044170"]}`. Patterns are in RE2 syntax and mind the case unless told not to; `words`
    match whole in any script, in any case unless told not to, and with `ignore_accents` also where their accents were
    left out. Where `context` is given (whole words in any case, `*` for any ending), a match with none of them within
    60 code points counts half; beside a word of `not_context` none counts. An entry of `patterns` may be
    `{"pattern": "...", "confidence": 0.4}`; with `whole` no pattern matches inside a word, of any script. Every example
    must be found in full and no near miss may be. Linear.
    """

    name = "custom_entity"
    kinds: frozenset[str] = frozenset()
    option_names = frozenset({"entities"})

    def needs(self, setting: DetectorSetting) -> Needs:
        """The operator's patterns. Raises `InvalidInput` and, with RE2's own message, `InvalidPattern`."""
        return Needs(patterns=tuple(pattern for entity in entities_of(setting) for pattern in entity.patterns))

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """A finding for every match; the matcher passes over empty ones."""
        entities = entities_of(setting)
        for text in evidence.texts:
            for entity in entities:
                for hit in text.hits_of(entity.patterns):
                    if evidence.deadline is not None and time.monotonic() > evidence.deadline:
                        raise DeadlineExceeded("custom_entity: out of time")
                    if entity.is_ruled_out(hit):
                        continue
                    confidence = entity.confidence_in(hit)
                    value = text.source.value[hit.span.start : hit.span.end]
                    yield Finding(self.name, entity.kind, confidence, text.source.path, hit.span, value)
