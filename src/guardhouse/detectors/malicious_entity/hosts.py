"""Links and hosts as the machine that follows them sees them, and the tricks that hide where they lead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING
from urllib.parse import unquote

import can_ada

if TYPE_CHECKING:
    from tldextract import TLDExtract

MAX_URL = 4_096

_DOT = r"(?:\[\s?\.\s?\]|\(\s?\.\s?\)|\{\s?\.\s?\}|<\.>|\[\.|\\\.|\[\s?d[o0]t\s?\]|\(\s?d[o0]t\s?\)|\{\s?d[o0]t\s?\})"
_DEFANGED = (
    (re.compile(r"^(?:hxxp|h\*\*p|h--p|htxp|httx|httx|h__p|hXXp|meow)(s?)", re.IGNORECASE), r"http\1"),
    (re.compile(r"^fxp", re.IGNORECASE), "ftp"),
    (re.compile(r"^(\w{2,6}) ?(?:\[:\]|\(:\)|\{:\}|\[:|:\]|_:)"), r"\1:"),
    (re.compile(r"^(\w{2,6}): ?(?:\[//\]|\(//\)|//\]|\[//|\\/\\/|\\\\)"), r"\1://"),
    (re.compile(r"^(\w{2,6})(?:\[://\]|\(://\))"), r"\1://"),
    (re.compile(rf"\s?{_DOT}\s?|\s(?:dot|DOT)\s", re.IGNORECASE), "."),
    (re.compile(r"(?:\[:\]|\(:\))(?=[0-9A-Fa-f:])"), ":"),
    (re.compile(r"\[/\]"), "/"),
    (re.compile(r"\[(?:@|at)\]|\(at\)", re.IGNORECASE), "@"),
)
_NAT64 = IPv6Network("64:ff9b::/96")


_MARKS = re.compile(r"[\[\](){}<>\\]| dot |_:|^(?!https?:|wss?:|ftp:)[a-z*_-]{2,6}[: ]", re.IGNORECASE)
"""Without one of these nothing is defanged."""


@dataclass(frozen=True, slots=True)
class Link:
    """A URL as browsers read it: canonical text, host in punycode or as a plain address, and what stands in it."""

    url: str
    host: str
    scheme: str
    userinfo: str
    path: str
    query: str
    authority: str
    """Host and port, as they stand in `url`."""

    given_host: str
    """The host as it was written, before escapes and number tricks were undone; empty where that is not plain."""


def refang(text: str) -> str:
    """`http://a.b/c` for `hxxp[:]//a[.]b/c`."""
    if not _MARKS.search(text):
        return text
    for shape, plain in _DEFANGED:
        text = shape.sub(plain, text)
    return text


@lru_cache(maxsize=1_024)
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
        host=_plain_host(str(parsed.hostname)),
        scheme=str(parsed.protocol).rstrip(":"),
        userinfo=userinfo,
        path=str(parsed.pathname),
        query=str(parsed.search).lstrip("?"),
        authority=str(parsed.host),
        given_host=_given_host(given),
    )


def _given_host(url: str) -> str:
    match = re.match(r"^[a-z][a-z0-9+.-]*:[/\\]{2}(?:[^/\\?#@]*@)?(\[[^\]]*\]|[^/\\?#:]*)", url, re.IGNORECASE)
    return match.group(1).lower() if match else ""


_WEB = frozenset({"http", "https", "ws", "wss"})


def url_key(link: Link) -> str:
    """`//host:port/path?query` for links of the web, others with their scheme. No fragment, no user."""
    # A fragment is the page's own business, and http and https mostly lead to the same page.
    scheme = "" if link.scheme in _WEB else f"{link.scheme}:"
    host = link.authority
    if link.host and not host.startswith("["):
        name, colon, port = host.partition(":")
        host = f"{name.rstrip('.')}{colon}{port}"
    query = f"?{link.query}" if link.query else ""
    return f"{scheme}//{host}{link.path}{query}"


_NESTED = re.compile(r"https?:[/\\\\]{2}[^\s&;\"'<>]+", re.IGNORECASE)
_MAX_NESTED = 4
_MAX_UNQUOTED = 3


def nested_links(link: Link) -> list[Link]:
    """Where a redirector leads: the links in a link's path, query and fragment, however often they are escaped."""
    tail = link.url.partition("//")[2].partition("/")[2]
    found: dict[str, Link] = {}
    for _ in range(_MAX_UNQUOTED):
        for match in _NESTED.finditer(tail):
            if len(found) >= _MAX_NESTED:
                return list(found.values())
            if (inner := read_link(match[0])) is not None and inner.host:
                found.setdefault(inner.url, inner)
        plain = unquote(tail)
        if plain == tail:
            break
        tail = plain
    return list(found.values())


def canonical_host(text: str) -> str:
    """A host name in lower-case punycode, an address in its plain form; empty when it is no host."""
    host = text.strip().rstrip(".")
    if PLAIN_NAME.fullmatch(host):
        return host
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    if not host or _NOT_HOST.search(host):
        return ""
    try:
        return _plain_host(str(can_ada.parse(f"http://{host}/").hostname))
    except ValueError:
        return ""


PLAIN_NAME = re.compile(r"(?!xn--)[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?!xn--)[a-z0-9]+(?:-[a-z0-9]+)*)*\.[a-z]{2,}")
"""Names that are in their one form already, as nearly all are: they need no parser."""

_NOT_HOST = re.compile(r"[\s/\\?#@]")


def _plain_host(host: str) -> str:
    bare = host.strip("[]").lower().rstrip(".")
    if ":" in bare and (address := address_of(bare)) is not None:
        return str(address)
    return bare


_LAST_OF_ADDRESS = frozenset("0123456789")


@lru_cache(maxsize=4_096)
def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a canonical host is, None for names. An IPv4 address inside an IPv6 one is what is reached."""
    if host[-1:] not in _LAST_OF_ADDRESS and ":" not in host:
        return None
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        return inner or address
    return address


def registered_domain(host: str) -> str:
    """`example.co.uk` for `a.b.example.co.uk`; empty for names without a known suffix."""
    return str(_extract()(host).top_domain_under_public_suffix)


def has_known_suffix(host: str) -> bool:
    """True for names under a top-level domain that exists."""
    return host.rpartition(".")[2] in _top_level()


def is_public_suffix(host: str) -> bool:
    """True for names below which strangers have names of their own: `co.uk`, and hosting such as `github.io`."""
    suffixes, above = _public_suffixes(), host.partition(".")[2]
    return host in suffixes or (f"*.{above}" in suffixes and f"!{host}" not in suffixes)


@cache
def _public_suffixes() -> frozenset[str]:
    from tldextract import TLDExtract

    extract = TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
    names = frozenset(extract.tlds)
    return names | {name.encode("idna").decode() for name in names if not name.isascii()}


@cache
def _top_level() -> frozenset[str]:
    suffixes = _extract().tlds
    names = {suffix.rpartition(".")[2] for suffix in suffixes}
    return frozenset(names | {name.encode("idna").decode() for name in names if not name.isascii()})


@cache
def _extract() -> TLDExtract:
    from tldextract import TLDExtract

    # The default object fetches the public suffix list; this one reads the copy that comes with it.
    return TLDExtract(suffix_list_urls=(), cache_dir=None)
