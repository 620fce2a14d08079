from __future__ import annotations

import pytest
from starlette.requests import Request

from guardhouse.server.auth import Proxies, bearer_of, limit_name


def make_request(peer: str = "198.51.100.7", *headers: tuple[str, str]) -> Request:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    return Request({"type": "http", "headers": raw, "client": (peer, 1234), "method": "GET", "path": "/"})


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Basic abc", ""),
        ("Bearer", ""),
        ("abc", ""),
        ("", ""),
    ],
)
def test_bearer(header: str, secret: str) -> None:
    assert bearer_of(make_request("198.51.100.7", ("Authorization", header))) == secret


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "address"),
    [
        ((), "198.51.100.7", "203.0.113.9", "198.51.100.7"),
        (("10.0.0.1",), "198.51.100.7", "203.0.113.9", "198.51.100.7"),
        (("10.0.0.1",), "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (("10.0.0.0/8",), "10.0.0.1", "192.0.2.1, 203.0.113.9, 10.9.9.9", "203.0.113.9"),
        (("10.0.0.1",), "10.0.0.1", "", "10.0.0.1"),
        (("10.0.0.1",), "10.0.0.1", "203.0.113.9, not-an-address", "10.0.0.1"),
        (("10.0.0.1",), "10.0.0.1", "forged\x20name, 203.0.113.9", "203.0.113.9"),
        (("*",), "198.51.100.7", "203.0.113.9, 192.0.2.1", "203.0.113.9"),
        (("::1",), "::1", "2001:db8::5", "2001:db8::5"),
    ],
)
def test_client_address_behind_proxies(trusted: tuple[str, ...], peer: str, forwarded: str, address: str) -> None:
    request = make_request(peer, ("X-Forwarded-For", forwarded))
    assert Proxies(trusted).client_address(request) == address


def test_several_forwarded_headers_are_one_chain() -> None:
    request = make_request("10.0.0.1", ("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-For", "10.0.0.2"))
    assert Proxies(["10.0.0.0/24"]).client_address(request) == "203.0.113.9"


def test_an_ipv6_subscriber_is_counted_once() -> None:
    assert limit_name("2001:db8:1:2::1") == limit_name("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert limit_name("2001:db8:1:3::1") != limit_name("2001:db8:1:2::1")
    assert limit_name("::ffff:192.0.2.1") == limit_name("192.0.2.1") == "192.0.2.1"
    assert limit_name("") == ""
