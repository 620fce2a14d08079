"""Redaction and un-redaction through both clients, against a real server and against answers that are none."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from running import RunningServer

from guardhouse import Guard
from guardhouse.client import AsyncGuardClient, GuardClient
from guardhouse.client.wire import UnexpectedAnswer
from guardhouse.errors import (
    Forbidden,
    GuardhouseError,
    InvalidContext,
    InvalidInput,
    Unauthorized,
    Unavailable,
    UnknownRecipe,
)
from guardhouse.model.finding import Span
from guardhouse.model.recipe import RuleAction

MAIL, SSN = "ann.lee@example.com", "234-56-7890"
TEXT = f"Mail {MAIL}, SSN {SSN}, again {MAIL}."
NUMBERED = {"action": "replace", "parameters": {"reversible": True}}


class Both:
    """Calls a method of both clients; they must agree."""

    def __init__(self, url: str, key: str, transport: Any = None) -> None:
        self._options = {"base_url": url, "key": key, "timeout_s": 30, "transport": transport}

    def __call__(self, method: str, *args: Any, **options: Any) -> Any:
        async def call() -> Any:
            async with AsyncGuardClient(**self._options) as client:
                asked: Callable[..., Awaitable[Any]] = getattr(client, method)
                return await asked(*args, **options)

        with GuardClient(**self._options) as client:
            try:
                answer = getattr(client, method)(*args, **options)
            except GuardhouseError as error:
                with pytest.raises(type(error), match=re.escape(str(error))):
                    asyncio.run(call())
                raise
        other = asyncio.run(call())
        if method in ("unredact", "originals"):
            assert other == answer
        if method == "redact":
            assert (other.count, type(other.content)) == (answer.count, type(answer.content))
            assert other.id != answer.id
        return answer


@pytest.fixture(scope="module")
def both(guard_server: RunningServer) -> Both:
    return Both(guard_server.url, guard_server.create_key(may_unredact=True))


def test_a_redaction_is_that_of_the_library(both: Both) -> None:
    told = both("redact", TEXT, kinds=["us-ssn"], action="mask", rules={"EMAIL_ADDRESS": "replace"})
    here = Guard().redact(TEXT, kinds=["us-ssn"], action="mask", rules={"EMAIL_ADDRESS": "replace"})
    assert told.content == here.content == "Mail <EMAIL_ADDRESS>, SSN ***********, again <EMAIL_ADDRESS>."
    assert told.redactions == here.redactions
    assert (told.count, told.fpe_context) == (3, None)
    first = told.redactions[0]
    assert (first.path, first.kind, first.operator) == (("text",), "EMAIL_ADDRESS", RuleAction.REPLACE)
    assert first.span == Span(5, 5 + len(MAIL))


def test_no_kinds_is_nothing_looked_for(both: Both) -> None:
    assert both("redact", TEXT, kinds=[]).content == Guard().redact(TEXT, kinds=[]).content == TEXT


def test_messages_come_back(both: Both) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "send", "arguments": json.dumps({"ssn": SSN})}}
    messages = [{"role": "user", "content": TEXT}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    told = both("redact", messages, action="fpe")
    assert SSN not in json.dumps(told.content)
    assert both("unredact", told.content, told.fpe_context) == messages
    assert both("unredact", None, told.fpe_context) is None


def test_a_conversation_goes_on(both: Both) -> None:
    first = both("redact", f"I am {MAIL}", **NUMBERED)
    second = both("redact", f"Ask bob@acme.org, not {MAIL}", fpe_context=first.fpe_context, **NUMBERED)
    assert second.content == "Ask <EMAIL_ADDRESS_2>, not <EMAIL_ADDRESS_1>"
    names = {"<EMAIL_ADDRESS_1>": MAIL, "<EMAIL_ADDRESS_2>": "bob@acme.org"}
    assert both("originals", second.fpe_context) == names
    encrypted = [both("redact", SSN, action="fpe", kinds=["US_SSN"], conversation_id="c-3").content for _ in range(2)]
    assert encrypted[0] == encrypted[1] != SSN
    overrides = {"ignore_recipe": True, "detectors": {"pii": {"rules": {"EMAIL_ADDRESS": NUMBERED}}}}
    verdict = both("evaluate", f"To {MAIL}", overrides=overrides, fpe_context=first.fpe_context)
    assert verdict.texts == {("text",): "To <EMAIL_ADDRESS_1>"}


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_streamed_answer_comes_back_wherever_it_is_cut(both: Both, size: int) -> None:
    first = both("redact", TEXT, **NUMBERED)
    second = both("redact", "or bob@acme.org", action="fpe")
    answer = f"Is it {first.content} {second.content}? <EMAIL_ADDRESS_9> <EMAIL"
    unredactor = both("unredactor", [first.fpe_context, second.fpe_context])
    pieces = [answer[start : start + size] for start in range(0, len(answer), size)]
    restored = "".join([unredactor.feed(piece) for piece in pieces] + [unredactor.finish()])
    assert restored == f"Is it {TEXT} or bob@acme.org? <EMAIL_ADDRESS_9> <EMAIL"


def test_lone_surrogates_can_be_sent_and_come_back(both: Both) -> None:
    told = both("redact", f"\ud800 {MAIL} \U0001f600", **NUMBERED)
    assert told.content == "\ud800 <EMAIL_ADDRESS_1> \U0001f600"
    assert both("unredact", told.content, told.fpe_context) == f"\ud800 {MAIL} \U0001f600"


# --- what is refused -------------------------------------------------------------------------------------------------


def test_errors_are_those_of_the_tree(both: Both, guard_server: RunningServer) -> None:
    context = both("redact", TEXT, action="fpe").fpe_context
    evaluator = Both(guard_server.url, guard_server.key)
    for method, arguments in (("unredact", ("x", context)), ("originals", (context,)), ("unredactor", (context,))):
        with pytest.raises(Forbidden, match="unredact"):
            evaluator(method, *arguments)
        with pytest.raises(InvalidContext) as refused:
            both(method, *arguments[:-1], context[:-8])
        assert refused.value.path == ("fpe_context",)
        with pytest.raises(InvalidContext, match="another service"):
            both(method, *arguments, service="shop")
    with pytest.raises(InvalidContext):
        both("redact", TEXT, fpe_context="none")
    with pytest.raises(InvalidContext):
        both("unredact", TEXT, None)
    with pytest.raises(UnknownRecipe):
        both("redact", TEXT, recipe="no-such")
    with pytest.raises(InvalidInput) as unknown:
        both("redact", TEXT, kinds=["NOTHING"])
    assert (unknown.value.code, unknown.value.path) == ("unknown_member", ("kinds", 0))
    with pytest.raises(Unauthorized):
        Both(guard_server.url, "gh_nobody")("redact", TEXT)
    with pytest.raises(Unavailable):
        Both("http://127.0.0.1:9", "gh_key")("unredact", TEXT, context)


@pytest.mark.parametrize(
    ("method", "arguments", "options", "path"),
    [
        ("redact", (None,), {}, "messages"),
        ("redact", ("x",), {"parameters": {"value": object()}}, "parameters"),
        ("redact", ([{"role": "user", "content": float("nan")}],), {}, "messages"),
        ("unredact", ({1, 2}, "context"), {}, "data"),
        ("unredact", (float("inf"), "context"), {}, "data"),
        ("originals", (b"context",), {}, "fpe_context"),
    ],
    ids=["none", "an object", "not a number", "a set", "infinity", "bytes"],
)
def test_what_is_no_json_is_not_sent(method: str, arguments: tuple[Any, ...], options: Any, path: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise AssertionError("it was sent")

    with pytest.raises(InvalidInput) as refused:
        Both("http://guard", "gh_key", httpx.MockTransport(answer))(method, *arguments, **options)
    assert refused.value.path == (path,)


@pytest.mark.parametrize("method", ["redact", "unredact", "originals", "unredactor"])
@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'{"id": "x"}', b'{"originals": [], "id": 1}', b'{"originals": {"a": 1}}', b'{"text": "x"}'],
)
def test_a_200_that_is_no_answer(method: str, body: bytes) -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    arguments = ("x", "context") if method == "unredact" else ("x",)
    with pytest.raises(UnexpectedAnswer):
        Both("http://guard", "gh_key", transport)(method, *arguments)
