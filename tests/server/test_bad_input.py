"""Whatever a caller sends gets the dialect's own error or a verdict: never a 5xx, never its own words back."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from running import RunningServer

LIMIT_BYTES = 8 * 1024 * 1024


class Target:
    """One dialect's endpoint, how a text is wrapped for it, and what its errors look like."""

    def __init__(self, path: str, wrap: Callable[[Any], Any], headers: Callable[[str], dict[str, str]]) -> None:
        self.path = path
        self.wrap = wrap
        self.headers = headers

    def post(self, server: RunningServer, body: bytes, **headers: str) -> httpx.Response:
        given = {**self.headers(server.key), "Content-Type": "application/json", **headers}
        response = server.http.post(self.path, content=body, headers=given)
        assert response.status_code < 500, response.text
        document = response.json()
        if response.status_code != 200:
            self.check_error(document)
        return response

    def check_error(self, document: Any) -> None:
        if self.path == "/v1/evaluate":
            assert set(document) == {"error"}
            assert set(document["error"]) == {"code", "message", "path"}
        else:
            assert set(document) == {"errors"}
            assert len(document["errors"]) == 1


NATIVE = Target("/v1/evaluate", lambda messages: {"messages": messages}, lambda key: {"Authorization": f"Bearer {key}"})
DATADOG = Target(
    "/api/v2/ai-guard/evaluate",
    lambda messages: {"data": {"attributes": {"messages": messages}}},
    lambda key: {"DD-API-KEY": key, "DD-APPLICATION-KEY": key},
)


@pytest.fixture(params=[NATIVE, DATADOG], ids=["native", "datadog"])
def target(request: pytest.FixtureRequest) -> Target:
    chosen: Target = request.param
    return chosen


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"{",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"NaN",
        b'{"data": NaN}',
        b"\xff\xfe\x00",
        b'{"text": "\xed\xa0\x80"}',
        b'{"text": "\xc3\x28"}',
        b"<xml/>",
        b"text=hello&role=user",
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"data":' * 50_000 + b"1" + b"}" * 50_000,
        b"1" * 100_000,
        b"[1e999]",
        b'{"text": "x"' + b" " * 100_000,
    ],
    ids=range(20),
)
def test_a_body_that_is_no_request(guard_server: RunningServer, target: Target, body: bytes) -> None:
    assert target.post(guard_server, body).status_code == 400


@pytest.mark.parametrize(
    "messages",
    [None, 5, "x", {}, [], [None], [5], ["x"], [[]], [{}], [{"content": "x"}], [{"role": 5}], [user(5)], [user({})]],
    ids=str,
)
def test_messages_of_the_wrong_type(guard_server: RunningServer, target: Target, messages: Any) -> None:
    assert target.post(guard_server, json.dumps(target.wrap(messages)).encode()).status_code == 400


@pytest.mark.parametrize(
    "messages",
    [
        [user("a \ud800 b \udfff\udbff")],
        [user("\x00\x01\x1f\x7f \u2028 \ufeff \ufffe \U0010ffff")],
        [user("\u202e evil \u202c" * 100)],
        [user("e" + "\u0301" * 50_000)],
        [user("")],
        [user(" \n\t ")],
        [user([])],
        [user([None, 5, "x", [], {}, {"type": "text"}, {"type": "text", "text": 5}, {"text": "x", "type": []}])],
        [user([{"type": "image_url", "image_url": {"url": "data:image/png;base64,@@@@"}}])],
        [user([{"type": "image_url", "image_url": 5}, {"type": "image_url"}])],
        [{"role": "", "content": "x"}],
        [{"role": "x" * 10_000, "content": "x"}],
        [{"role": "assistant", "tool_calls": "x"}],
        [{"role": "assistant", "tool_calls": [None, 5, {}, {"function": 5}, {"id": 5, "function": {"name": 5}}]}],
        [{"role": "assistant", "tool_calls": [{"id": "x", "function": {"name": "f", "arguments": {"a": [1, None]}}}]}],
        [{"role": "assistant", "tool_calls": [{"function": {"name": "bash", "arguments": "[" * 20_000}}]}],
        [{"role": "assistant", "tool_calls": [{"function": {"name": "bash", "arguments": '{"cmd": "\ud800"}'}}]}],
        [{"role": "assistant", "tool_calls": [{"function": {"name": "\x00" * 100, "arguments": "\x00"}}]}],
        [{"role": "tool", "tool_call_id": 5, "content": "x"}],
        [{"role": "tool", "tool_call_id": "\x00\ud800", "content": "x"}],
        [user(str(number)) for number in range(10_000)],
        [{"role": "tool", "tool_call_id": str(number), "content": "done"} for number in range(10_000)],
    ],
    ids=range(22),
)
def test_odd_messages_get_a_verdict(guard_server: RunningServer, target: Target, messages: Any) -> None:
    response = target.post(guard_server, json.dumps(target.wrap(messages)).encode())
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("name", ["a" * 100_000, "\x00", "\ud800", "a/b\\c'\";--", "日本語", " "])
def test_odd_names_of_services(guard_server: RunningServer, name: str) -> None:
    document = {**DATADOG.wrap([user("x")])}
    document["data"]["attributes"]["meta"] = {"service": name, "env": name, "coding_agent": name}
    DATADOG.post(guard_server, json.dumps(document).encode())
    fields = {"source": name, "model": name, "client": name, "actor": name}
    document = {"text": "x", "service": name, "env": name, "log_fields": fields}
    NATIVE.post(guard_server, json.dumps(document).encode())


def test_a_body_over_the_limit(guard_server: RunningServer, target: Target) -> None:
    body = json.dumps(target.wrap([user("x" * 10_000_000)])).encode()
    assert target.post(guard_server, body).status_code == 413


def test_a_body_just_within_the_limit_gets_a_verdict(guard_server: RunningServer, target: Target) -> None:
    rng = random.Random(5)
    words = ("the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "while", "rain", "falls")
    text = " ".join(rng.choices(words, k=200_000))
    body = json.dumps(target.wrap([user(text)])).encode()
    assert len(body) < LIMIT_BYTES
    assert target.post(guard_server, body).status_code == 200


def test_a_body_of_many_small_things(guard_server: RunningServer, target: Target) -> None:
    body = json.dumps(target.wrap([{**user("x"), "more": [[]] * 1_000_000}])).encode()
    assert len(body) < LIMIT_BYTES
    assert target.post(guard_server, body).status_code == 200


@pytest.mark.parametrize("key", ["", "wrong", "gh_" + "a" * 32, "x" * 10_000, "\xff\xfe", "a b", "' OR 1=1 --"])
def test_wrong_keys(guard_server: RunningServer, target: Target, key: str) -> None:
    body = json.dumps(target.wrap([user("x")])).encode()
    headers = [(name.encode(), value.strip().encode("latin-1")) for name, value in target.headers(key).items()]
    response = guard_server.http.post(target.path, content=body, headers=headers)
    assert response.status_code == 401
    target.check_error(response.json())


def test_the_error_does_not_repeat_the_message(guard_server: RunningServer, target: Target) -> None:
    planted = "AKIAQ3EGOBU2TESTS7XX"
    bodies = (
        json.dumps(target.wrap([{"role": "user", "content": {"text": planted}}])),
        json.dumps(target.wrap([planted])),
        json.dumps(target.wrap(planted)),
        json.dumps(target.wrap([user(planted)]))[:-3],
    )
    for body in bodies:
        response = target.post(guard_server, body.encode())
        assert response.status_code == 400
        assert planted not in response.text


def test_random_changes_of_a_good_request(guard_server: RunningServer, target: Target) -> None:
    call = {"id": "c1", "function": {"name": "bash", "arguments": '{"cmd": "ls"}'}}
    good = json.dumps(target.wrap([user("Hello"), {"role": "assistant", "tool_calls": [call]}])).encode()
    rng = random.Random(7)
    for _ in range(150):
        body = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            place = rng.randrange(len(body))
            if rng.random() < 0.5:
                body[place] = rng.choice(b'"{}[]:,\\0ax\x00\xff')
            else:
                del body[place : place + rng.randint(1, 8)]
        target.post(guard_server, bytes(body))
