"""Links, domains and addresses that are known to be harmful, or that hide where they lead."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence

from guardhouse.detectors.base import Evidence, Needs, TextEvidence
from guardhouse.detectors.malicious_entity.entities import Entity, entities_of, pack
from guardhouse.detectors.malicious_entity.hosts import Link, address_of, nested_links, url_key
from guardhouse.detectors.malicious_entity.images import loaded_by_itself, reference_images
from guardhouse.detectors.malicious_entity.lists import FreshThreats, ImportedLists
from guardhouse.detectors.malicious_entity.threats import (
    Threat,
    Threats,
    bundled_threats,
    find_address,
    find_domain,
    find_url,
)
from guardhouse.detectors.malicious_entity.tricks import Trick, looks_alike, tricks_of
from guardhouse.detectors.overlap import without_overlaps
from guardhouse.errors import DeadlineExceeded
from guardhouse.model.finding import Finding
from guardhouse.model.recipe import DetectorSetting
from guardhouse.settings import Settings

LISTED = 0.99
_Found = tuple[str, float, dict[str, str]]
"""Kind, confidence and evidence."""

_ENTITIES_PER_CLOCK_READ = 64


class MaliciousEntityDetector:
    """`URL`, `DOMAIN`, `IP_ADDRESS`: indicators on a threat list and tricks in links (mostly under one half).

    Hosts are read as browsers read them: numbers as addresses, escapes and full-width letters undone, look-alike
    letters as punycode. Defanged forms (`hxxp`, `[.]`) count too. The confidence of a listed indicator is its
    reputation, 0.99 at most. The evidence says category, source, verdict and score, or the trick. Linear in the
    number of links.
    """

    name = "malicious_entity"
    kinds = frozenset({"URL", "DOMAIN", "IP_ADDRESS"})
    option_names: frozenset[str] = frozenset()

    def __init__(self, threats: Threats | None = None) -> None:
        self._threats = threats
        self._imported: FreshThreats | None = None

    def configure(self, settings: Settings) -> None:
        """Reads the lists that were imported under the data folder, beside those that come with the package."""
        self._imported = FreshThreats(ImportedLists(settings.data_dir).index)

    def needs(self, setting: DetectorSetting) -> Needs:
        """The shapes of links, host names and addresses."""
        return Needs(patterns=pack())

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """At most one finding for each place in a text: the link where there is one, else the host or address.

        Raises `DetectorFailed` when the imported lists cannot be read, `DeadlineExceeded`.
        """
        lists = self._lists()
        for text in evidence.texts:
            # One link may be read in several views of a text, as it stands and decoded.
            yield from without_overlaps(self._in_text(text, lists, evidence.deadline))

    def _lists(self) -> Sequence[Threats]:
        known = self._threats if self._threats is not None else bundled_threats()
        imported = self._imported.current() if self._imported is not None else None
        return (known,) if imported is None else (known, imported)

    def _in_text(self, text: TextEvidence, lists: Sequence[Threats], deadline: float | None) -> Iterator[Finding]:
        images = reference_images(text)
        for number, entity in enumerate(entities_of(text)):
            if deadline is not None and number % _ENTITIES_PER_CLOCK_READ == 0 and time.monotonic() > deadline:
                raise DeadlineExceeded("the time was used up while links were looked up")
            found = _judge(entity, lists, images)
            if found is not None:
                kind, confidence, facts = found
                place = entity.hit.view.to_original(entity.span)
                yield Finding(self.name, kind, confidence, text.source.path, place, entity.written, evidence=facts)


def _judge(entity: Entity, lists: Sequence[Threats], images: frozenset[str]) -> _Found | None:
    best: _Found | None = None
    for reading in entity.readings:
        if isinstance(reading, str):
            found = _judge_host(entity.kind, reading, lists)
        else:
            found = _judge_link(reading, entity, lists, images)
        if found is not None and (best is None or found[1] > best[1]):
            best = found
    return best


def _judge_host(kind: str, host: str, lists: Sequence[Threats]) -> _Found | None:
    for threats in lists:
        if (address := address_of(host)) is not None:
            threat = find_address(threats, address)
        else:
            # A list that names a site by its link names the site.
            threat = find_domain(threats, host) or threats.find(f"//{host}")
        if threat is not None:
            return kind, _confidence(threat), _facts(threat)
    trick = looks_alike(host) if kind == "DOMAIN" else None
    return (kind, trick.confidence, _trick_facts(trick)) if trick else None


def _judge_link(link: Link, entity: Entity, lists: Sequence[Threats], images: frozenset[str]) -> _Found | None:
    threat = _listed(link, lists)
    if threat is None:
        threat = next((found for inner in nested_links(link) if (found := _listed(inner, lists))), None)
    worst: _Found | None = ("URL", _confidence(threat), _facts(threat)) if threat else None
    image = loaded_by_itself(entity.hit.view.text, entity.span, images)
    for trick in tricks_of(link, image=image):
        if worst is None or trick.confidence > worst[1]:
            worst = "URL", trick.confidence, _trick_facts(trick)
    return worst


def _listed(link: Link, lists: Sequence[Threats]) -> Threat | None:
    if not link.host:
        return None
    key, address = url_key(link), address_of(link.host)
    for threats in lists:
        found = find_url(threats, key)
        found = found or (find_address(threats, address) if address else find_domain(threats, link.host))
        if found is not None:
            return found
    return None


def _confidence(threat: Threat) -> float:
    return min(LISTED, threat.score / 100)


def _facts(threat: Threat) -> dict[str, str]:
    return {
        "category": threat.category,
        "source": threat.source,
        "verdict": threat.verdict,
        "score": str(threat.score),
    }


def _trick_facts(trick: Trick) -> dict[str, str]:
    return {"category": "suspicious", "source": "heuristic", "verdict": "suspicious", "trick": trick.name}
