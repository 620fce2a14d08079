"""Secrets: the shapes of many providers, credentials in URLs, and values whose name gives them away."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

from guardhouse.detectors.base import Evidence, Needs, TextEvidence
from guardhouse.detectors.context import Lexicon
from guardhouse.detectors.overlap import without_overlaps
from guardhouse.detectors.secrets.checks import CHECKS, EXTRA_KINDS, Reading
from guardhouse.detectors.secrets.judge import PACKAGE
from guardhouse.errors import DeadlineExceeded
from guardhouse.matching.pack import load_pack
from guardhouse.matching.pattern import Hit, Pattern
from guardhouse.model.finding import Finding, Span
from guardhouse.model.recipe import DetectorSetting, RuleAction

NAME = "secrets"
PACKS = (
    "pack_cloud.toml",
    "pack_code.toml",
    "pack_models.toml",
    "pack_finance.toml",
    "pack_services.toml",
    "pack_keys.toml",
)
_BLOB = re.compile(r"[A-Za-z0-9+/=]{300,}")


class SecretsDetector:
    """Finds keys, tokens, private keys, credentials in URLs and passwords (patterns and kinds: `pack_*.toml`).

    Silent on placeholders, code, UUIDs, hashes, encoded images and keys that documentation made public.
    """

    @property
    def name(self) -> str:
        """`secrets`."""
        return NAME

    @property
    def kinds(self) -> frozenset[str]:
        """Every kind that a pattern or a check can give."""
        return _all_kinds()

    @property
    def option_names(self) -> frozenset[str]:
        """None: which kinds are looked for is said by the recipe's rules."""
        return frozenset()

    def needs(self, setting: DetectorSetting) -> Needs:
        """The patterns that can give a kind that is not disabled."""
        return Needs(
            patterns=tuple(
                pattern
                for pattern in _patterns()
                if any(setting.rule_for(kind).action is not RuleAction.DISABLED for kind in _kinds_of(pattern))
            )
        )

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """What stands in the judged texts, one finding a place, in order."""
        for text in evidence.texts:
            if not text.hits:
                continue
            found: list[Finding] = []
            blobs: dict[int, list[Span]] = {}
            for hit in text.hits_of(_patterns()):
                if evidence.deadline is not None and time.monotonic() > evidence.deadline:
                    raise DeadlineExceeded("secrets: out of time")
                if id(hit.view) not in blobs:
                    blobs[id(hit.view)] = [Span(*match.span()) for match in _BLOB.finditer(hit.view.text)]
                if not _is_buried(hit, blobs[id(hit.view)]):
                    found.extend(_read(text, hit, setting))
            yield from without_overlaps(found)


@cache
def _patterns() -> tuple[Pattern, ...]:
    return tuple(pattern for pack in PACKS for pattern in load_pack(PACKAGE, pack))


@cache
def _all_kinds() -> frozenset[str]:
    return frozenset(kind for pattern in _patterns() for kind in _kinds_of(pattern))


def _kinds_of(pattern: Pattern) -> frozenset[str]:
    own = {pattern.data["kind"], *pattern.data.get("near_kinds", {})}
    return frozenset(own | EXTRA_KINDS if pattern.data.get("check") in ("pem", "assignment") else own)


@cache
def _lexicon() -> tuple[Lexicon, Mapping[tuple[str, ...], int]]:
    """All word lists of the patterns, and their numbers."""
    lists = dict.fromkeys(
        tuple(words)
        for pattern in _patterns()
        for words in (pattern.data.get("words", ()), *pattern.data.get("near_kinds", {}).values())
        if words
    )
    return Lexicon(list(lists)), {words: number for number, words in enumerate(lists)}


def _is_buried(hit: Hit, blobs: list[Span]) -> bool:
    """True for a short match inside a long stretch of base64: an image, a font, an archive."""
    length = hit.view_span.end - hit.view_span.start
    return any(
        blob.start < hit.view_span.end and hit.view_span.start < blob.end and 2 * length < blob.end - blob.start
        for blob in blobs
    )


def _read(text: TextEvidence, hit: Hit, setting: DetectorSetting) -> Iterator[Finding]:
    data = hit.pattern.data
    reading = CHECKS[data.get("check", "token")](hit)
    if reading is None:
        return
    confidence = float(data["confidence"]) if reading.confidence is None else reading.confidence
    kind = reading.kind or data["kind"]
    if "words" in data or "near_kinds" in data:
        lexicon, numbers = _lexicon()
        around = lexicon.around(hit.view.text, reading.start, reading.end)
        near = around.before.keys() | around.after.keys()
        if "words" in data and numbers[tuple(data["words"])] in near:
            confidence = float(data["near_confidence"])
        nearby = (other for other, words in data.get("near_kinds", {}).items() if numbers[tuple(words)] in near)
        kind = next(nearby, kind)
    if setting.rule_for(kind).action is RuleAction.DISABLED:
        return
    yield _finding(text, hit, reading, kind, confidence)


def _finding(text: TextEvidence, hit: Hit, reading: Reading, kind: str, confidence: float) -> Finding:
    view_span = Span(reading.start, reading.end)
    span = hit.span if view_span == hit.view_span else hit.view.to_original(view_span)
    facts = dict(reading.facts)
    if hit.pattern.data.get("provider"):
        facts["provider"] = hit.pattern.data["provider"]
    if hit.view.name != "text":
        facts["view"] = hit.view.name
    return Finding(
        detector=NAME,
        kind=kind,
        confidence=confidence,
        path=text.source.path,
        span=span,
        value=text.source.value[span.start : span.end],
        analyzer=hit.pattern.id,
        evidence=facts,
    )
