"""Importers, on small files in the forms that the publishers document."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from guardhouse.detectors.malicious_entity import feeds
from guardhouse.detectors.malicious_entity.feeds import FORMS, form_of, read_feed, source_name, unpack
from guardhouse.detectors.malicious_entity.sharing import hours_of
from guardhouse.detectors.malicious_entity.threats import key_of, trouble_with
from guardhouse.errors import InvalidInput, TooLarge


def feed(name: str) -> str:
    return (Path(__file__).parent / "feeds" / name).read_text("utf-8")


URLHAUS = feed("urlhaus.csv")
URLHAUS_OLD = feed("urlhaus_old.csv")
FEODO = feed("feodo.csv")
FEODO_JSON = json.dumps(
    [
        {
            "ip_address": "198.51.100.7",
            "port": 443,
            "status": "online",
            "hostname": None,
            "as_number": 64496,
            "as_name": "TEST",
            "country": "ZZ",
            "first_seen": "2026-01-18 19:23:14",
            "last_online": "2026-11-28",
            "malware": "QakBot",
        },
        {"ip_address": "198.51.100.8", "port": 8080, "status": "offline", "malware": "Emotet"},
    ],
    indent=4,
)
DROP = feed("drop.txt")
DROP_JSON = feed("drop.jsonl")
PHISHTANK = feed("phishtank.csv")
PHISHTANK_JSON = json.dumps(
    [
        {
            "phish_id": "123456",
            "url": "https://login.example.com/a?b=c&d=e",
            "phish_detail_url": "http://x/",
            "submission_time": "2026-11-27T19:30:15+00:00",
            "verified": "yes",
            "online": "yes",
            "details": [{"ip_address": "203.0.113.9", "cidr_block": "203.0.113.0/24"}],
            "target": "PayPal",
        },
        {"phish_id": "123457", "url": "http://two.example.com/x,y", "verified": "no", "online": "yes"},
    ]
)
OPENPHISH = "https://login.example.com/a\nhttp://198.51.100.7/x/y.php\n"
PLAIN = feed("plain.txt")
STIX = json.dumps(
    {
        "type": "bundle",
        "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d",
        "objects": [
            {"type": "identity", "id": "identity--1", "name": "ACME"},
            {
                "type": "indicator",
                "spec_version": "2.1",
                "id": "indicator--1",
                "created": "2026-11-01T00:00:00Z",
                "name": "Malicious site hosting downloader",
                "indicator_types": ["malicious-activity"],
                "pattern": "[url:value = 'http://x4z9arb.example.com/4712/'] OR [domain-name:value='two.example.com']",
                "pattern_type": "stix",
                "valid_from": "2026-11-01T00:00:00Z",
                "valid_until": "2099-01-01T00:30:00Z",
                "confidence": 85,
            },
            {
                "type": "indicator",
                "pattern": "[ipv4-addr:value ISSUBSET '198.51.100.0/24']",
                "pattern_type": "stix",
                "indicator_types": ["anonymization"],
            },
            {
                "type": "indicator",
                "pattern": "[ipv4-addr:value IN ('203.0.113.1', '203.0.113.2')]",
                "labels": ["Command-and-Control"],
            },
            {"type": "indicator", "pattern": "[ipv6-addr:value = '2001:db8::bad']", "name": "C2 node", "confidence": 0},
            {"type": "indicator", "pattern": "[url:value = 'http://q.example.com/\\'x\\' AND y']"},
            {"type": "indicator", "pattern": "[domain-name:value = 'x.example.com' AND file:size = 5]"},
            {"type": "indicator", "pattern": "[domain-name:value = 'r.example.com']", "revoked": True},
            {"type": "indicator", "pattern": "[domain-name:value = 'b.example.com']", "indicator_types": ["benign"]},
            {"type": "indicator", "pattern": "rule x { }", "pattern_type": "yara"},
            {"type": "indicator", "pattern": "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']"},
            {"type": "url", "value": "http://seen.example.com/"},
            "odd",
        ],
    }
)
MISP = {
    "Event": {
        "info": "Phishing wave",
        "threat_level_id": "2",
        "Tag": [{"name": "tlp:clear"}],
        "Attribute": [
            {"type": "url", "category": "Network activity", "value": "http://one.example.com/a", "to_ids": True},
            {
                "type": "domain",
                "category": "Network activity",
                "value": "two.example.com",
                "to_ids": True,
                "Tag": [{"name": 'malware_classification:malware-category="Ransomware"'}],
            },
            {"type": "ip-dst|port", "category": "Network activity", "value": "198.51.100.7|443", "to_ids": True},
            {
                "type": "domain|ip",
                "category": "Network activity",
                "value": "three.example.com|203.0.113.9",
                "to_ids": True,
            },
            {"type": "link", "category": "External analysis", "value": "https://blog.example.org/", "to_ids": True},
            {"type": "domain", "category": "Network activity", "value": "context.example.com", "to_ids": False},
            {"type": "domain", "value": "gone.example.com", "to_ids": True, "deleted": True},
            {"type": "md5", "value": "d41d8cd98f00b204e9800998ecf8427e", "to_ids": True},
        ],
        "Object": [
            {"name": "url", "Attribute": [{"type": "hostname", "value": "four.example.com", "to_ids": True}]},
            {
                "name": "url",
                "deleted": True,
                "Attribute": [{"type": "hostname", "value": "five.example.com", "to_ids": True}],
            },
        ],
    }
}
MISP_ATTRIBUTES = {"response": {"Attribute": [{"type": "ip-src", "value": "198.51.100.7", "to_ids": True}]}}
UNTIL = hours_of("2099-01-01T01:00:00Z")

Row = tuple[str, str, int, int]


def rows(text: str, form: str, **options: object) -> list[Row]:
    found = read_feed(text.encode(), form, **options)  # type: ignore[arg-type]
    return [(key_of(one.value), one.threat.category, one.threat.score, one.expires) for one in found]


CASES: list[tuple[str, str, str, list[Row]]] = [
    ("urlhaus", "urlhaus", URLHAUS, [
        ("//198.51.100.7:54384/Mozi.m", "malware", 100, 0),
        ("//files.example.com/a,b.exe?x=%221%22", "malware", 75, 0),
    ]),
    ("urlhaus-old", "urlhaus", URLHAUS_OLD, [("//old.example.com/x", "malware", 100, 0)]),
    ("feodo-csv", "feodo", FEODO, [
        ("198.51.100.7", "command_and_control", 100, 0), ("198.51.100.8", "command_and_control", 75, 0),
    ]),
    ("feodo-json", "feodo", FEODO_JSON, [
        ("198.51.100.7", "command_and_control", 100, 0), ("198.51.100.8", "command_and_control", 75, 0),
    ]),
    ("drop", "drop", DROP, [
        ("198.51.100.0/24", "hijacked_network", 100, 0), ("203.0.113.0/24", "hijacked_network", 100, 0),
    ]),
    ("drop-json", "drop", DROP_JSON, [
        ("198.51.100.0/24", "hijacked_network", 100, 0), ("2001:db8::/32", "hijacked_network", 100, 0),
    ]),
    ("phishtank-csv", "phishtank", PHISHTANK, [
        ("//login.example.com/a?b=c&d=e", "phishing", 100, 0), ("//two.example.com/x,y", "phishing", 40, 0),
    ]),
    ("phishtank-json", "phishtank", PHISHTANK_JSON, [
        ("//login.example.com/a?b=c&d=e", "phishing", 100, 0), ("//two.example.com/x,y", "phishing", 40, 0),
    ]),
    ("plain", "plain", PLAIN, [
        (key, "malicious", 100, 0)
        for key in (
            "bad.example.com", "//files.example.net/a", "198.51.100.7", "203.0.113.0/24", "2001:db8::bad",
            "hosts.example.org", "filter.example.org", "//path.example.org/login", "//port.example.org:8080",
            "tail.example.org",
        )
    ]),
    ("stix", "stix", STIX, [
        ("//x4z9arb.example.com/4712", "malicious", 85, UNTIL),
        ("two.example.com", "malicious", 85, UNTIL),
        ("198.51.100.0/24", "anonymization", 100, 0),
        ("203.0.113.1", "command_and_control", 100, 0),
        ("203.0.113.2", "command_and_control", 100, 0),
        ("2001:db8::bad", "command_and_control", 100, 0),
        ("//q.example.com/'x'%20AND%20y", "malicious", 100, 0),
    ]),
    ("misp-event", "misp", json.dumps(MISP), [
        ("//one.example.com/a", "phishing", 90, 0),
        ("two.example.com", "malware", 90, 0),
        ("198.51.100.7", "phishing", 90, 0),
        ("three.example.com", "phishing", 90, 0),
        ("203.0.113.9", "phishing", 90, 0),
        ("four.example.com", "phishing", 90, 0),
    ]),
    ("misp-attributes", "misp", json.dumps(MISP_ATTRIBUTES), [("198.51.100.7", "malicious", 100, 0)]),
]  # fmt: skip


@pytest.mark.parametrize(("form", "text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_list_is_recognised_and_read(form: str, text: str, expected: list[Row]) -> None:
    assert form_of(text.encode()) == form
    assert form_of(b"\xef\xbb\xbf" + text.encode()) == form
    assert rows(text, form) == expected
    assert all(trouble_with(key) == "" for key, *_ in expected)


def test_openphish_is_known_by_its_name() -> None:
    assert form_of(OPENPHISH.encode(), "https://openphish.com/feed.txt") == "openphish"
    assert rows(OPENPHISH, "openphish") == [
        ("//login.example.com/a", "phishing", 100, 0),
        ("//198.51.100.7/x/y.php", "phishing", 100, 0),
    ]


def test_misp_exports_of_several_events() -> None:
    attribute = {"type": "domain", "value": "z.example.com", "to_ids": True}
    both = {"response": [MISP, {"Event": {"Attribute": [attribute]}}]}
    assert [key for key, *_ in rows(json.dumps(both), "misp")][-2:] == ["four.example.com", "z.example.com"]


def test_what_the_operator_says_goes_before_the_list() -> None:
    assert rows(URLHAUS, "urlhaus", category="dropper", score=60, expires=7) == [
        ("//198.51.100.7:54384/Mozi.m", "dropper", 60, 7),
        ("//files.example.com/a,b.exe?x=%221%22", "dropper", 60, 7),
    ]
    assert rows(STIX, "stix", expires=7)[0][3] == UNTIL, "the list's own expiry is more exact"


def test_sources_and_verdicts() -> None:
    first, second = read_feed(PHISHTANK.encode(), "phishtank")
    assert (first.threat.source, first.threat.verdict) == ("PhishTank", "malicious")
    assert second.threat.verdict == "suspicious"
    (own, *_) = read_feed(PLAIN.encode(), "plain", source="SOC")
    assert own.threat.source == "SOC"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("stix", "{}"),
        ("stix", "not json"),
        ("misp", "[1]"),
        ("misp", '{"a": 1}'),
        ("feodo", '{"a": 1}'),
        ("phishtank", "[{"),
        ("stix", "[" * 100_000),
    ],
)
def test_a_list_of_another_form_is_refused(form: str, text: str) -> None:
    with pytest.raises(InvalidInput):
        rows(text, form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "data", [b"", b"\0" * 50, b"\xff\xfe\xfd", b'"' * 1_000, b",,,\n" * 50, b"{}\n{}", b"[]", b'{"objects": [1, {}]}']
)
def test_odd_bytes_give_no_indicator_and_no_other_error(form: str, data: bytes) -> None:
    try:
        found = list(read_feed(data, form))
    except InvalidInput:
        return
    assert all(trouble_with(key_of(one.value)) for one in found)


PACKED = b"a.example.com"


def zipped(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(PACKED), bz2.compress(PACKED), zipped(("x.csv", PACKED)), PACKED],
    ids=["gzip", "bzip2", "zip", "plain"],
)
def test_packed_lists_are_unpacked(packed: bytes) -> None:
    assert unpack(packed) == PACKED


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"x" * 500)[:-20], b"BZhxx", b"PK\x03\x04xx", zipped(), zipped(("a", b"x"), ("b", b"y"))],
    ids=["gzip", "bzip2", "zip", "empty", "two"],
)
def test_what_cannot_be_unpacked_is_refused(packed: bytes) -> None:
    if packed[:2] == b"PK" and packed[2:4] == b"\x05\x06":
        assert unpack(packed) == packed  # an empty archive has no member to begin with: it is read as it stands
        return
    with pytest.raises(InvalidInput):
        unpack(packed)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lambda data: zipped(("x", data))])
def test_a_bomb_is_not_unpacked(pack: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MAX_UNPACKED_BYTES", 10_000)
    with pytest.raises(TooLarge):
        unpack(pack(b"\0" * 10_001))  # type: ignore[operator]


@pytest.mark.parametrize(
    ("time", "hours"),
    [
        ("1970-01-01T01:00:00Z", 1),
        ("1970-01-01T01:00:01Z", 2),
        ("1970-01-01T03:00:00+02:00", 1),
        ("1970-01-01T05:00:00", 5),
        ("2099-01-01T00:30:00Z", int(datetime(2099, 1, 1, 1, tzinfo=UTC).timestamp()) // 3_600),
        ("never", 0),
        (None, 0),
        (5, 0),
    ],
)
def test_times_are_rounded_up_to_hours(time: object, hours: int) -> None:
    assert hours_of(time) == hours


@pytest.mark.parametrize(
    ("where", "name"),
    [("/x/URLhaus Recent.csv.gz", "urlhaus-recent"), ("drop.txt", "drop"), ("..", "list"), ("", "list"), ("ä", "list")],
)
def test_a_list_is_named_after_its_file(where: str, name: str) -> None:
    assert source_name(where) == name
