"""Personal and financial data: shapes from the matcher, read by a table of kinds."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import cache, lru_cache

from guardhouse.detectors.base import Evidence, Needs
from guardhouse.detectors.overlap import without_overlaps
from guardhouse.detectors.pii.names import KIND_OF_TAG, names_beside, tagged_names, tags_for
from guardhouse.detectors.pii.reader import NAME, Reader
from guardhouse.detectors.pii.rules import PACKAGE, PACKS, rule_table
from guardhouse.errors import DeadlineExceeded
from guardhouse.matching.pack import load_pack
from guardhouse.matching.pattern import Pattern
from guardhouse.model.finding import Finding
from guardhouse.model.recipe import DetectorSetting

ASKED_FOR = frozenset({"ORGANIZATION"})
"""Looked for only where a rule names them: a company's name is rarely anybody's personal data."""


class PiiDetector:
    """Finds e-mail addresses, telephone numbers, cards, accounts, national ids, dates, names, ... (`rules.toml`).

    Confidence says how sure the kind is: the check's verdict, raised by words of the kind's own nearby, lowered by
    words that name something else. Kinds whose rule is disabled are not looked for and hide nothing; those of
    `ASKED_FOR` are looked for only where a rule names them.
    """

    @property
    def name(self) -> str:
        """`pii`."""
        return NAME

    @property
    def kinds(self) -> frozenset[str]:
        """Every kind of the table and of the classifier's tags."""
        return _kinds()

    @property
    def option_names(self) -> frozenset[str]:
        """None: which kinds are looked for is said by the recipe's rules."""
        return frozenset()

    def needs(self, setting: DetectorSetting) -> Needs:
        """The shapes of the kinds that are not disabled, and the classifier's tags for names and places."""
        return _needs(_enabled(setting))

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """What stands in the judged texts, one finding a place, in order."""
        enabled = _enabled(setting)
        for text in evidence.texts:
            reader = Reader(text, enabled)
            for hit in text.hits_of(_patterns()):
                if evidence.deadline is not None and time.monotonic() > evidence.deadline:
                    raise DeadlineExceeded("pii: out of time")
                reader.read(hit)
            found = reader.findings
            yield from without_overlaps([*found, *names_beside(found, tagged_names(NAME, text, enabled))])


@cache
def _patterns() -> tuple[Pattern, ...]:
    return tuple(pattern for pack in PACKS for pattern in load_pack(PACKAGE, pack))


@cache
def _kinds() -> frozenset[str]:
    return frozenset(rule.kind for rule in rule_table().rules).union(KIND_OF_TAG.values())


def _enabled(setting: DetectorSetting) -> frozenset[str]:
    return setting.enabled(_kinds()) - (ASKED_FOR - setting.rules.keys())


@lru_cache(maxsize=256)
def _needs(enabled: frozenset[str]) -> Needs:
    shapes = {rule.shape for rule in rule_table().rules if rule.kind in enabled}
    return Needs(tuple(pattern for pattern in _patterns() if pattern.id in shapes), tags_for(enabled))
