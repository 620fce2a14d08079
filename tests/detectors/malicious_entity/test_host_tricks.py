"""The table of host tricks and near misses: what is read in each text, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from evidence import evidence_for, findings_of, setting_for

from guardhouse.detectors.malicious_entity.detector import MaliciousEntityDetector
from guardhouse.detectors.malicious_entity.entities import Entity, entities_of
from guardhouse.detectors.malicious_entity.hosts import address_of
from guardhouse.detectors.malicious_entity.threats import Indicator, Threat, ThreatList

ROWS = [json.loads(line) for line in Path(__file__).with_name("host_tricks.jsonl").read_text("utf-8").splitlines()]
PLAIN = MaliciousEntityDetector(ThreatList([]))


def every(row: dict[str, Any]) -> str:
    return str(row["id"])


def read(text: str) -> list[Entity]:
    evidence = evidence_for(text, [(PLAIN, setting_for(PLAIN))])
    return [entity for item in evidence.texts for entity in entities_of(item)]


def plain_host(host: str) -> str:
    """An IPv4 address inside an IPv6 one is the one that is reached."""
    address = address_of(host)
    return host if address is None else str(address)


def test_the_table_is_large_and_has_near_misses() -> None:
    assert len(ROWS) >= 300
    assert sum(row["kind"] is None for row in ROWS) >= 80
    assert len({row["id"] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", [row for row in ROWS if row["kind"]], ids=every)
def test_the_host_is_read_as_a_machine_reads_it(row: dict[str, Any]) -> None:
    found = read(row["text"])
    assert [(item.kind, plain_host(item.host), item.written) for item in found if item.hit.view.name == "text"] == [
        (row["kind"], row["host"], row["value"])
    ]


@pytest.mark.parametrize("row", [row for row in ROWS if row["kind"] is None], ids=every)
def test_near_misses_are_not_read_at_all(row: dict[str, Any]) -> None:
    assert [(item.kind, item.host, item.written) for item in read(row["text"])] == []


@pytest.mark.parametrize("row", [row for row in ROWS if row["kind"] and row["host"]], ids=every)
def test_a_listed_host_is_found_in_every_disguise(row: dict[str, Any]) -> None:
    listed = MaliciousEntityDetector(ThreatList([Indicator(row["host"], Threat("test", "table"))]))
    found = [item for item in findings_of(listed, row["text"]) if item.confidence == 0.99]
    places = {(item.kind, item.value, item.span) for item in found}
    assert len(places) == 1
    ((kind, value, span),) = places
    assert (kind, value) == (row["kind"], row["value"])
    assert span is not None
    assert row["text"][span.start : span.end] == row["value"]


@pytest.mark.parametrize("row", [row for row in ROWS if "trick" in row], ids=every)
def test_tricks_are_named(row: dict[str, Any]) -> None:
    found = findings_of(PLAIN, row["text"])
    assert [(item.kind, item.value, item.evidence["trick"]) for item in found] == [
        (row["kind"], row["value"], row["trick"])
    ]
    assert (found[0].confidence < 0.5) or not row.get("weak")


@pytest.mark.parametrize("row", [row for row in ROWS if row.get("harmless")], ids=every)
def test_honest_links_are_left_alone(row: dict[str, Any]) -> None:
    assert findings_of(PLAIN, row["text"]) == []
