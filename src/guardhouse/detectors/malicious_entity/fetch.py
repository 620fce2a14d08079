"""A list from the network, when an operator names its URL. Nothing else in this package opens a connection."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from guardhouse.errors import InvalidInput, TooLarge, Unavailable

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 256 * 1024 * 1024
MAX_REDIRECTS = 5
TIMEOUT_S = 300.0
_WAIT_S = 20.0


def fetch(url: str, *, limit_bytes: int = MAX_BYTES, timeout_s: float = TIMEOUT_S) -> bytes:
    """What stands at `url`, at most `limit_bytes` within `timeout_s` seconds in all.

    Redirects are followed within the same scheme only. Raises `InvalidInput` for other schemes and redirects,
    `TooLarge`, and `Unavailable` for what does not come. Messages name the host alone: paths may hold a key.
    """
    import httpx

    end = time.monotonic() + timeout_s
    scheme = urlsplit(url).scheme.lower()
    if scheme not in ("http", "https"):
        raise InvalidInput("a list comes by http or https")
    host = urlsplit(url).hostname or ""
    try:
        with httpx.Client(timeout=_WAIT_S, follow_redirects=False, headers={"Accept-Encoding": "identity"}) as client:
            for _ in range(MAX_REDIRECTS + 1):
                with client.stream("GET", url) as response:
                    if response.has_redirect_location:
                        url = str(response.url.join(response.headers["location"]))
                        if urlsplit(url).scheme.lower() != scheme:
                            raise InvalidInput(f"{host} redirects to another scheme")
                        continue
                    if response.status_code != 200:
                        raise Unavailable(f"{host} answers {response.status_code}")
                    return _body(response, host, limit_bytes, end)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise Unavailable(f"nothing came from {host or 'there'}: {type(error).__name__}") from None
    raise Unavailable(f"{host} redirects more than {MAX_REDIRECTS} times")


def _body(response: httpx.Response, host: str, limit_bytes: int, end: float) -> bytes:
    body = bytearray()
    for block in response.iter_bytes():
        body += block
        if len(body) > limit_bytes:
            raise TooLarge(f"{host} sends more than {limit_bytes:,} bytes")
        if time.monotonic() > end:
            raise Unavailable(f"{host} sends too slowly")
    return bytes(body)
