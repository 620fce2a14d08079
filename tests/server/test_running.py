"""The server as a process: limits, slow clients, workers that die, an orderly end."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import RunningServer, running_server

from guardhouse.client import GuardClient
from guardhouse.errors import GuardhouseError

Start = Callable[..., RunningServer]
DATADOG = "/api/v2/ai-guard/evaluate"
HELLO = {"data": {"attributes": {"messages": [{"role": "user", "content": "Hello there"}]}}}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def clear_of_the_turn_of_a_minute() -> None:
    """Windows begin with the minutes of the clock; a test that straddles two of them would count in both."""
    second = time.time() % 60
    if second > 50:
        time.sleep(60.05 - second)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running_server(
        tmp_path_factory.mktemp("limited"),
        key_requests_per_minute=3,
        address_requests_per_minute=5,
        key_tokens_per_day=100,
        trusted_proxies="127.0.0.1",
    ) as server:
        yield server


def from_address(address: str, headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "X-Forwarded-For": address}


def test_a_key_over_its_requests_is_answered_429_in_each_form(limited: RunningServer) -> None:
    clear_of_the_turn_of_a_minute()
    secret = limited.create_key()
    pair = from_address("192.0.2.1", {"DD-API-KEY": secret, "DD-APPLICATION-KEY": secret})
    with httpx.Client(base_url=limited.url) as http:
        for left in (2, 1, 0):
            response = http.post(DATADOG, json=HELLO, headers=pair)
            assert response.status_code == 200
            assert response.headers["x-ratelimit-remaining"] == str(left)
        refused = http.post(DATADOG, json=HELLO, headers=pair)
        assert (refused.status_code, refused.json()) == (429, {"errors": ["Too many requests"]})
        assert refused.headers["x-ratelimit-limit"] == "3"
        assert refused.headers["x-ratelimit-remaining"] == "0"
        assert refused.headers["x-ratelimit-name"] == "ai_guard_evaluate_per_org"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        native = http.post("/v1/evaluate", json={"text": "x"}, headers=from_address("192.0.2.1", bearer(secret)))
        assert (native.status_code, native.json()["error"]["code"]) == (429, "too_many_requests")
        assert 1 <= int(native.headers["retry-after"]) <= 60
        other = from_address("192.0.2.2", bearer(limited.create_key()))
        assert http.post("/v1/evaluate", json={"text": "x"}, headers=other).status_code == 200


def test_guessing_at_keys_is_limited_by_address(limited: RunningServer) -> None:
    clear_of_the_turn_of_a_minute()
    with httpx.Client(base_url=limited.url) as http:

        def guess(secret: str, address: str) -> int:
            headers = from_address(address, bearer(secret))
            return http.post("/v1/evaluate", json={"text": "x"}, headers=headers).status_code

        assert [guess(f"guess-{number}", "192.0.2.3") for number in range(7)] == [401] * 5 + [429] * 2
        assert guess("guess", "192.0.2.4") == 401
        assert guess(limited.create_key(), "192.0.2.3") == 429
        assert http.get("/healthz", headers=from_address("192.0.2.3", {})).status_code == 200


def test_tokens_of_the_day_run_out(limited: RunningServer) -> None:
    clear_of_the_turn_of_a_minute()
    headers = from_address("192.0.2.5", bearer(limited.create_key()))
    with httpx.Client(base_url=limited.url, headers=headers) as http:
        assert http.post("/v1/evaluate", json={"text": "x" * 360}).status_code == 200
        refused = http.post("/v1/evaluate", json={"text": "x" * 100})
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 24 * 3600
        assert http.post("/v1/evaluate", json={"text": "x" * 40}).status_code == 200


def test_slow_clients_are_cut_off_and_others_are_served(start_server: Start) -> None:
    server = start_server(header_timeout_s=0.6, body_timeout_s=0.6, key_requests_per_minute=0)
    pair = {"DD-API-KEY": server.key, "DD-APPLICATION-KEY": server.key}
    head = f"POST {DATADOG} HTTP/1.1\r\nHost: x\r\nDD-API-KEY: {server.key}\r\nDD-APPLICATION-KEY: {server.key}\r\n"
    slow_heads = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(20)]
    slow_bodies = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(20)]
    try:
        for connection in slow_heads:
            connection.sendall(head.encode())
        for connection in slow_bodies:
            connection.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        served = server.http.post(DATADOG, json=HELLO, headers=pair)
        assert served.status_code == 200
        assert not [name for name in served.headers if name.startswith("x-ratelimit")]
        for connection in slow_heads:
            assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")
        for connection in slow_bodies:
            answer = b"".join(iter(partial(connection.recv, 65536), b""))
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b'{"errors":[{"status":"408"' in answer
    finally:
        for connection in slow_heads + slow_bodies:
            connection.close()


def test_too_much_at_once_is_refused_and_not_queued_for_ever(start_server: Start) -> None:
    server = start_server(max_queued=1, threads=1)
    text = "the quick brown fox jumps over the lazy dog " * 1500
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(server.http.post("/v1/evaluate", json={"text": text}, headers=bearer(server.key)))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert answer.json()["error"]["code"] == "service_unavailable"
            assert int(answer.headers["retry-after"]) >= 1


def test_an_orderly_end_finishes_what_was_accepted(start_server: Start) -> None:
    server = start_server(threads=1)
    text = "the quick brown fox jumps over the lazy dog " * 1000
    with ThreadPoolExecutor(12) as pool:

        def ask(_: int) -> httpx.Response:
            return server.http.post("/v1/evaluate", json={"text": text}, headers=bearer(server.key))

        waiting = [pool.submit(ask, number) for number in range(12)]
        admin = bearer(server.admin_key)
        while "ai_guard_queue_depth 12.0" not in server.http.get("/metrics", headers=admin).text:
            if waiting[0].done():
                break
        server.process.send_signal(signal.SIGTERM)
        answers = [future.result() for future in waiting]
    assert {answer.status_code for answer in answers} == {200}
    assert server.stop() == 0
    recorded = server.with_services(lambda services: _recorded(services, [a.json()["id"] for a in answers]))
    assert recorded == set()


async def _recorded(services: Any, ids: list[str]) -> set[str]:
    """Those of `ids` that the activity log does not have."""
    return {identity for identity in ids if await services.activity.get(identity) is None}


def _worker_ids(server: RunningServer) -> set[int]:
    workers = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == server.process.pid and "spawn_main" in (folder / "cmdline").read_text():
                workers.add(int(folder.name))
    return workers


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("two-workers")
    with running_server(folder, workers=2, metrics_public=True, log_format="json") as server:
        yield server


def test_metrics_of_all_workers_are_added_up(two_workers: RunningServer) -> None:
    def allowed() -> float:
        start = 'ai_guard_evaluations_total{action="allow",blocking_enabled="true",dialect="native"} '
        lines = two_workers.http.get("/metrics").text.splitlines()
        return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))

    before = allowed()
    for _ in range(30):
        two_workers.http.post("/v1/evaluate", json={"text": "x"}, headers=bearer(two_workers.key))
    assert [allowed() - before for _ in range(5)] == [30.0] * 5


def test_json_logs(two_workers: RunningServer) -> None:
    with GuardClient(two_workers.url, two_workers.key) as client:
        identity = client.evaluate("planted-words").id
    (line,) = two_workers.log_lines(identity)
    entry = json.loads(line)
    assert entry["logger"] == "guardhouse.request"
    assert (entry["action"], entry["status"], entry["path"]) == ("ALLOW", 200, "/v1/evaluate")
    assert "planted-words" not in two_workers.log()


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc"), reason="finds the workers in /proc")
def test_nothing_answered_is_lost_when_workers_are_killed(two_workers: RunningServer) -> None:
    server = two_workers
    answered: list[str] = []
    stop = threading.Event()

    def load() -> None:
        with GuardClient(server.url, server.key) as client:
            while not stop.is_set():
                with suppress(GuardhouseError):
                    answered.append(client.evaluate("Which gate does the Oslo flight leave from?").id)

    threads = [threading.Thread(target=load) for _ in range(6)]
    for thread in threads:
        thread.start()
    killed: set[int] = set()
    try:
        for _ in range(3):
            before = len(answered)
            _wait_for(lambda before=before: len(answered) > before + 40)
            _wait_for(lambda: len(_worker_ids(server) - killed) == 2)
            victim = max(_worker_ids(server) - killed)
            os.kill(victim, signal.SIGKILL)
            killed.add(victim)
        _wait_for(lambda: len(_worker_ids(server) - killed) == 2)
        before = len(answered)
        _wait_for(lambda: len(answered) > before + 40)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(set(answered)) == len(answered) > 120
    assert server.with_services(lambda services: _recorded(services, answered)) == set()


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen within a minute")
        time.sleep(0.02)


class _Collector(BaseHTTPRequestHandler):
    """An OTLP/HTTP collector that keeps what it is sent."""

    bodies: list[tuple[str, bytes]]

    def do_POST(self) -> None:
        self.bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def test_spans_go_to_the_collector_that_is_named(start_server: Start) -> None:
    handler = type("Collector", (_Collector,), {"bodies": []})
    with HTTPServer(("127.0.0.1", 0), handler) as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        try:
            server = start_server(otlp_endpoint=f"http://127.0.0.1:{collector.server_port}")
            with GuardClient(server.url, server.key) as client:
                identity = client.evaluate("planted-words").id
            server.stop()
        finally:
            collector.shutdown()
            thread.join()
    (sent,) = handler.bodies
    path, body = sent
    assert path == "/v1/traces"
    assert identity.encode() in body
    assert b"ai_guard.target" in body
    assert b"planted-words" not in body


def test_a_server_that_cannot_start_says_why_in_one_line(start_server: Start) -> None:
    with pytest.raises(AssertionError) as raised:
        start_server(dialects="klingon")
    assert "there is no dialect 'klingon'" in str(raised.value)
