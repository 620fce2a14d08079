from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from guardhouse import Guard
from guardhouse.client import AsyncGuardClient, GuardClient
from guardhouse.client.wire import UnexpectedAnswer
from guardhouse.errors import (
    Blocked,
    ConfigurationError,
    Conflict,
    Forbidden,
    GuardhouseError,
    InvalidInput,
    NotFound,
    RateLimited,
    RequestTimeout,
    TooLarge,
    Unauthorized,
    Unavailable,
    UnknownRecipe,
)
from guardhouse.model.codec import evaluation_to_dict, overrides_from_dict
from guardhouse.model.evaluation import Action, AppliedFinding, DetectorReport, Evaluation, Outcome
from guardhouse.model.finding import Finding, Span
from guardhouse.model.recipe import DetectorOverride, Overrides, Rule, RuleAction

_FINDING = Finding("prompt_attack", "JAILBREAK", 0.9, ("text",), Span(0, 4), value="DAN!")
EVALUATION = Evaluation(
    id="0b6f7d0e-6f0c-4a5e-9d53-2f6b6a7b9d11",
    action=Action.DENY,
    reason="Jailbreak was detected.",
    blocked=True,
    blocking_enabled=True,
    recipe="default",
    reports=(
        DetectorReport(
            "prompt_attack",
            Outcome.DETECTED,
            (AppliedFinding(_FINDING, 0.5, RuleAction.BLOCK, True),),
            RuleAction.BLOCK,
        ),
    ),
    confidences={"JAILBREAK": 0.9},
    thresholds={"JAILBREAK": 0.5},
    redactions=(),
    texts={("messages", 0, "content"): "x"},
    timings_ms={"match": 0.5},
    policy_revision=3,
)

Answer = Callable[[httpx.Request], httpx.Response]


def answered(answer: Answer, *args: Any, **options: Any) -> Evaluation:
    """The same call through both clients; they must agree."""

    async def call() -> Evaluation:
        async with AsyncGuardClient("http://guard", "gh_key", transport=httpx.MockTransport(answer)) as client:
            return await client.evaluate(*args, **options)

    with GuardClient("http://guard", "gh_key", transport=httpx.MockTransport(answer)) as client:
        try:
            evaluation = client.evaluate(*args, **options)
        except GuardhouseError as error:
            with pytest.raises(type(error)):
                asyncio.run(call())
            raise
    assert asyncio.run(call()) == evaluation
    return evaluation


def verdict(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=evaluation_to_dict(EVALUATION))


def test_the_same_evaluation_comes_out() -> None:
    assert answered(verdict, "hello") == EVALUATION


def test_what_is_sent() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return verdict(request)

    answered(answer, "h\ud800i", recipe="r", service="s", env="e", role="tool", overrides={"ignore_recipe": True})
    answered(answer, [{"role": "user", "content": "ż"}])
    first, third = seen[0], seen[2]
    assert (first.method, str(first.url)) == ("POST", "http://guard/v1/evaluate")
    assert first.headers["authorization"] == "Bearer gh_key"
    assert json.loads(first.content) == {
        "text": "h\ud800i",
        "role": "tool",
        "recipe": "r",
        "service": "s",
        "env": "e",
        "overrides": {"ignore_recipe": True},
    }
    assert json.loads(third.content) == {"messages": [{"role": "user", "content": "ż"}]}


def test_overrides_may_be_values() -> None:
    seen: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content)["overrides"])
        return verdict(request)

    overrides = Overrides({"pii": DetectorOverride(default=Rule(RuleAction.MASK))}, ignore_recipe=True)
    answered(answer, "x", overrides=overrides)
    assert [overrides_from_dict(item) for item in seen] == [overrides, overrides]


@pytest.mark.parametrize(
    ("content", "overrides", "path"),
    [(None, None, "messages"), (5, None, "messages"), ({"role": "user"}, None, "messages"), ("x", 5, "overrides")],
)
def test_what_cannot_be_sent_is_refused_as_the_guard_refuses_it(content: Any, overrides: Any, path: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        answered(verdict, content, overrides=overrides)
    with pytest.raises(InvalidInput) as refused:
        Guard(detectors=()).evaluate(content, overrides=overrides)
    assert raised.value.path == refused.value.path == (path,)
    assert str(raised.value) == str(refused.value)


def test_block_raises_with_the_evaluation() -> None:
    with pytest.raises(Blocked) as raised:
        answered(verdict, "hello", block=True)
    assert raised.value.evaluation == EVALUATION


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (408, RequestTimeout),
        (409, Conflict),
        (413, TooLarge),
        (429, RateLimited),
        (503, Unavailable),
        (502, Unavailable),
        (500, UnexpectedAnswer),
        (302, UnexpectedAnswer),
    ],
)
@pytest.mark.parametrize(
    "body", [b'{"error": {"code": "x", "message": "why", "path": ""}}', b"<html>", b"[]", b'{"error": 1}']
)
def test_errors_of_the_tree_come_out(status: int, error: type[GuardhouseError], body: bytes) -> None:
    with pytest.raises(error) as raised:
        answered(lambda request: httpx.Response(status, content=body, headers={"Retry-After": "7"}), "hello")
    assert type(raised.value) is error
    if b"why" in body:
        assert "why" in str(raised.value)
    if isinstance(raised.value, RateLimited | Unavailable):
        assert raised.value.retry_after_s == 7


def test_invalid_input_says_where() -> None:
    body = {"error": {"code": "wrong_type", "message": "no", "path": "messages[2].content"}}
    with pytest.raises(InvalidInput) as raised:
        answered(lambda request: httpx.Response(400, json=body), "hello")
    assert raised.value.code == "wrong_type"
    assert raised.value.path == ("messages", 2, "content")


def test_an_unknown_recipe_is_named() -> None:
    body = {"error": {"code": "not_in_enum", "message": str(UnknownRecipe("mine")), "path": "recipe"}}
    with pytest.raises(UnknownRecipe) as raised:
        answered(lambda request: httpx.Response(400, json=body), "hello")
    assert raised.value.name == "mine"


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b'{"id": "x"}', b"[1]"])
def test_a_200_that_is_no_evaluation(body: bytes) -> None:
    with pytest.raises(UnexpectedAnswer):
        answered(lambda request: httpx.Response(200, content=body), "hello")


@pytest.mark.parametrize("key", ["", " gh_x", "gh_x\n", "gh_ż"])
def test_a_key_that_no_header_can_carry(key: str) -> None:
    with pytest.raises(ConfigurationError, match="key"):
        GuardClient("http://guard", key)
    with pytest.raises(ConfigurationError, match="key"):
        AsyncGuardClient("http://guard", key)


def test_a_server_that_does_not_answer() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    with pytest.raises(Unavailable, match="ConnectError"):
        answered(answer, "hello")
