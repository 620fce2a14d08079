"""Secrets: the shapes of many providers, credentials in URLs, and values whose name gives them away."""

from __future__ import annotations

import re
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache

from guardhouse.detectors.base import Evidence, Needs, TextEvidence
from guardhouse.detectors.context import Lexicon
from guardhouse.detectors.overlap import without_overlaps
from guardhouse.detectors.secrets import seams
from guardhouse.detectors.secrets.checks import CHECKS, EXTRA_KINDS, Reading
from guardhouse.detectors.secrets.judge import PACKAGE
from guardhouse.detectors.secrets.neighbours import pairs
from guardhouse.errors import DeadlineExceeded
from guardhouse.matching.matcher import Matcher
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
        _marked()  # compiled with the plan, not on a request's time
        return _needs(setting.enabled(_all_kinds()))

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """What stands in the judged texts, one finding a place, in order.

        Of a secret that goes on in the next text each piece is a finding of its own, in its own text.
        """
        found = [_found_in(text, evidence, setting) for text in evidence.texts]
        pieces: dict[int, list[Finding]] = {}
        for halves in _halves(evidence, setting):
            if not any(_is_covered(finding, found[index]) for index, finding in halves):
                for index, finding in halves:
                    pieces.setdefault(index, []).append(finding)
        for index, findings in enumerate(found):
            yield from without_overlaps([*findings, *pieces[index]]) if index in pieces else findings


def _found_in(text: TextEvidence, evidence: Evidence, setting: DetectorSetting) -> list[Finding]:
    """The findings inside one text, in order and apart."""
    found: list[Finding] = []
    blobs: dict[int, list[Span]] = {}
    for hit in text.hits_of(_patterns()):
        _check_time(evidence)
        if id(hit.view) not in blobs:
            blobs[id(hit.view)] = [Span(*match.span()) for match in _BLOB.finditer(hit.view.text)]
        if not _is_buried(hit, blobs[id(hit.view)]):
            found.extend(_read(text, hit, setting))
    _check_time(evidence)
    standing = without_overlaps(found)
    joined = [
        finding
        for hit in seams.over_lines(text.normalized.canonical, text.source.value, _marked())
        for finding in _read(text, hit, setting)
        if not _is_covered(finding, standing)
    ]
    return without_overlaps([*standing, *joined]) if joined else standing


def _halves(evidence: Evidence, setting: DetectorSetting) -> Iterator[list[tuple[int, Finding]]]:
    """For each secret that begins in one text and ends in a later one its pieces, each with the number of its text.

    A piece in a text that is context, and not judged, is left out.
    """
    for left, right in pairs(evidence):
        _check_time(evidence)
        for joined in seams.over_texts(left.text, right.text, _marked()):
            hit = joined.hit
            reading = CHECKS[hit.pattern.data.get("check", "token")](hit)
            kind = hit.pattern.data["kind"]
            if reading is None or setting.rule_for(kind).action is RuleAction.DISABLED:
                continue
            confidence = float(hit.pattern.data["confidence"]) if reading.confidence is None else reading.confidence
            halves: list[tuple[int, Finding]] = []
            for side, half in ((left, joined.left), (right, joined.right)):
                if side.index is not None:
                    text = evidence.texts[side.index]
                    span = text.normalized.canonical.to_original(half)
                    halves.append((side.index, _finding(text, hit, reading, kind, confidence, span)))
            yield halves


def _is_covered(finding: Finding, standing: Sequence[Finding]) -> bool:
    """True where one of the `standing`, which are in order and apart, is there and at least as sure as `finding`."""
    span = finding.span
    if span is None:
        return True
    at = bisect_right(standing, span.start, key=_end)
    while at < len(standing):
        other = standing[at]
        if other.span is None or other.span.start >= span.end:
            return False
        if other.confidence >= finding.confidence:
            return True
        at += 1
    return False


def _end(finding: Finding) -> int:
    return 0 if finding.span is None else finding.span.end


def _check_time(evidence: Evidence) -> None:
    if evidence.deadline is not None and time.monotonic() > evidence.deadline:
        raise DeadlineExceeded("secrets: out of time")


@cache
def _patterns() -> tuple[Pattern, ...]:
    return tuple(pattern for pack in PACKS for pattern in load_pack(PACKAGE, pack))


@cache
def _marked() -> Matcher:
    """The matcher of the shapes that are looked for across seams; about 0.1 s."""
    return Matcher(seams.marked(_patterns()))


@lru_cache(maxsize=256)
def _needs(enabled: frozenset[str]) -> Needs:
    return Needs(tuple(pattern for pattern in _patterns() if not enabled.isdisjoint(_kinds_of(pattern))))


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
    """True for a short match inside a long stretch of base64: an image, a font, an archive. `blobs` are in order."""
    length = hit.view_span.end - hit.view_span.start
    at = bisect_right(blobs, hit.view_span.start, key=lambda blob: blob.end)
    if at == len(blobs) or blobs[at].start >= hit.view_span.end:
        return False
    return 2 * length < blobs[at].end - blobs[at].start


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
    view_span = Span(reading.start, reading.end)
    span = hit.span if view_span == hit.view_span else hit.view.to_original(view_span)
    yield _finding(text, hit, reading, kind, confidence, span)


def _finding(text: TextEvidence, hit: Hit, reading: Reading, kind: str, confidence: float, span: Span) -> Finding:
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
