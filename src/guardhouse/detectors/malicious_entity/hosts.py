"""Links and hosts as the machine that follows them sees them, and the tricks that hide where they lead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

import can_ada

if TYPE_CHECKING:
    from tldextract import TLDExtract

MAX_URL = 4_096

_DEFANGED = (
    (re.compile(r"^(?:hxxp|h\*\*p|htxp|httx|meow)(s?)", re.IGNORECASE), r"http\1"),
    (re.compile(r"^fxp", re.IGNORECASE), "ftp"),
    (re.compile(r"^(\w{2,6})(?:\[:\]|\[:|:\])"), r"\1:"),
    (re.compile(r"^(\w{2,6}):(?:\[//\]|//\]|\[//|\\/\\/|\\\\)"), r"\1://"),
    (re.compile(r"^(\w{2,6})\[://\]"), r"\1://"),
    (re.compile(r"\s?(?:\[\s?\.\s?\]|\(\s?\.\s?\)|\{\s?\.\s?\}|\[\s?dot\s?\]|\(\s?dot\s?\))\s?", re.IGNORECASE), "."),
    (re.compile(r"\[:\](?=\d)"), ":"),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A URL as browsers read it: canonical text, host in punycode or as a plain address, and what stands in it."""

    url: str
    host: str
    scheme: str
    userinfo: str
    path: str
    query: str
    given_host: str
    """The host as it was written, before escapes and number tricks were undone; empty where that is not plain."""


def refang(text: str) -> str:
    """`http://a.b/c` for `hxxp[:]//a[.]b/c`."""
    for shape, plain in _DEFANGED:
        text = shape.sub(plain, text)
    return text


def read_link(text: str) -> Link | None:
    """The link that `text` is; None when no browser would follow it."""
    given = text[:MAX_URL]
    try:
        parsed = can_ada.parse(given)
    except ValueError:
        return None
    userinfo = str(parsed.username) + (":" + str(parsed.password) if parsed.password else "")
    return Link(
        url=str(parsed.href),
        host=str(parsed.hostname).strip("[]").lower().rstrip("."),
        scheme=str(parsed.protocol).rstrip(":"),
        userinfo=userinfo,
        path=str(parsed.pathname),
        query=str(parsed.search).lstrip("?"),
        given_host=_given_host(given),
    )


def _given_host(url: str) -> str:
    match = re.match(r"^[a-z][a-z0-9+.-]*:[/\\]{2}(?:[^/\\?#@]*@)?(\[[^\]]*\]|[^/\\?#:]*)", url, re.IGNORECASE)
    return match.group(1).lower() if match else ""


def canonical_url(text: str) -> str:
    """`text` as browsers write it, without its fragment; empty when it is no URL."""
    link = read_link(text)
    return link.url.partition("#")[0] if link else ""


def canonical_host(text: str) -> str:
    """A host name in lower-case punycode, an address in its plain form; empty when it is no host."""
    try:
        return str(can_ada.parse(f"http://{text.strip().rstrip('.')}/").hostname).strip("[]").lower()
    except ValueError:
        return ""


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a canonical host is, None for names."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def registered_domain(host: str) -> str:
    """`example.co.uk` for `a.b.example.co.uk`; empty for names without a known suffix."""
    return str(_extract()(host).top_domain_under_public_suffix)


@cache
def _extract() -> TLDExtract:
    from tldextract import TLDExtract

    # The default object fetches the public suffix list; this one reads the copy that comes with it.
    return TLDExtract(suffix_list_urls=(), cache_dir=None)
