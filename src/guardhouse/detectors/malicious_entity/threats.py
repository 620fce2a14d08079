"""The threat list: which links, domains and addresses are known to be harmful, and who says so."""

from __future__ import annotations

import hashlib
import os
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

import numpy as np

from guardhouse.detectors.malicious_entity.hosts import canonical_host, canonical_url
from guardhouse.errors import ConfigurationError

MAX_PARENTS = 6
MAX_PREFIXES = 8


@dataclass(frozen=True, slots=True)
class Threat:
    """What is known about an indicator."""

    category: str
    source: str
    verdict: str = "malicious"


@dataclass(frozen=True, slots=True)
class Indicator:
    """One entry of a feed: a URL, a domain (with all below it), an address or a network, as written there."""

    value: str
    threat: Threat


class ThreatList:
    """Looks indicators up in 8 bytes each: sorted 64-bit hashes, keyed anew per process so that nobody can aim at one.

    Networks are kept as disjoint ranges. Immutable once made; a look-up costs a few bisections.
    """

    __slots__ = ("_hashes", "_key", "_ranges", "_threats")

    def __init__(self, indicators: Iterable[Indicator]) -> None:
        self._key = os.urandom(16)
        hashed: dict[int, Threat] = {}
        networks: list[tuple[IPv4Network | IPv6Network, Threat]] = []
        for indicator in indicators:
            network = _network(indicator.value)
            if network is not None and network.num_addresses > 1:
                networks.append((network, indicator.threat))
            else:
                hashed.setdefault(self._hash(_canonical(indicator.value)), indicator.threat)
        order = sorted(hashed)
        self._hashes = np.array(order, dtype=np.uint64)
        self._threats: Sequence[Threat] = [hashed[item] for item in order]
        self._ranges = {4: _Ranges(networks, 4), 6: _Ranges(networks, 6)}

    def __len__(self) -> int:
        return len(self._threats) + sum(len(ranges) for ranges in self._ranges.values())

    def url(self, url: str) -> Threat | None:
        """What is known about a canonical URL, about the path above it, or about its scheme, host and port."""
        return next((found for prefix in _prefixes(url) if (found := self._find(prefix))), None)

    def domain(self, host: str) -> Threat | None:
        """What is known about a canonical host name or a domain above it."""
        labels = host.split(".")
        for first in range(min(len(labels) - 1, MAX_PARENTS)):
            if found := self._find(".".join(labels[first:])):
                return found
        return None

    def address(self, address: IPv4Address | IPv6Address) -> Threat | None:
        """What is known about an address or a network that holds it."""
        return self._find(str(address)) or self._ranges[address.version].find(int(address))

    def _find(self, canonical: str) -> Threat | None:
        wanted = np.uint64(self._hash(canonical))
        index = int(np.searchsorted(self._hashes, wanted))
        return self._threats[index] if index < len(self._hashes) and self._hashes[index] == wanted else None

    def _hash(self, canonical: str) -> int:
        digest = hashlib.blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=8, key=self._key)
        return int.from_bytes(digest.digest(), "big")


class _Ranges:
    """Disjoint ranges of addresses of one family; where networks overlap, the smaller one speaks."""

    __slots__ = ("_ends", "_starts", "_threats")

    def __init__(self, networks: Iterable[tuple[IPv4Network | IPv6Network, Threat]], version: int) -> None:
        own = sorted(
            (
                (int(net.network_address), int(net.broadcast_address), threat)
                for net, threat in networks
                if net.version == version
            ),
            key=lambda item: (item[0], -item[1]),
        )
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._threats: list[Threat] = []
        for start, end, threat in _disjoint(own):
            self._starts.append(start)
            self._ends.append(end)
            self._threats.append(threat)

    def __len__(self) -> int:
        return len(self._starts)

    def find(self, address: int) -> Threat | None:
        """The threat of the range that holds `address`."""
        index = bisect_right(self._starts, address) - 1
        return self._threats[index] if index >= 0 and address <= self._ends[index] else None


def _disjoint(ranges: Iterable[tuple[int, int, Threat]]) -> Iterator[tuple[int, int, Threat]]:
    """Networks sorted from the left, wider first, cut into ranges that do not overlap; the innermost speaks."""
    stack: list[tuple[int, int, Threat]] = []
    position = 0
    for start, end, threat in ranges:
        while stack and stack[-1][1] < start:
            _, outer_end, outer = stack.pop()
            if position <= outer_end:
                yield position, outer_end, outer
                position = outer_end + 1
        if stack and position < start:
            yield position, start - 1, stack[-1][2]
        position = start
        stack.append((start, end, threat))
    while stack:
        _, outer_end, outer = stack.pop()
        if position <= outer_end:
            yield position, outer_end, outer
            position = outer_end + 1


def _network(value: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(value, strict=False)
    except ValueError:
        return None


def _canonical(value: str) -> str:
    if "://" in value:
        return (canonical_url(value) or value).removesuffix("/")
    try:
        return str(ip_address(value))
    except ValueError:
        return canonical_host(value) or value.lower()


def _prefixes(url: str) -> Iterator[str]:
    """`url` itself, without its query, then each path above it down to scheme, host and port."""
    yield url.removesuffix("/")
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}"
    pieces = [piece for piece in parts.path.split("/") if piece]
    for count in range(min(len(pieces), MAX_PREFIXES), -1, -1):
        yield "/".join((base, *pieces[:count]))


def read_indicators(document: Mapping[str, object], where: str) -> list[Indicator]:
    """The indicators of a parsed TOML document. Raises `ConfigurationError` for other forms."""
    tables = document.get("indicator", [])
    indicators: list[Indicator] = []
    for table in tables if isinstance(tables, list) else [None]:
        if not isinstance(table, Mapping) or not isinstance(table.get("value"), str) or not table["value"]:
            raise ConfigurationError(f"{where!r}: every [[indicator]] needs a value")
        threat = Threat(
            str(table.get("category", "malicious")),
            str(table.get("source", "")),
            str(table.get("verdict", "malicious")),
        )
        indicators.append(Indicator(table["value"], threat))
    return indicators


@cache
def bundled_threats() -> ThreatList:
    """The list that comes with the package, read once per process."""
    name = "indicators.toml"
    text = resources.files("guardhouse.detectors.malicious_entity").joinpath(name).read_text("utf-8")
    return ThreatList(read_indicators(tomllib.loads(text), name))
