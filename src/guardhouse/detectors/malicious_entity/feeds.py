"""Reads lists of threats in the forms in which they are published.

Forms, each as its publisher documents it: URLhaus CSV (urlhaus.abuse.ch/api), Feodo Tracker CSV and JSON
(feodotracker.abuse.ch/blocklist), Spamhaus DROP text and JSON lines (spamhaus.org/blocklists/do-not-route-or-peer),
PhishTank CSV and JSON (phishtank.org/developer_info.php), OpenPhish and other plain lists, hosts files and `||host^`
lines, STIX 2.1 bundles (OASIS, sections 4.7 and 9), MISP events and exports (misp-standard.org, core format).
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import msgspec

from guardhouse.detectors.malicious_entity import sharing
from guardhouse.detectors.malicious_entity.hosts import refang
from guardhouse.detectors.malicious_entity.threats import Indicator, Threat
from guardhouse.errors import InvalidInput, TooLarge

MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
FORMS = ("urlhaus", "feodo", "drop", "phishtank", "openphish", "plain", "stix", "misp")
SOURCES = {
    "urlhaus": "URLhaus",
    "feodo": "Feodo Tracker",
    "drop": "Spamhaus DROP",
    "phishtank": "PhishTank",
    "openphish": "OpenPhish",
}
"""What a list of a form is called where the operator names no source."""

CATEGORIES = {
    "urlhaus": "malware",
    "feodo": "command_and_control",
    "drop": "hijacked_network",
    "phishtank": "phishing",
    "openphish": "phishing",
}
_OFFLINE_SCORE = 75
"""A page that is gone now may be back tomorrow."""

_UNVERIFIED_SCORE = 40
_URLHAUS_COLUMNS = ("id", "dateadded", "url", "url_status", "last_online", "threat", "tags", "urlhaus_link", "reporter")


def unpack(data: bytes) -> bytes:
    """`data`, or what a gzip, bzip2 or one-member zip file of that holds. Raises `InvalidInput`, `TooLarge`."""
    try:
        if data[:2] == b"\x1f\x8b":
            stream: Any = gzip.GzipFile(fileobj=io.BytesIO(data))
        elif data[:3] == b"BZh":
            stream = bz2.BZ2File(io.BytesIO(data))
        elif data[:4] == b"PK\x03\x04":
            archive = zipfile.ZipFile(io.BytesIO(data))
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise InvalidInput("a zip file must hold one list")
            stream = archive.open(names[0])
        else:
            return data
        plain: bytes = stream.read(MAX_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError):
        raise InvalidInput("the compressed list cannot be unpacked") from None
    if len(plain) > MAX_UNPACKED_BYTES:
        raise TooLarge(f"the list unpacks to more than {MAX_UNPACKED_BYTES:,} bytes")
    return plain


def form_of(data: bytes, name: str = "") -> str:
    """The form of a list, one of `FORMS`, by its beginning; `name` (a file's or host's) decides among plain ones."""
    head = data[:65_536].decode("utf-8-sig", "replace").lstrip()
    lowered, name = head.lower(), name.lower()
    if head[:1] in ("{", "["):
        if re.search(r'"cidr"\s*:', head):
            return "drop"
        if re.search(r'"phish_id"\s*:', head):
            return "phishtank"
        if re.search(r'"ip_address"\s*:', head) and re.search(r'"(?:malware|port)"\s*:', head):
            return "feodo"
        if re.search(r'"(?:Event|Attribute)"\s*:|"response"\s*:', head):
            return "misp"
        return "stix" if re.search(r'"type"\s*:\s*"bundle"|"spec_version"|"pattern_type"', head) else "misp"
    if "urlhaus" in lowered[:2_000] or re.search(r"^#?\s*\"?id\"?,\"?dateadded\"?,\"?url", lowered, re.MULTILINE):
        return "urlhaus"
    if re.search(r'^"?first_seen_utc"?,', lowered, re.MULTILINE) or "feodo" in lowered[:2_000]:
        return "feodo"
    if re.search(r"^phish_id,", lowered, re.MULTILINE):
        return "phishtank"
    if re.search(r"^[0-9a-f.:]+/\d+ ?; ?sbl", lowered, re.MULTILINE):
        return "drop"
    return "openphish" if "openphish" in name else "plain"


def read_feed(
    data: bytes, form: str, *, source: str = "", category: str = "", score: int | None = None, expires: int = 0
) -> Iterator[Indicator]:
    """The indicators of a list in the given form.

    `source`, `category` and `score` (the reputation) stand where the list says nothing itself; `expires`, in hours
    since 1970, likewise. Raises `InvalidInput` where `data` is not of that form at all; single lines of another form
    become indicators that `trouble_with` refuses.
    """
    threat = Threat(
        category or CATEGORIES.get(form, "malicious"),
        source or SOURCES.get(form, ""),
        score=100 if score is None else score,
    )
    readers = {
        "urlhaus": _urlhaus,
        "feodo": _feodo,
        "drop": _drop,
        "phishtank": _phishtank,
        "stix": _stix,
        "misp": _misp,
    }
    for indicator in readers.get(form, _plain)(data, threat):
        found = indicator.threat if score is None else replace(indicator.threat, score=score)
        found = replace(found, category=category) if category else found
        verdict = "malicious" if found.score >= 50 else "suspicious"
        yield Indicator(indicator.value, replace(found, verdict=verdict), indicator.expires or expires)


def source_name(where: str) -> str:
    """What a list is called by default: its file name without endings, fit for `ImportedLists`."""
    stem = PurePath(where).name.lower().partition(".")[0]
    return re.sub(r"[^a-z0-9_-]+", "-", stem).strip("-_")[:64] or "list"


def _text(data: bytes) -> str:
    return data.decode("utf-8-sig", "replace")


def _rows(text: str, columns: Sequence[str]) -> Iterator[Mapping[str, str]]:
    """CSV rows by column, under the header that stands there, be it in a comment, or else under `columns`."""
    names = list(columns)
    csv.field_size_limit(1 << 20)
    lines: list[str] = []
    for line in text.splitlines():
        bare = line.lstrip("#").strip()
        if bare.lower().replace('"', "").replace(" ", "").startswith(f"{columns[0]},"):
            names = [cell.strip().strip('"').lower() for cell in bare.split(",")]
        elif bare and not line.startswith("#"):
            lines.append(line)
    try:
        for row in csv.reader(lines, skipinitialspace=True):
            yield dict(zip(names, (cell.strip() for cell in row), strict=False))
    except csv.Error as error:
        raise InvalidInput(f"the CSV cannot be read: {error}") from None


def _urlhaus(data: bytes, threat: Threat) -> Iterator[Indicator]:
    for row in _rows(_text(data), _URLHAUS_COLUMNS):
        category = "malware" if row.get("threat", "").startswith("malware") else threat.category
        score = _OFFLINE_SCORE if row.get("url_status") == "offline" else threat.score
        yield Indicator(row.get("url", ""), replace(threat, category=category, score=score))


def _feodo(data: bytes, threat: Threat) -> Iterator[Indicator]:
    if _is_json(data):
        rows: Iterator[Mapping[str, Any]] = iter(_objects(data))
    else:
        columns = ("first_seen_utc", "dst_ip", "dst_port", "c2_status", "last_online", "malware")
        rows = iter(_rows(_text(data), columns))
    for row in rows:
        offline = str(row.get("status", row.get("c2_status", ""))).lower() == "offline"
        value = str(row.get("ip_address", row.get("dst_ip", "")))
        yield Indicator(value, replace(threat, score=min(threat.score, _OFFLINE_SCORE) if offline else threat.score))


def _drop(data: bytes, threat: Threat) -> Iterator[Indicator]:
    for line in _text(data).splitlines():
        if line.lstrip().startswith("{"):
            row = _json(line.encode())
            if isinstance(row, Mapping) and row.get("type") != "metadata":
                yield Indicator(str(row.get("cidr", "")), threat)
        elif value := line.partition(";")[0].strip():
            yield Indicator(value, threat)


def _phishtank(data: bytes, threat: Threat) -> Iterator[Indicator]:
    columns = ("phish_id", "url", "phish_detail_url", "submission_time", "verified", "verification_time", "online")
    rows: Iterator[Mapping[str, Any]] = iter(_objects(data) if _is_json(data) else _rows(_text(data), columns))
    for row in rows:
        score = threat.score if str(row.get("verified", "yes")).lower() in ("yes", "true") else _UNVERIFIED_SCORE
        if str(row.get("online", "yes")).lower() in ("no", "false"):
            score = min(score, _OFFLINE_SCORE)
        yield Indicator(str(row.get("url", "")), replace(threat, score=score))


_HOSTS_LINE = re.compile(r"(?:0\.0\.0\.0|127\.0\.0\.1|::1?)[ \t]+(\S+)")
_FILTER_LINE = re.compile(r"\|\|([^\s/^$|]+)\^")
_SELF = frozenset({"localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "ip6-loopback"})


def _plain(data: bytes, threat: Threat) -> Iterator[Indicator]:
    """One indicator a line, also defanged; hosts files and filter lines; `#`, `;` and `!` begin comments."""
    for line in _text(data).splitlines():
        value = line.strip()
        if not value or value[0] in "#;!":
            continue
        if found := _HOSTS_LINE.match(value) or _FILTER_LINE.match(value):
            if found[1] not in _SELF:
                yield Indicator(found[1], threat)
            continue
        value = re.split(r"[\t ]+[#;]|[\t ]{2,}|\t", value, maxsplit=1)[0].strip(" \t\"',")
        yield Indicator(_whole(refang(value)), threat)


def _whole(value: str) -> str:
    """`http://host/path` for `host/path`: a path makes a link of a host."""
    head, slash, tail = value.partition("/")
    is_path = slash and "://" not in value and "." in head and not (tail.isdigit() and int(tail[:4]) <= 128)
    return f"http://{value}" if is_path or re.fullmatch(r"[^/:\s]+\.[^/:\s]+:\d{1,5}", value) else value


def _stix(data: bytes, threat: Threat) -> Iterator[Indicator]:
    document = _json(data)
    objects = document.get("objects") if isinstance(document, Mapping) else document
    if not isinstance(objects, list):
        raise InvalidInput("this is no STIX bundle: it has no objects")
    return sharing.read_stix(objects, threat)


def _misp(data: bytes, threat: Threat) -> Iterator[Indicator]:
    return sharing.read_misp(_json(data), threat)


def _is_json(data: bytes) -> bool:
    return _text(data[:64]).lstrip()[:1] in ("[", "{")


def _json(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise InvalidInput("the list is no valid JSON") from None


def _objects(data: bytes) -> list[Mapping[str, Any]]:
    found = _json(data)
    if not isinstance(found, list):
        raise InvalidInput("the list is no JSON array")
    return [item for item in found if isinstance(item, Mapping)]
