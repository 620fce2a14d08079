"""An image from the web, where the operator allows it. Nothing else in this package opens a connection."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Collection
from urllib.parse import urlsplit

import httpx

from guardhouse.images.reading import Unreadable

MAX_REDIRECTS = 3
ANY_HOST = "*"


def is_allowed(url: str, hosts: Collection[str]) -> bool:
    """True where the operator lets images come from this URL's host."""
    return ANY_HOST in hosts or _host(url) in hosts


def fetch_image(url: str, *, hosts: Collection[str], limit_bytes: int, timeout_s: float) -> bytes:
    """What stands at `url`, at most `limit_bytes` within `timeout_s` seconds in all.

    `hosts` are those that may be asked, `*` any. The address is looked up once, and must be a public one unless `hosts`
    names the host: `*` never leads into the operator's own network. Every redirect is looked at in the same way. No
    proxy and no credentials of the environment are used. Raises `Unreadable`; what it says names no URL.
    """
    end = time.monotonic() + timeout_s
    try:
        with httpx.Client(trust_env=False, follow_redirects=False, headers={"Accept-Encoding": "identity"}) as client:
            for _ in range(MAX_REDIRECTS + 1):
                request = _request(client, url, hosts, end)
                response = client.send(request, stream=True)
                try:
                    if not response.has_redirect_location:
                        return _body(response, limit_bytes, end)
                    url = str(httpx.URL(url).join(response.headers["location"]))
                finally:
                    response.close()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise Unreadable(f"it did not come: {type(error).__name__}") from None
    raise Unreadable("it redirects too often")


def _request(client: httpx.Client, url: str, hosts: Collection[str], end: float) -> httpx.Request:
    """A request to the address that was looked at: a second look-up could give another one."""
    if urlsplit(url).scheme.lower() not in ("http", "https") or not is_allowed(url, hosts):
        raise Unreadable("it leads to where images may not come from")
    left_s = end - time.monotonic()
    if left_s <= 0:
        raise Unreadable("it did not come in time")
    parsed = httpx.URL(url)
    host = _host(url)
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    address = _address(host, port, may_be_private=host in hosts)
    shown = f"[{host}]" if ":" in host else host
    return client.build_request(
        "GET",
        parsed.copy_with(host=address, userinfo=b"", fragment=None),
        headers={"Host": shown if parsed.port is None else f"{shown}:{port}"},
        timeout=left_s,
        extensions={"sni_hostname": host},
    )


def _address(host: str, port: int, *, may_be_private: bool) -> str:
    found = [str(item[4][0]) for item in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    allowed = [one for one in found if may_be_private or _is_public(one)]
    if not allowed:
        raise Unreadable("it leads to a private address")
    return allowed[0]


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
    return parsed.is_global and not parsed.is_multicast and (inner is None or bool(inner.is_global))


def _host(url: str) -> str:
    return (urlsplit(url.strip()).hostname or "").lower().rstrip(".")


def _body(response: httpx.Response, limit_bytes: int, end: float) -> bytes:
    if response.status_code != 200:
        raise Unreadable(f"its server answers {response.status_code}")
    body = bytearray()
    for block in response.iter_raw():
        body += block
        if len(body) > limit_bytes:
            raise Unreadable("it has more bytes than are read")
        if time.monotonic() > end:
            raise Unreadable("it did not come in time")
    return bytes(body)
