"""Operators' definitions of entities: read, checked and tried on the operator's own examples."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from guardhouse.detectors.context import Lexicon
from guardhouse.errors import InvalidInput, InvalidPattern
from guardhouse.matching.matcher import Matcher
from guardhouse.matching.pattern import Hit, Pattern
from guardhouse.matching.words import phrase_patterns
from guardhouse.model.conversation import Path
from guardhouse.model.recipe import DetectorSetting
from guardhouse.text.normalize import normalize

MAX_ENTITIES = 200
MAX_WORDS = 20_000
MAX_PATTERNS = 50
MAX_PATTERN = 2_000
MAX_EXAMPLES = 100
MAX_EXAMPLE = 2_000
MAX_ALL_EXAMPLES = 1_000
"""Of all entities together: a request may bring its own, and each is tried before the request runs."""
DEFAULT_CONFIDENCE = 0.9
OUT_OF_CONTEXT = 0.5
"""Factor on the confidence of a match without any of its context words."""
CONTEXT_WIDTH = 60

_IN_WORDS = "[\\p{L}\\p{N}_]"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_MEMBER_NAMES = (
    "name pattern patterns whole words ignore_case ignore_accents context not_context confidence examples near_misses"
)
_MEMBERS = frozenset(_MEMBER_NAMES.split())


@dataclass(frozen=True, slots=True)
class CustomEntity:
    """One entity: its kind, the patterns that find it, and the words near by that make a match count in full, or not
    at all. A pattern may have a confidence of its own, kept in its `data`."""

    kind: str
    patterns: tuple[Pattern, ...]
    context: Lexicon | None
    confidence: float
    not_context: Lexicon | None = None

    def confidence_in(self, hit: Hit) -> float:
        """How sure a match is: in full beside a context word or where none is asked for, else half."""
        confidence: float = hit.pattern.data.get("confidence", self.confidence)
        return confidence if self.in_context(hit) else confidence * OUT_OF_CONTEXT

    def is_ruled_out(self, hit: Hit) -> bool:
        """True where a word that speaks against the entity stands as near."""
        return self.not_context is not None and bool(self.not_context.read(hit.context(CONTEXT_WIDTH)))

    def in_context(self, hit: Hit) -> bool:
        """True where one of the context words stands within 60 code points of the match, or none is asked for."""
        return self.context is None or bool(self.context.read(hit.context(CONTEXT_WIDTH)))


def entities_of(setting: DetectorSetting) -> tuple[CustomEntity, ...]:
    """The entities of the option `entities`, checked once per content. Raises `InvalidInput` and `InvalidPattern`."""
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
    proofs = sum(_length(item, "examples") + _length(item, "near_misses") for item in given)
    if proofs > MAX_ALL_EXAMPLES:
        raise InvalidInput(f"at most {MAX_ALL_EXAMPLES} examples and near misses in all", path=path, code="too_long")
    entities = tuple(_entity(item, (*path, index)) for index, item in enumerate(given))
    names = [entity.kind for entity in entities]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated:
        raise InvalidInput(f"two entities are named {repeated!r}", path=path, code="conflict")
    return entities


def _length(item: Any, name: str) -> int:
    values = item.get(name) if isinstance(item, Mapping) else None
    return len(values) if isinstance(values, list) else 0


def _entity(item: Any, path: Path) -> CustomEntity:
    if not isinstance(item, Mapping):
        raise InvalidInput("an entity must be an object", path=path, code="wrong_type", expected="object")
    unknown = sorted(set(item) - _MEMBERS)
    if unknown:
        raise InvalidInput(f"an entity has no member {unknown[0]!r}", path=(*path, unknown[0]), code="unknown_member")
    name = item.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput("an entity's name is made of letters, digits and _", path=(*path, "name"))
    confidence = _confidence(item, path)
    context = _said(_strings(item, "context", path, most=MAX_WORDS))
    against = _said(_strings(item, "not_context", path, most=MAX_WORDS))
    kind = name.upper()
    entity = CustomEntity(
        kind,
        _patterns(kind, item, path),
        Lexicon([context]) if context else None,
        confidence,
        Lexicon([against]) if against else None,
    )
    _prove(entity, item, path)
    return entity


def _patterns(kind: str, item: Mapping[str, Any], path: Path) -> tuple[Pattern, ...]:
    """What finds the entity: its own expressions and its words."""
    regex = item.get("pattern", "")
    if not isinstance(regex, str):
        raise InvalidInput("a pattern must be a string", path=(*path, "pattern"), code="wrong_type", expected="string")
    words = _said(_strings(item, "words", path, most=MAX_WORDS))
    more, confidences = _weighed(item, path)
    if not regex and not more and not words:
        raise InvalidInput(f"entity {kind!r} needs a pattern or words", path=path, code="missing")
    ignore_case = _flag(item, "ignore_case", path)
    edge = _IN_WORDS if _flag(item, "whole", path) else ""
    options: dict[str, Any] = {"ignore_case": bool(ignore_case), "before": edge, "after": edge}
    found: list[Pattern] = []
    if regex:
        own = Pattern(f"custom.{kind}", regex, source="operator", **options)
        found.append(_checked(own, (*path, "pattern")))
    for index, expression in enumerate(more):
        data = {"confidence": confidences[index]} if index in confidences else {}
        own = Pattern(f"custom.{kind}.{index}", expression, source="operator", **options, data=data)
        found.append(_checked(own, (*path, "patterns", index)))
    listed = phrase_patterns(
        f"custom.{kind}.words",
        words,
        ignore_case=ignore_case is not False,
        ignore_accents=bool(_flag(item, "ignore_accents", path)),
        source="operator",
    )
    if words and not listed:
        raise InvalidInput(f"the words of {kind!r} hold no letter or digit", path=(*path, "words"), code="empty")
    return (*found, *listed)


def _weighed(item: Mapping[str, Any], path: Path) -> tuple[tuple[str, ...], dict[int, float]]:
    """The expressions of `patterns`, and the confidences of those written `{"pattern": ..., "confidence": ...}`."""
    given = item.get("patterns")
    if not isinstance(given, list):
        return _strings(item, "patterns", path, most=MAX_PATTERNS), {}
    expressions: list[Any] = []
    confidences: dict[int, float] = {}
    for index, entry in enumerate(given):
        if isinstance(entry, Mapping):
            if set(entry) != {"pattern", "confidence"}:
                raise InvalidInput("it has pattern and confidence", path=(*path, "patterns", index))
            confidences[index] = _confidence(entry, (*path, "patterns", index))
            entry = entry["pattern"]
        expressions.append(entry)
    return _strings({"patterns": expressions}, "patterns", path, most=MAX_PATTERNS), confidences


def _confidence(item: Mapping[str, Any], path: Path) -> float:
    confidence = item.get("confidence", DEFAULT_CONFIDENCE)
    if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0.0 <= confidence <= 1.0:
        raise InvalidInput("a confidence is a number from 0 to 1", path=(*path, "confidence"), code="out_of_range")
    return float(confidence)


def _prove(entity: CustomEntity, item: Mapping[str, Any], path: Path) -> None:
    """Tries the entity on the operator's own texts; `InvalidInput` names the first that it gets wrong, by place."""
    examples = _strings(item, "examples", path, most=MAX_EXAMPLES, longest=MAX_EXAMPLE)
    near_misses = _strings(item, "near_misses", path, most=MAX_EXAMPLES, longest=MAX_EXAMPLE)
    if not examples and not near_misses:
        return
    matcher = Matcher(entity.patterns)
    for index, text in enumerate(examples):
        hits = _hits(matcher, text)
        if not hits:
            raise InvalidInput(f"{entity.kind!r} does not find its example {index}", path=(*path, "examples", index))
        if not any(entity.in_context(hit) and not entity.is_ruled_out(hit) for hit in hits):
            detail = (
                f"{entity.kind!r} finds its example {index} only in part: no context word, or one against it, is near"
            )
            raise InvalidInput(detail, path=(*path, "examples", index))
    for index, text in enumerate(near_misses):
        if any(entity.in_context(hit) and not entity.is_ruled_out(hit) for hit in _hits(matcher, text)):
            raise InvalidInput(f"{entity.kind!r} finds its near miss {index}", path=(*path, "near_misses", index))


def _hits(matcher: Matcher, text: str) -> list[Hit]:
    return [hit for hits in matcher.scan(normalize(text)).values() for hit in hits]


def _checked(pattern: Pattern, path: Path) -> Pattern:
    """`pattern`, once RE2 takes it."""
    if not pattern.regex.strip():
        raise InvalidInput("a pattern must not be empty", path=path, code="empty")
    if len(pattern.regex) > MAX_PATTERN:
        raise InvalidInput(f"a pattern has at most {MAX_PATTERN} characters", path=path, code="too_long")
    try:
        Matcher((pattern,))
    except InvalidPattern as error:
        raise InvalidPattern(error.detail, path=path) from error
    return pattern


def _said(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for word in words if word.strip())


def _flag(item: Mapping[str, Any], name: str, path: Path) -> bool | None:
    value = item.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidInput(f"{name} is true or false", path=(*path, name), code="wrong_type", expected="boolean")
    return value


def _strings(
    item: Mapping[str, Any], name: str, path: Path, *, most: int, longest: int = MAX_PATTERN
) -> tuple[str, ...]:
    values = item.get(name) or ()
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise InvalidInput(f"{name} must be a list of strings", path=(*path, name), code="wrong_type", expected="array")
    if len(values) > most:
        raise InvalidInput(f"at most {most} {name}", path=(*path, name), code="too_long")
    if any(len(value) > longest for value in values):
        raise InvalidInput(f"each of {name} has at most {longest} characters", path=(*path, name), code="too_long")
    return tuple(values)
