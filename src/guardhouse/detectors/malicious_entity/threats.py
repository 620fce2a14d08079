"""What is known to be harmful, and the questions that can be asked about it: links, domains and addresses."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

from guardhouse.detectors.malicious_entity.hosts import PLAIN_NAME, canonical_host, is_public_suffix, read_link, url_key
from guardhouse.detectors.malicious_entity.ranges import Ranges, disjoint
from guardhouse.errors import ConfigurationError

MAX_PARENTS = 6
MAX_PREFIXES = 8
MAX_VALUE = 2_048
"""Longest indicator, in code points."""

_WIDEST = {4: 8, 6: 16}
"""Shortest prefix of a network that a list may name: half the internet on a list is a mistake, or sabotage."""

_NUMERIC = re.compile(r"[0-9A-Fa-f:.]+(?:/[0-9.]+)?")


@dataclass(frozen=True, slots=True)
class Threat:
    """What is known about an indicator. `score` is its reputation: 100 is surely bad, 0 is surely not."""

    category: str
    source: str
    verdict: str = "malicious"
    score: int = 100


@dataclass(frozen=True, slots=True)
class Indicator:
    """One entry of a feed: a URL, a domain (with all below it), an address or a network, as written there.

    `expires` is in whole hours since 1970 (UTC); 0 is never.
    """

    value: str
    threat: Threat
    expires: int = 0


class Threats(Protocol):
    """Answers what is known. Safe to share by threads."""

    def find(self, key: str) -> Threat | None:
        """What is known about exactly this key (see `key_of`)."""
        ...

    def find_range(self, address: IPv4Address | IPv6Address) -> Threat | None:
        """What is known about the smallest network that holds the address."""
        ...


def find_url(threats: Threats, url: str) -> Threat | None:
    """What is known about a URL's key, about the path above it, or about its host and port."""
    return next((found for prefix in _prefixes(url) if (found := threats.find(prefix))), None)


def find_domain(threats: Threats, host: str) -> Threat | None:
    """What is known about a canonical host name or a domain above it."""
    labels = host.split(".")
    for first in range(max(0, len(labels) - MAX_PARENTS), len(labels) - 1):
        if found := threats.find(".".join(labels[first:])):
            return found
    return None


def find_address(threats: Threats, address: IPv4Address | IPv6Address) -> Threat | None:
    """What is known about an address or a network that holds it."""
    return threats.find(str(address)) or threats.find_range(address)


class ThreatList:
    """A small list in memory. Immutable once made; the same indicator twice keeps the higher score."""

    __slots__ = ("_known", "_ranges")

    def __init__(self, indicators: Iterable[Indicator]) -> None:
        self._known: dict[str, Threat] = {}
        networks: dict[int, list[tuple[int, int, Threat]]] = {4: [], 6: []}
        for indicator in indicators:
            key = key_of(indicator.value) or indicator.value.lower()
            if (network := network_of(key)) is not None:
                place = (int(network.network_address), int(network.broadcast_address))
                networks[network.version].append((*place, indicator.threat))
            elif key not in self._known or self._known[key].score < indicator.threat.score:
                self._known[key] = indicator.threat
        self._ranges = {version: Ranges(disjoint(found)) for version, found in networks.items()}

    def __len__(self) -> int:
        return len(self._known) + sum(len(ranges) for ranges in self._ranges.values())

    def find(self, key: str) -> Threat | None:
        """See `Threats`."""
        return self._known.get(key)

    def find_range(self, address: IPv4Address | IPv6Address) -> Threat | None:
        """See `Threats`."""
        return self._ranges[address.version].find(int(address))


def key_of(value: str) -> str:
    """The one form under which an indicator is stored and looked up; empty for what is none.

    `//host:port/path?query` for http, https and what WebSockets make of them, other schemes with their name; a host
    name in lower-case punycode; an address or a network in its plain form.
    """
    if len(value) > MAX_VALUE:
        return ""
    if "://" in value:
        link = read_link(value)
        return url_key(link).removesuffix("/") if link and link.host else ""
    if PLAIN_NAME.fullmatch(value):
        return value
    if _NUMERIC.fullmatch(value):
        try:
            network = ip_network(value, strict=False)
            return str(network.network_address) if network.num_addresses == 1 else str(network)
        except ValueError:
            pass
    return canonical_host(value)


def network_of(key: str) -> IPv4Network | IPv6Network | None:
    """The network that a key is; None for all else, single addresses too."""
    if "/" not in key or not _NUMERIC.fullmatch(key):
        return None
    try:
        return ip_network(key)
    except ValueError:
        return None


def trouble_with(key: str) -> str:
    """Why a key must not stand on a list (it would condemn far too much, or nothing); empty where it may."""
    if not key:
        return "not an indicator"
    if (network := network_of(key)) is not None:
        if network.prefixlen < _WIDEST[network.version]:
            return "a network too wide"
        return "an address of no one's" if _is_local(network.network_address) else ""
    if key.startswith("//") or "://" in key:
        return ""
    if _NUMERIC.fullmatch(key):
        try:
            return "an address of no one's" if _is_local(ip_address(key)) else ""
        except ValueError:
            pass
    if "." not in key:
        return "not an indicator"
    return "a public suffix" if is_public_suffix(key) else ""


def _is_local(address: IPv4Address | IPv6Address) -> bool:
    return address.is_loopback or address.is_unspecified or address.is_multicast or address.is_link_local


def _prefixes(url: str) -> Iterator[str]:
    """`url` itself, then without its query, then each path above it down to scheme, host and port."""
    yield url.removesuffix("/")
    bare = url.partition("?")[0]
    scheme, _, rest = bare.partition("//")
    authority, _, path = rest.partition("/")
    pieces = [piece for piece in path.split("/") if piece]
    base = f"{scheme}//{authority}"
    count = min(len(pieces), MAX_PREFIXES)
    for length in range(count, -1, -1):
        prefix = "/".join((base, *pieces[:length]))
        if prefix != url:
            yield prefix


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
