"""Who calls: the key in the headers, and the address behind trusted proxies."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.requests import Request

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def bearer_of(request: Request) -> str:
    """The secret of `Authorization: Bearer ...`, empty without one or with another scheme."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


class Proxies:
    """The proxies whose `X-Forwarded-For` is believed: addresses, networks, or `*` for all."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._all = "*" in trusted
        self._networks = tuple(ipaddress.ip_network(item, strict=False) for item in trusted if item != "*")

    def client_address(self, request: Request) -> str:
        """The client's address: the last one in the chain that no trusted proxy has.

        Text that is no address ends the walk, so that a forged header cannot name a caller freely.
        """
        nearest = request.client.host if request.client else ""
        if not self._trusts(nearest):
            return nearest
        chain = [item.strip() for item in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
        client = nearest
        for item in reversed(chain):
            if _address(item) is None:
                break
            client = item
            if not self._trusts(item):
                break
        return client

    def _trusts(self, address: str) -> bool:
        if self._all:
            return True
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self._networks)


def limit_name(address: str) -> str:
    """The name under which an address is counted: IPv6 by its /64, which one subscriber has whole."""
    parsed = _address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return address


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
