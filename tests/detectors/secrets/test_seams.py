"""Secrets in two pieces: over lines, string literals and messages."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from evidence import findings_of

from guardhouse.detectors.secrets.detector import SecretsDetector
from guardhouse.model.finding import Finding
from guardhouse.model.messages import conversation_from_messages

LIKELY = 0.5
DETECTOR = SecretsDetector()
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def made(length: int, seed: int = 11, letters: str = LETTERS) -> str:
    """A random string that nobody issued."""
    return "".join(random.Random(seed).choices(letters, k=length))


TOKEN = "ghp_" + made(36)


@pytest.mark.parametrize(
    "broken",
    [
        f"{TOKEN[:20]}\n{TOKEN[20:]}",
        f"{TOKEN[:20]}\r\n    {TOKEN[20:]}",
        f"{TOKEN[:9]}\n> {TOKEN[9:]}",
        f"{TOKEN[:13]}\n{TOKEN[13:26]}\n{TOKEN[26:]}",
        f"{TOKEN[:20]}\\\n{TOKEN[20:]}",
        f'{TOKEN[:20]}" + "{TOKEN[20:]}',
        f"{TOKEN[:20]}' '{TOKEN[20:]}",
        f'{TOKEN[:20]}" +\n    "{TOKEN[20:]}',
        f"{TOKEN[:20]}'\n    . '{TOKEN[20:]}",
    ],
    ids=["line", "indented", "quoted", "three", "backslash", "plus", "adjacent", "plus-line", "dot-line"],
)
def test_a_token_broken_over_lines_or_literals(broken: str) -> None:
    text = f'we use "{broken}" there'
    (finding,) = findings_of(DETECTOR, text, least=LIKELY)
    assert finding.kind == "GITHUB_TOKEN"
    assert finding.span is not None
    assert text[finding.span.start : finding.span.end] == finding.value == broken
    assert finding.evidence["view"] == "lines"


def test_tokens_one_a_line_stay_apart() -> None:
    tokens = [f"ghp_{made(36, seed)}" for seed in range(4)] + [f"sk-{made(48, seed)}" for seed in range(4)]
    findings = findings_of(DETECTOR, "\n".join(tokens), least=LIKELY)
    assert [finding.value for finding in findings] == tokens


@pytest.mark.parametrize(
    "text",
    [
        f"the prefix is ghp_\nand the rest of this text goes on with {made(12)}",
        "AKIA\nAnd then she said hello to everyone in Building27B",
        "\n".join(f"{made(10, seed)},{made(9, seed + 50)}" for seed in range(40)),
        "\n".join(made(40, seed, "0123456789abcdef") for seed in range(10)),
    ],
    ids=["prose", "capital", "table", "hashes"],
)
def test_lines_that_only_look_joined(text: str) -> None:
    assert findings_of(DETECTOR, text, least=LIKELY) == []


def place(finding: Finding) -> tuple[tuple[str | int, ...], str]:
    assert finding.kind == "GITHUB_TOKEN"
    return finding.path, finding.value


def user(text: str) -> Mapping[str, Any]:
    return {"role": "user", "content": text}


def judged(messages: Sequence[Mapping[str, Any]]) -> list[Finding]:
    return findings_of(DETECTOR, conversation_from_messages(list(messages), judge_all=True), least=LIKELY)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("it starts with {}", "{} is the rest"),
        ("first half: {}...", "second half: {}"),
        ('key = "{}"', '"{}"'),
        ("{}", "{}"),
        ("I send it in two parts, {}", "and then comes {}, thanks"),
    ],
)
@pytest.mark.parametrize("cut", [5, 20, 34])
def test_both_halves_are_reported_each_in_its_message(first: str, second: str, cut: int) -> None:
    messages = [user(first.format(TOKEN[:cut])), user(second.format(TOKEN[cut:]))]
    findings = judged(messages)
    assert [place(finding) for finding in findings] == [
        (("messages", 0, "content"), TOKEN[:cut]),
        (("messages", 1, "content"), TOKEN[cut:]),
    ]
    for finding, message in zip(findings, messages, strict=True):
        assert finding.span is not None
        assert message["content"][finding.span.start : finding.span.end] == finding.value
        assert finding.evidence["view"] == "messages"


def test_a_half_in_context_is_read_but_only_the_judged_half_is_reported() -> None:
    messages = [user(f"it starts with {TOKEN[:20]}"), {"role": "assistant", "content": "go on"}, user(TOKEN[20:])]
    (finding,) = findings_of(DETECTOR, messages, least=LIKELY)
    assert place(finding) == (("messages", 2, "content"), TOKEN[20:])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("what is ghp_", "I mean the prefix of tokens in 2024"),
        (f"commit {made(20, 3, '0123456789abcdef')}", made(20, 4, "0123456789abcdef")),
        (f"the whole is {TOKEN}", f"and {made(12)} is something else"),
        ("sk-", "learn is a library for Python3"),
    ],
)
def test_messages_that_only_follow_each_other(first: str, second: str) -> None:
    assert [finding for finding in judged([user(first), user(second)]) if finding.value != TOKEN] == []


def test_in_tool_arguments_with_escapes() -> None:
    arguments = json.dumps({"body": f"first\n{TOKEN[:20]}\n{TOKEN[20:]}\nlast", "note": "é"})
    call = {"id": "1", "type": "function", "function": {"name": "post", "arguments": arguments}}
    (finding,) = findings_of(DETECTOR, [{"role": "assistant", "content": None, "tool_calls": [call]}], least=LIKELY)
    assert finding.span is not None
    assert finding.value == arguments[finding.span.start : finding.span.end] == f"{TOKEN[:20]}\\n{TOKEN[20:]}"


def test_in_base64_in_tool_arguments() -> None:
    blob = base64.b64encode(f"export GITHUB_TOKEN={TOKEN}".encode()).decode()
    arguments = json.dumps({"data": blob})
    call = {"id": "1", "type": "function", "function": {"name": "post", "arguments": arguments}}
    (finding,) = findings_of(DETECTOR, [{"role": "assistant", "content": None, "tool_calls": [call]}], least=LIKELY)
    assert (finding.kind, finding.value) == ("GITHUB_TOKEN", blob)
