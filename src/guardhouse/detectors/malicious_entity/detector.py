"""Links, domains and addresses that are known to be harmful, or that hide where they lead."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache

from guardhouse.detectors.base import Evidence, Needs, TextEvidence
from guardhouse.detectors.malicious_entity.hosts import address_of, canonical_host, read_link, refang
from guardhouse.detectors.malicious_entity.threats import Threat, ThreatList, bundled_threats
from guardhouse.detectors.malicious_entity.tricks import Trick, looks_alike, tricks_of
from guardhouse.matching.pack import load_pack
from guardhouse.matching.pattern import Hit, Pattern
from guardhouse.model.finding import Finding, Span
from guardhouse.model.recipe import DetectorSetting

LISTED = 0.99
_Found = tuple[str, float, dict[str, str]]
"""Kind, confidence and evidence."""

_TRAILING = ".,;:!?'\"*_~»”’)]}>"
_PAIRS = {")": "(", "]": "[", "}": "{"}
_IMAGE = re.compile(
    r"!\[[^\]\n]{0,200}\]\(\s*<?$|<img\b[^<>]{0,300}\bsrc\s*=\s*[\"']?$|background(?:-image)?\s*:\s*url\(\s*[\"']?$",
    re.IGNORECASE,
)


class MaliciousEntityDetector:
    """`URL`, `DOMAIN`, `IP_ADDRESS`: indicators on the threat list (0.99) and tricks in links (mostly under one half).

    Hosts are read as browsers read them: numbers as addresses, escapes and full-width letters undone, look-alike
    letters as punycode. Defanged forms (`hxxp`, `[.]`) count too. The evidence says category, source and verdict, or
    the trick. Linear in the number of links.
    """

    name = "malicious_entity"
    kinds = frozenset({"URL", "DOMAIN", "IP_ADDRESS"})
    option_names: frozenset[str] = frozenset()

    def __init__(self, threats: ThreatList | None = None) -> None:
        self._threats = threats

    def needs(self, setting: DetectorSetting) -> Needs:
        """The shapes of links, host names and addresses."""
        return Needs(patterns=_pack())

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """At most one finding for each place in a text: the link where there is one, else the host or address."""
        threats = self._threats if self._threats is not None else bundled_threats()
        for text in evidence.texts:
            yield from self._in_text(text, threats)

    def _in_text(self, text: TextEvidence, threats: ThreatList) -> Iterator[Finding]:
        links = [(hit, *_trimmed(hit)) for hit in text.hits_of(_links())]
        covered: dict[int, list[Span]] = {}
        for hit, _, span in links:
            covered.setdefault(id(hit.view), []).append(span)
        for spans in covered.values():
            spans.sort()
        for hit, value, span in links:
            raw = _as_written(text, hit, span)
            found = _judge_url(refang(raw), hit, threats) or (
                _judge_url(refang(value), hit, threats) if raw != value else None
            )
            yield from self._findings(text, hit, span, found, raw)
        for hit in text.hits_of(_hosts()):
            if not _stands_in(hit.view_span, covered.get(id(hit.view), [])):
                raw = _as_written(text, hit, hit.view_span)
                found = _judge_host(refang(raw), threats) or (
                    _judge_host(refang(hit.value), threats) if raw != hit.value else None
                )
                yield from self._findings(text, hit, hit.view_span, found, raw)

    def _findings(
        self, text: TextEvidence, hit: Hit, span: Span, found: _Found | None, value: str
    ) -> Iterator[Finding]:
        if found is not None:
            kind, confidence, facts = found
            yield Finding(
                self.name, kind, confidence, text.source.path, hit.view.to_original(span), value, evidence=facts
            )


def _as_written(text: TextEvidence, hit: Hit, span: Span) -> str:
    """What stands in the original: look-alike letters say more before they are folded. Decoded views have none."""
    if hit.view.origin is not None:
        return hit.view.text[span.start : span.end]
    place = hit.view.to_original(span)
    return text.normalized.original[place.start : place.end]


def _stands_in(span: Span, links: list[Span]) -> bool:
    """True when `span` is part of one of `links`, which are sorted."""
    index = bisect_right(links, span, key=lambda link: Span(link.start, link.start)) if links else 0
    return index > 0 and links[index - 1].overlaps(span)


def _trimmed(hit: Hit) -> tuple[str, Span]:
    """The link without the punctuation of its sentence; closing brackets stay where the link opened them."""
    value = hit.value
    while value and value[-1] in _TRAILING:
        opening = _PAIRS.get(value[-1])
        if opening and value.count(opening) >= value.count(value[-1]):
            break
        value = value[:-1]
    return value, Span(hit.view_span.start, hit.view_span.start + len(value))


def _judge_host(plain: str, threats: ThreatList) -> _Found | None:
    if (address := address_of(plain)) is not None:
        threat = threats.address(address)
        return ("IP_ADDRESS", LISTED, _facts(threat)) if threat else None
    host = canonical_host(plain)
    if not host or address_of(host) is not None:
        return None
    if threat := threats.domain(host):
        return "DOMAIN", LISTED, _facts(threat)
    trick = looks_alike(host)
    return ("DOMAIN", trick.confidence, _trick_facts(trick)) if trick else None


def _judge_url(plain: str, hit: Hit, threats: ThreatList) -> _Found | None:
    link = read_link(plain)
    if link is None:
        return None
    if link.scheme not in ("javascript", "vbscript", "data"):
        address = address_of(link.host)
        threat = threats.url(link.url.partition("#")[0]) or (
            threats.address(address) if address else threats.domain(link.host)
        )
        if threat:
            return "URL", LISTED, _facts(threat)
    before = hit.view.text[max(0, hit.view_span.start - 320) : hit.view_span.start]
    tricks = list(tricks_of(link, image=bool(_IMAGE.search(before))))
    if not tricks:
        return None
    worst = max(tricks, key=lambda trick: trick.confidence)
    return "URL", worst.confidence, _trick_facts(worst)


def _facts(threat: Threat) -> dict[str, str]:
    return {"category": threat.category, "source": threat.source, "verdict": threat.verdict}


def _trick_facts(trick: Trick) -> dict[str, str]:
    return {"category": "suspicious", "source": "heuristic", "verdict": "suspicious", "trick": trick.name}


@cache
def _pack() -> tuple[Pattern, ...]:
    return load_pack("guardhouse.detectors.malicious_entity", "pack.toml")


def _links() -> tuple[Pattern, ...]:
    return tuple(pattern for pattern in _pack() if pattern.id.endswith("url"))


def _hosts() -> tuple[Pattern, ...]:
    return tuple(pattern for pattern in _pack() if not pattern.id.endswith("url"))
