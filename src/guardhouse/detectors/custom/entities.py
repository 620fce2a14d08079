"""Entities that operators define by patterns and words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from guardhouse.detectors.base import Evidence, Needs
from guardhouse.errors import InvalidInput, InvalidPattern
from guardhouse.matching.matcher import Matcher
from guardhouse.matching.pattern import Hit, Pattern
from guardhouse.matching.words import phrase_patterns
from guardhouse.model.conversation import Path
from guardhouse.model.finding import Finding
from guardhouse.model.recipe import DetectorSetting

MAX_ENTITIES = 200
MAX_WORDS = 20_000
MAX_PATTERN = 2_000
DEFAULT_CONFIDENCE = 0.9
CONTEXT_WIDTH = 60

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_MEMBERS = frozenset({"name", "pattern", "words", "context", "confidence"})


@dataclass(frozen=True, slots=True)
class CustomEntity:
    """One entity: its kind, the patterns that find it, and the words near by that make a match count in full."""

    kind: str
    patterns: tuple[Pattern, ...]
    context: tuple[str, ...]
    confidence: float


class CustomEntityDetector:
    """What operators describe under `entities`, each with its own kind.

    Option `entities`: a list of `{"name": "STAFF_NUMBER", "pattern": "S-[0-9]{6}", "words": ["..."], "context":
    ["staff"], "confidence": 0.9}`. `pattern` is in RE2 syntax; `words` match whole, in any case. Where `context` is
    given, a match with none of its words within 60 code points counts half. Linear.
    """

    name = "custom_entity"
    kinds: frozenset[str] = frozenset()
    option_names = frozenset({"entities"})

    def needs(self, setting: DetectorSetting) -> Needs:
        """The operator's patterns. Raises `InvalidInput` and, with RE2's own message, `InvalidPattern`."""
        return Needs(patterns=tuple(pattern for entity in _entities(setting) for pattern in entity.patterns))

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """A finding for every match; the matcher passes over empty ones."""
        entities = _entities(setting)
        for text in evidence.texts:
            for entity in entities:
                for hit in text.hits_of(entity.patterns):
                    confidence = entity.confidence * (1.0 if _in_context(hit, entity.context) else 0.5)
                    yield Finding(self.name, entity.kind, confidence, text.source.path, hit.span, hit.value)


def _in_context(hit: Hit, words: tuple[str, ...]) -> bool:
    if not words:
        return True
    near = hit.context(CONTEXT_WIDTH).casefold()
    return any(word in near for word in words)


def _entities(setting: DetectorSetting) -> tuple[CustomEntity, ...]:
    given = setting.options.get("entities", ())
    try:
        key = json.dumps(given, sort_keys=True, ensure_ascii=False)
    except (TypeError, ValueError):
        raise InvalidInput("entities must be plain JSON", path=("options", "entities"), code="wrong_type") from None
    return _read_entities(key)


@lru_cache(maxsize=64)
def _read_entities(key: str) -> tuple[CustomEntity, ...]:
    given = json.loads(key)
    path: Path = ("options", "entities")
    if not isinstance(given, list):
        raise InvalidInput("entities must be a list", path=path, code="wrong_type", expected="array")
    if len(given) > MAX_ENTITIES:
        raise InvalidInput(f"at most {MAX_ENTITIES} entities", path=path, code="too_long")
    entities = tuple(_entity(item, (*path, index)) for index, item in enumerate(given))
    names = [entity.kind for entity in entities]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated:
        raise InvalidInput(f"two entities are named {repeated!r}", path=path, code="conflict")
    return entities


def _entity(item: Any, path: Path) -> CustomEntity:
    if not isinstance(item, Mapping):
        raise InvalidInput("an entity must be an object", path=path, code="wrong_type", expected="object")
    unknown = sorted(set(item) - _MEMBERS)
    if unknown:
        raise InvalidInput(f"an entity has no member {unknown[0]!r}", path=(*path, unknown[0]), code="unknown_member")
    name = item.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput("an entity's name is made of letters, digits and _", path=(*path, "name"))
    regex = item.get("pattern", "")
    words = _strings(item, "words", path)
    if not isinstance(regex, str):
        raise InvalidInput("a pattern must be a string", path=(*path, "pattern"), code="wrong_type", expected="string")
    if not regex and not words:
        raise InvalidInput(f"entity {name!r} needs a pattern or words", path=path, code="missing")
    confidence = item.get("confidence", DEFAULT_CONFIDENCE)
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0.0 <= confidence <= 1.0:
        raise InvalidInput("a confidence is a number from 0 to 1", path=(*path, "confidence"), code="out_of_range")
    kind = name.upper()
    patterns = phrase_patterns(f"custom.{kind}.words", words, ignore_accents=False, source="operator")
    if regex:
        patterns = (_checked(Pattern(f"custom.{kind}", regex, source="operator"), (*path, "pattern")), *patterns)
    if not patterns:
        raise InvalidInput(f"the words of {name!r} hold no letter or digit", path=(*path, "words"), code="empty")
    context = tuple(word.casefold() for word in _strings(item, "context", path))
    return CustomEntity(kind, patterns, context, float(confidence))


def _checked(pattern: Pattern, path: Path) -> Pattern:
    """`pattern`, once RE2 takes it."""
    if len(pattern.regex) > MAX_PATTERN:
        raise InvalidInput(f"a pattern has at most {MAX_PATTERN} characters", path=path, code="too_long")
    try:
        Matcher((pattern,))
    except InvalidPattern as error:
        raise InvalidPattern(error.detail, path=path) from error
    return pattern


def _strings(item: Mapping[str, Any], name: str, path: Path) -> tuple[str, ...]:
    values = item.get(name) or ()
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise InvalidInput(f"{name} must be a list of strings", path=(*path, name), code="wrong_type", expected="array")
    if len(values) > MAX_WORDS:
        raise InvalidInput(f"at most {MAX_WORDS} {name}", path=(*path, name), code="too_long")
    return tuple(value for value in values if value.strip())
