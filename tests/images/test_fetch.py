"""Images from the web: only from hosts that the operator names, and never from inside by accident."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from guardhouse.images.fetch import _is_public, fetch_image, is_allowed
from guardhouse.images.reading import Unreadable

LOCAL = ("127.0.0.1",)


class Site(BaseHTTPRequestHandler):
    """What its paths say."""

    asked: list[tuple[str, str | None, str | None]]

    def do_GET(self) -> None:
        type(self).asked.append((self.path, self.headers["Host"], self.headers["Authorization"]))
        status, location, body = 200, None, b"picture"
        match self.path.split("?")[0]:
            case "/missing":
                status = 404
            case "/away":
                status, location = 302, "/image?from=away"
            case "/round":
                status, location = 302, "/round"
            case "/outside":
                status, location = 302, "http://outside.example/image"
            case "/inside":
                status, location = 302, f"http://localhost:{self.server.server_port}/image"
            case "/file":
                status, location = 302, "file:///etc/hostname"
            case "/large":
                body = bytes(5000)
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path == "/slow":
            with contextlib.suppress(OSError):  # the other side leaves
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.2)
            return
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    Site.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def fetch(url: str, *, hosts: tuple[str, ...] = LOCAL, timeout_s: float = 20.0) -> bytes:
    return fetch_image(url, hosts=hosts, limit_bytes=1000, timeout_s=timeout_s)


def test_an_image_of_a_named_host_comes(site: str) -> None:
    assert fetch(f"{site}/image") == b"picture"
    assert Site.asked == [("/image", site.removeprefix("http://"), None)]


def test_credentials_of_a_url_are_not_sent(site: str) -> None:
    assert fetch(site.replace("://", "://user:password@") + "/image#part") == b"picture"
    assert Site.asked == [("/image", site.removeprefix("http://"), None)]


def test_a_redirect_within_what_is_allowed_is_followed(site: str) -> None:
    assert fetch(f"{site}/away") == b"picture"
    assert [path for path, _, _ in Site.asked] == ["/away", "/image?from=away"]


def test_a_proxy_of_the_environment_is_not_used(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert fetch(f"{site}/image") == b"picture"


@pytest.mark.parametrize(
    ("path", "hosts", "message"),
    [
        pytest.param("/image", ("*",), "it leads to a private address", id="any-host-is-no-private-one"),
        pytest.param("/image", ("images.example",), "it leads to where images may not come from", id="another-host"),
        pytest.param("/image", (), "it leads to where images may not come from", id="no-host"),
        pytest.param("/outside", LOCAL, "it leads to where images may not come from", id="redirect-to-another"),
        pytest.param("/inside", (*LOCAL, "*"), "it leads to a private address", id="redirect-to-a-private-one"),
        pytest.param("/file", (*LOCAL, "*"), "it leads to where images may not come from", id="redirect-to-a-file"),
        pytest.param("/round", LOCAL, "it redirects too often", id="round-and-round"),
        pytest.param("/missing", LOCAL, "its server answers 404", id="not-there"),
        pytest.param("/large", LOCAL, "it has more bytes than are read", id="too-large"),
    ],
)
def test_what_does_not_come(site: str, path: str, hosts: tuple[str, ...], message: str) -> None:
    with pytest.raises(Unreadable) as caught:
        fetch(f"{site}{path}", hosts=hosts)
    assert str(caught.value) == message


def test_a_slow_site_is_left(site: str) -> None:
    with pytest.raises(Unreadable, match=r"in time|Timeout"):
        fetch(f"{site}/slow", timeout_s=0.5)


def test_nothing_listens() -> None:
    with pytest.raises(Unreadable, match="it did not come: ConnectError"):
        fetch("http://127.0.0.1:9/image")


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999/a", "http://[::1/a", "http://127.0.0.1:x/"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(Unreadable):
        fetch(url)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *(
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1%eth0",
            "fc00::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
        ),
        *("2002:7f00:1::", "ff02::1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not _is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"])
def test_addresses_that_are_public(address: str) -> None:
    assert _is_public(address)


def test_hosts_are_compared_without_case_port_and_final_dot() -> None:
    assert is_allowed("https://Images.Example.:8443/a", ("images.example",))
    assert not is_allowed("https://images.example.evil.example/a", ("images.example",))
