"""Names of competitors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from guardhouse.detectors.base import Evidence, Needs
from guardhouse.errors import InvalidInput
from guardhouse.matching.pattern import Pattern
from guardhouse.matching.words import phrase_patterns
from guardhouse.model.finding import Finding
from guardhouse.model.recipe import DetectorSetting

MAX_NAMES = 5_000
CONFIDENCE = 0.95


class CompetitorsDetector:
    """The names an operator lists under `names`, whole and in any case; the value is the name as listed. Linear."""

    name = "competitors"
    kinds = frozenset({"COMPETITOR"})
    option_names = frozenset({"names"})

    def needs(self, setting: DetectorSetting) -> Needs:
        """A pattern over the names. Raises `InvalidInput` when they are no list of strings."""
        return Needs(patterns=_patterns(_names(setting)))

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """A finding for every place where a name stands."""
        names = _names(setting)
        if not names:
            return
        listed = _listed(names)
        for text in evidence.texts:
            for hit in text.hits_of(_patterns(names)):
                name = listed.get(_key(hit.value), hit.value)
                yield Finding(self.name, "COMPETITOR", CONFIDENCE, text.source.path, hit.span, name)


def _names(setting: DetectorSetting) -> tuple[str, ...]:
    names = setting.options.get("names", ())
    path = ("options", "names")
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise InvalidInput("names must be a list of strings", path=path, code="wrong_type", expected="array")
    if len(names) > MAX_NAMES:
        raise InvalidInput(f"at most {MAX_NAMES} names", path=path, code="too_long")
    return tuple(name for name in names if name.strip())


@lru_cache(maxsize=64)
def _patterns(names: tuple[str, ...]) -> tuple[Pattern, ...]:
    return phrase_patterns("competitors", names, ignore_accents=False, source="operator")


@lru_cache(maxsize=64)
def _listed(names: tuple[str, ...]) -> Mapping[str, str]:
    return MappingProxyType({_key(name): name for name in reversed(names)})


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()
