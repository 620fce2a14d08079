"""Fetching a list from a real server on the loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from guardhouse.detectors.malicious_entity.fetch import fetch
from guardhouse.errors import InvalidInput, TooLarge, Unavailable

SECRET_PATH = "/key-3f9a/list.txt"


class Feed(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        places = {
            "/there": SECRET_PATH,
            "/file": "file:///etc/passwd",
            "/https": "https://127.0.0.1:1/x",
            "/round": "/round",
        }
        if self.path in places:
            self.send_response(302)
            self.send_header("Location", places[self.path])
            self.end_headers()
        elif self.path == SECRET_PATH:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"bad.example.com\n" * 10)
        else:
            self.send_response(404)
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    served = ThreadingHTTPServer(("127.0.0.1", 0), Feed)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    thread.join()
    served.server_close()


def test_a_list_is_fetched_and_redirects_are_followed(server: str) -> None:
    assert fetch(server + SECRET_PATH) == b"bad.example.com\n" * 10
    assert fetch(server + "/there") == b"bad.example.com\n" * 10


@pytest.mark.parametrize("path", ["/file", "/https"])
def test_no_redirect_leads_to_another_scheme(server: str, path: str) -> None:
    with pytest.raises(InvalidInput, match="another scheme"):
        fetch(server + path)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://x", "data:,x"])
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="http or https"):
        fetch(url)


def test_a_round_of_redirects_ends(server: str) -> None:
    with pytest.raises(Unavailable, match="more than 5 times"):
        fetch(server + "/round")


def test_what_is_too_large_or_too_slow_is_given_up(server: str) -> None:
    with pytest.raises(TooLarge, match="more than 100 bytes"):
        fetch(server + SECRET_PATH, limit_bytes=100)
    with pytest.raises(Unavailable, match="too slowly"):
        fetch(server + SECRET_PATH, timeout_s=-1.0)


def test_errors_name_the_host_and_no_path(server: str) -> None:
    with pytest.raises(Unavailable) as missing:
        fetch(server + "/key-3f9a-missing")
    assert str(missing.value) == "127.0.0.1 answers 404"
    with pytest.raises(Unavailable) as closed:
        fetch("http://127.0.0.1:1/key-3f9a")
    assert "key-3f9a" not in str(closed.value)
    with pytest.raises(Unavailable) as odd:
        fetch("http://127.0.0.1:99999999/key-3f9a")
    assert "key-3f9a" not in str(odd.value)
