"""All imported indicators in one file that every worker maps: 18 bytes each and their own text, read in place.

Little is resident: a look-up touches one short run of the sorted hashes, and the texts only where a hash was met. The
hashes are keyed anew for every file, so that nobody can aim at one; a hit is confirmed by the text, so that none is
wrong. A file is written whole beside the old one and put in its place by a rename; who still maps the old one goes on
with it.

Sections, each on a multiple of 8 bytes, in the byte order of the machine that wrote it: buckets (uint32: where the
hashes with the same leading bits begin), hashes (uint64, sorted), ends of texts (uint32), facts (uint16: index into the
table), hours of expiry (uint32), then the same for ranges of addresses, the texts, and a JSON table of facts.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import struct
import sys
import time
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from guardhouse.detectors.malicious_entity.ranges import disjoint
from guardhouse.detectors.malicious_entity.threats import Threat, network_of
from guardhouse.errors import ConfigurationError

_MAGIC = f"GHTHREA{'1' if sys.byteorder == 'little' else '2'}".encode()
_HEADER = struct.Struct("=8s16s7QI")
_PER_BUCKET = 16
MAX_FACTS = 65_535
MAX_TEXT_BYTES = 2**32 - 1
HOUR_S = 3_600
_Code = Literal["B", "H", "I", "Q"]
_SECTIONS: tuple[tuple[str, _Code], ...] = (
    ("buckets", "I"),
    ("hashes", "Q"),
    ("ends", "I"),
    ("facts", "H"),
    ("expires", "I"),
    ("v4_starts", "I"),
    ("v4_ends", "I"),
    ("v4_facts", "H"),
    ("v4_expires", "I"),
    ("v6_starts_high", "Q"),
    ("v6_starts_low", "Q"),
    ("v6_ends_high", "Q"),
    ("v6_ends_low", "Q"),
    ("v6_facts", "H"),
    ("v6_expires", "I"),
    ("texts", "B"),
    ("table", "B"),
)
_LOW = 2**64 - 1
_Array = np.ndarray[Any, Any]


def hours_now() -> int:
    """Whole hours since 1970."""
    return int(time.time()) // HOUR_S


def write_index(entries: Iterable[tuple[str, Threat, int]], path: Path) -> int:
    """Puts an index of `entries` (key, what is known, hours of expiry) at `path`; returns how many it holds.

    Expired entries are left out. Of one key given twice the higher score stays, then the later expiry. Raises
    `ConfigurationError` when there is too much for one file, `OSError` as writing does. Costs n log n; holds about
    twice the file in memory.
    """
    draft = _Draft()
    for key, threat, expires in entries:
        draft.add(key, threat, expires)
    sections, count = draft.sections()
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with beside.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            _write(file, draft.key, sections)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return count


class _Draft:
    """Entries on their way into an index."""

    def __init__(self) -> None:
        self.key = os.urandom(16)
        self._hasher = hashlib.blake2b(digest_size=8, key=self.key)
        self._now = hours_now()
        self._table: dict[Threat, int] = {}
        self._threats: list[Threat] = []
        self._texts = bytearray()
        self._hashes, self._ends = array("Q"), array("Q")
        self._facts, self._expires = array("H"), array("I")
        self._networks: dict[int, dict[tuple[int, int], tuple[int, int]]] = {4: {}, 6: {}}

    def add(self, key: str, threat: Threat, expires: int) -> None:
        """One entry more, unless it has expired."""
        if expires and expires <= self._now:
            return
        fact = self._table.get(threat)
        if fact is None:
            fact = self._table[threat] = len(self._threats)
            self._threats.append(threat)
            if fact > MAX_FACTS:
                raise ConfigurationError("the lists name too many different categories and sources")
        network = network_of(key)
        if network is not None:
            place = (int(network.network_address), int(network.broadcast_address))
            kept = self._networks[network.version].get(place)
            if kept is None or self._better((fact, expires), kept):
                self._networks[network.version][place] = (fact, expires)
            return
        data = key.encode("utf-8", "surrogatepass")
        digest = self._hasher.copy()
        digest.update(data)
        self._texts += data
        self._hashes.append(int.from_bytes(digest.digest(), sys.byteorder))
        self._ends.append(len(self._texts))
        self._facts.append(fact)
        self._expires.append(expires)

    def _better(self, one: tuple[int, int], other: tuple[int, int]) -> bool:
        return self._rank(*one) > self._rank(*other)

    def _rank(self, fact: int, expires: int) -> tuple[int, float]:
        return self._threats[fact].score, expires or float("inf")

    def sections(self) -> tuple[dict[str, bytes], int]:
        """The bytes of every section, and how many entries and networks they hold."""
        hashes = np.frombuffer(self._hashes, np.uint64) if self._hashes else np.empty(0, np.uint64)
        order = np.argsort(hashes, kind="stable")
        order = order[self._standing(order, hashes)]
        hashes = hashes[order]
        texts, ends = self._ordered_texts(order)
        bits = max(0, len(order).bit_length() - _PER_BUCKET.bit_length() + 1)
        edges = np.arange(2**bits, dtype=np.uint64) << np.uint64(64 - bits) if bits else np.zeros(1, np.uint64)
        buckets = np.append(np.searchsorted(hashes, edges), len(hashes)).astype(np.uint32)
        found = {
            "buckets": buckets.tobytes(),
            "hashes": hashes.tobytes(),
            "ends": ends,
            "facts": _pick(self._facts, np.uint16, order),
            "expires": _pick(self._expires, np.uint32, order),
            "texts": texts,
            "table": json.dumps([[t.category, t.source, t.verdict, t.score] for t in self._threats]).encode(),
        }
        found |= self._ranges(4) | self._ranges(6)
        return found, len(order) + len(self._networks[4]) + len(self._networks[6])

    def _standing(self, order: _Array, hashes: _Array) -> _Array:
        """Which places of `order` stay: equal keys lie together, and one of them does."""
        keep = np.ones(len(order), dtype=bool)
        inside = hashes[order]
        for place in np.flatnonzero(inside[1:] == inside[:-1]) if len(order) else ():
            # Three or more in a row: each is compared with those before it that still stand.
            item, before = int(place) + 1, int(place)
            while before >= 0 and inside[before] == inside[item]:
                if keep[before] and self._text(int(order[before])) == self._text(int(order[item])):
                    first, second = int(order[before]), int(order[item])
                    later = self._better(
                        (self._facts[second], self._expires[second]), (self._facts[first], self._expires[first])
                    )
                    keep[before if later else item] = False
                    break
                before -= 1
        return keep

    def _text(self, index: int) -> bytes:
        start = self._ends[index - 1] if index else 0
        return bytes(self._texts[start : self._ends[index]])

    def _ordered_texts(self, order: _Array) -> tuple[bytes, bytes]:
        texts, ends = bytearray(), array("I", [0])
        for index in order.tolist():
            start = self._ends[index - 1] if index else 0
            texts += memoryview(self._texts)[start : self._ends[index]]
            if len(texts) > MAX_TEXT_BYTES:
                raise ConfigurationError("the lists hold more than 4 GiB of text")
            ends.append(len(texts))
        return bytes(texts), ends.tobytes()

    def _ranges(self, version: int) -> dict[str, bytes]:
        cut = list(disjoint((start, end, fact) for (start, end), fact in self._networks[version].items()))
        found = {
            f"v{version}_facts": array("H", [fact for _, _, (fact, _) in cut]).tobytes(),
            f"v{version}_expires": array("I", [expires for _, _, (_, expires) in cut]).tobytes(),
        }
        for name, values in (("starts", [start for start, _, _ in cut]), ("ends", [end for _, end, _ in cut])):
            if version == 4:
                found[f"v4_{name}"] = array("I", values).tobytes()
            else:
                found[f"v6_{name}_high"] = array("Q", [value >> 64 for value in values]).tobytes()
                found[f"v6_{name}_low"] = array("Q", [value & _LOW for value in values]).tobytes()
        return found


def _pick(values: array[int], kind: type[np.uint16] | type[np.uint32], order: _Array) -> bytes:
    return (np.frombuffer(values, kind)[order] if values else np.empty(0, kind)).tobytes()


def _write(file: BinaryIO, key: bytes, sections: dict[str, bytes]) -> None:
    counts = (
        len(sections["buckets"]) // 4,
        len(sections["facts"]) // 2,
        len(sections["v4_facts"]) // 2,
        len(sections["v6_facts"]) // 2,
        len(sections["texts"]),
        len(sections["table"]),
        int(time.time()),
    )
    body = _HEADER.pack(_MAGIC, key, *counts, 0)[:-4]
    header = body + struct.pack("=I", zlib.crc32(body))
    file.write(header.ljust(-(-len(header) // 8) * 8, b"\0"))
    for name, _ in _SECTIONS:
        data = sections[name]
        file.write(data)
        file.write(b"\0" * (-len(data) % 8))


class MappedThreats:
    """An index file, mapped. Immutable; safe to share by threads. Raises `ConfigurationError` for a file of no use."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < _HEADER.size:
                raise ConfigurationError("the threat index is no index")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if hasattr(mapped, "madvise"):
            mapped.madvise(mmap.MADV_RANDOM)  # a look-up is no reading ahead
        head = mapped[: _HEADER.size]
        magic, key, buckets, entries, v4, v6, texts, table, self.built, crc = _HEADER.unpack(head)
        if magic != _MAGIC or crc != zlib.crc32(head[:-4]):
            raise ConfigurationError("the threat index is of another form; import a list again")
        view = memoryview(mapped)
        at = -(-_HEADER.size // 8) * 8
        found: dict[str, memoryview[int]] = {}
        for name, code in _SECTIONS:
            count = {"buckets": buckets, "ends": entries + 1, "texts": texts, "table": table}.get(
                name, v4 if name.startswith("v4") else v6 if name.startswith("v6") else entries
            )
            length = count * struct.calcsize(code)
            # A view of no length cannot be cast.
            found[name] = view[at : at + length].cast(code) if count else memoryview(array(code))
            at += -(-length // 8) * 8
        if at != size:
            raise ConfigurationError("the threat index is cut off; import a list again")
        self.size_bytes = size
        self._hasher = hashlib.blake2b(digest_size=8, key=key)
        self._shift = 64 - ((buckets - 1).bit_length() - 1)
        self._buckets, self._hashes, self._ends = found["buckets"], found["hashes"], found["ends"]
        self._facts, self._expires, self._texts = found["facts"], found["expires"], found["texts"]
        self._v4 = found["v4_starts"], found["v4_ends"], found["v4_facts"], found["v4_expires"]
        self._v6 = found["v6_facts"], found["v6_expires"]
        self._v6_starts = found["v6_starts_high"], found["v6_starts_low"]
        self._v6_ends = found["v6_ends_high"], found["v6_ends_low"]
        try:
            self._table = [Threat(*row) for row in json.loads(bytes(found["table"]))]
        except (ValueError, TypeError) as error:
            raise ConfigurationError("the threat index has no table; import a list again") from error

    def __len__(self) -> int:
        return len(self._facts) + len(self._v4[2]) + len(self._v6[0])

    def find(self, key: str) -> Threat | None:
        """See `Threats`. About 2 microseconds."""
        data = key.encode("utf-8", "surrogatepass")
        digest = self._hasher.copy()
        digest.update(data)
        wanted = int.from_bytes(digest.digest(), sys.byteorder)
        bucket = wanted >> self._shift
        last = self._buckets[bucket + 1]
        index = bisect_left(self._hashes, wanted, self._buckets[bucket], last)
        while index < last and self._hashes[index] == wanted:
            if self._texts[self._ends[index] : self._ends[index + 1]] == data:
                return self._threat(self._facts[index], self._expires[index])
            index += 1
        return None

    def find_range(self, address: IPv4Address | IPv6Address) -> Threat | None:
        """See `Threats`."""
        value = int(address)
        if address.version == 4:
            starts, ends, facts, expires = self._v4
            index = bisect_right(starts, value) - 1
            return self._threat(facts[index], expires[index]) if index >= 0 and value <= ends[index] else None
        high, low = value >> 64, value & _LOW
        highs, lows = self._v6_starts
        first, last = bisect_left(highs, high), bisect_right(highs, high)
        index = bisect_right(lows, low, first, last) - 1
        if index < 0 or (high, low) > (self._v6_ends[0][index], self._v6_ends[1][index]):
            return None
        return self._threat(self._v6[0][index], self._v6[1][index])

    def _threat(self, fact: int, expires: int) -> Threat | None:
        return None if expires and expires <= hours_now() else self._table[fact]
