"""Against a real uvicorn with this protocol, over real sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.config import Config
from uvicorn.server import Server

from guardhouse.errors import GuardhouseError, TooLarge
from guardhouse.server import protocol
from guardhouse.server.body import BodyBudget, read_body
from guardhouse.server.errors import status_of
from guardhouse.server.protocol import GuardedHttpProtocol

BODY_LIMIT = 1000


async def _echo_length(request: Request) -> Response:
    budget: BodyBudget = request.app.state.budget
    try:
        body = await read_body(request, limit_bytes=BODY_LIMIT, timeout_s=0.4, budget=budget)
    except GuardhouseError as error:
        headers = {} if isinstance(error, TooLarge) else {"Connection": "close"}
        return PlainTextResponse(type(error).__name__, status_code=status_of(error), headers=headers)
    return PlainTextResponse(f"{request.url.path} {len(body)}")


@contextmanager
def serving(header_timeout_s: float = 5.0, budget_bytes: int = 10_000) -> Iterator[tuple[str, int]]:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        yield {"header_timeout_s": header_timeout_s}

    app = Starlette(routes=[Route("/{path:path}", _echo_length, methods=["GET", "POST"])], lifespan=lifespan)
    app.state.budget = BodyBudget(budget_bytes)
    listener = socket.create_server(("127.0.0.1", 0))
    config = Config(app, http=GuardedHttpProtocol, log_config=None, access_log=False, ws="none", lifespan="on")
    server = Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    address = listener.getsockname()
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield address
    finally:
        server.should_exit = True
        thread.join(10)
    assert app.state.budget._free == budget_bytes


def connect(address: tuple[str, int]) -> socket.socket:
    connection = socket.create_connection(address)
    connection.settimeout(10)
    return connection


def read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body of one answer with a content length."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            raise AssertionError(f"the connection was closed after {data!r}")
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(fields[b"content-length"]):
        body += connection.recv(65536)
    return int(head.split()[1]), body


def is_closed(connection: socket.socket) -> bool:
    """True when the server closes without another word."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def flood(connection: socket.socket) -> None:
    for _ in range(10_000):
        connection.sendall(b"y" * 65536)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/evaluate", "/evaluate"),
        ("//evaluate", "//evaluate"),
        ("http://127.0.0.1:1/api/v2/ai-guard/evaluate", "/api/v2/ai-guard/evaluate"),
        ("http://guard//evaluate?x=1", "//evaluate"),
    ],
)
def test_every_form_of_request_target_is_read(target: str, path: str) -> None:
    with serving() as address, connect(address) as connection:
        connection.sendall(f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab".encode())
        assert read_answer(connection) == (200, f"{path} 2".encode())


def test_pipelined_requests_are_answered_in_order() -> None:
    with serving() as address, connect(address) as connection:
        one = b"POST /one HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na"
        two = b"POST /two HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
        connection.sendall(one + two)
        data = b""
        while b"/two 2" not in data:
            data += connection.recv(65536)
        assert data.index(b"/one 1") < data.index(b"/two 2")


@pytest.mark.parametrize("head", [b"POST /x HTT", b"POST /x HTTP/1.1\r\nHost: x\r\nX-Slow: 1"])
def test_headers_that_come_too_slowly_are_answered_408(head: bytes) -> None:
    with serving(header_timeout_s=0.3) as address, connect(address) as connection:
        connection.sendall(head)
        status, body = read_answer(connection)
        assert status == 408
        assert json.loads(body)["errors"] == ["Request Timeout"]
        assert is_closed(connection)


def test_dripping_headers_do_not_put_the_deadline_off() -> None:
    with serving(header_timeout_s=0.5) as address, connect(address) as connection:
        connection.sendall(b"POST /x HTTP/1.1\r\n")
        connection.settimeout(0.05)
        answer = b""
        for number in range(200):
            try:
                answer = connection.recv(65536)
                break
            except TimeoutError:
                connection.sendall(f"X-{number}: 1\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_says_nothing_is_closed() -> None:
    with serving(header_timeout_s=0.3) as address, connect(address) as connection:
        assert is_closed(connection)


def test_blank_lines_between_requests_do_not_hold_a_connection() -> None:
    with serving(header_timeout_s=0.3) as address, connect(address) as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(connection)[0] == 200
        connection.sendall(b"\r\n")
        assert read_answer(connection)[0] == 408


def test_a_kept_connection_may_rest_longer_than_the_header_deadline() -> None:
    with serving(header_timeout_s=0.2) as address, connect(address) as connection:
        for _ in range(2):
            connection.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_answer(connection)[0] == 200
            time.sleep(0.5)


def test_endless_headers_are_answered_431() -> None:
    with serving() as address, connect(address) as connection:
        connection.sendall(b"GET /x HTTP/1.1\r\n")
        answer = b""
        try:
            for _ in range(50):
                connection.sendall(b"X-Filler: " + b"y" * 8000 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            answer = connection.recv(65536)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")
        with connect(address) as other:
            other.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_answer(other)[0] == 200


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"HELLO\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n"]
)
def test_what_is_not_http_is_answered_400_in_json(junk: bytes) -> None:
    with serving() as address, connect(address) as connection:
        connection.sendall(junk)
        status, body = read_answer(connection)
        assert status == 400
        assert json.loads(body)["error"]["code"] == "bad_request"


def test_an_announced_body_over_the_limit_is_refused_before_it_comes() -> None:
    with serving() as address, connect(address) as connection:
        connection.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert read_answer(connection) == (413, b"TooLarge")


def test_a_refused_body_is_read_to_its_end_and_the_connection_goes_on() -> None:
    with serving() as address, connect(address) as connection:
        size = 3_000_000
        connection.sendall(f"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode() + b"y" * size)
        assert read_answer(connection) == (413, b"TooLarge")
        connection.sendall(b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(connection) == (200, b"/next 0")


def test_a_chunked_body_over_the_limit_is_refused() -> None:
    with serving() as address, connect(address) as connection:
        connection.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.sendall(b"3e9\r\n" + b"y" * 1001 + b"\r\n")
        assert read_answer(connection) == (413, b"TooLarge")


def test_a_refused_body_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "LINGER_S", 0.3)
    with serving() as address, connect(address) as connection:
        connection.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert read_answer(connection)[0] == 413
        assert is_closed(connection)


def test_a_refused_body_is_not_read_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "LINGER_BYTES", 100_000)
    with serving() as address, connect(address) as connection:
        connection.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert read_answer(connection)[0] == 413
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            flood(connection)


def test_a_body_that_comes_too_slowly_is_answered_408() -> None:
    with serving() as address, connect(address) as connection:
        connection.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab")
        assert read_answer(connection) == (408, b"RequestTimeout")
        assert is_closed(connection)


def test_all_bodies_together_are_bounded() -> None:
    with serving(budget_bytes=1500) as address, connect(address) as slow, connect(address) as quick:
        slow.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + b"y" * 900)
        time.sleep(0.1)
        quick.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n" + b"y" * 900)
        assert read_answer(quick) == (503, b"Unavailable")


def test_a_client_that_leaves_gives_its_share_back() -> None:
    with serving() as address:
        with connect(address) as connection:
            connection.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + b"y" * 500)
        with connect(address) as other:
            other.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\ny")
            assert read_answer(other)[0] == 200
