"""The three bodies: what is judged, and what does not fit its declared type."""

from __future__ import annotations

from typing import Any

import pytest

from guardhouse.errors import InvalidInput
from guardhouse.model.conversation import Role
from guardhouse.server.dialects.trend.headers import RequestType
from guardhouse.server.dialects.trend.parse import Body, read_body

SIMPLE, REQUEST, RESPONSE = RequestType.SIMPLE, RequestType.CHAT_REQUEST, RequestType.CHAT_RESPONSE
DEEP: Any = "deep"
for _ in range(300):
    DEEP = [DEEP]

CALL = {"id": "c1", "type": "function", "function": {"name": "mail", "arguments": '{"to": "B"}'}}


def judged(body: Body) -> list[tuple[Role, str]]:
    found: list[tuple[Role, str]] = []
    for index in sorted(body.conversation.judged):
        message = body.conversation.messages[index]
        found += [(message.role, part.text) for part in message.parts]
        found += [(message.role, call.arguments) for call in message.tool_calls]
    return found


@pytest.mark.parametrize("prompt", ["Summarise the notes.", "", "  ", "\x00", "\ud800"], ids=repr)
def test_a_prompt_is_a_users_message(prompt: str) -> None:
    body = read_body({"prompt": prompt, "guard": "ignored"}, SIMPLE)
    assert judged(body) == [(Role.USER, prompt)]
    assert body.conversation.messages[0].parts[0].path == ("prompt",)
    assert body.overrides({}) is None


def test_every_turn_of_a_chat_request_counts_but_the_systems() -> None:
    messages = [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "U1"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c1", "content": "T"},
        {"role": "developer", "content": "D"},
        {"role": "oracle", "content": [{"type": "text", "text": "U2"}]},
        {"content": "U3"},
    ]
    body = read_body({"model": "m", "messages": messages, "stream": True}, REQUEST)
    assert judged(body) == [
        (Role.USER, "U1"),
        (Role.ASSISTANT, '{"to": "B"}'),
        (Role.TOOL, "T"),
        (Role.USER, "U2"),
        (Role.USER, "U3"),
    ]
    assert len(body.conversation.messages) == 7


def test_a_system_message_alone_is_no_attack() -> None:
    body = read_body({"messages": [{"role": "system", "content": "S"}]}, REQUEST)
    assert judged(body) == [(Role.SYSTEM, "S")]
    overrides = body.overrides({})
    assert overrides is not None
    assert {name: change.disabled for name, change in overrides.detectors.items()} == {
        "prompt_attack": True,
        "tool_call": True,
        "harmful_content": True,
    }


def test_every_choice_counts() -> None:
    body = read_body(
        {
            "id": "chatcmpl-stream",
            "created": 0,
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "A", "refusal": None}},
                {"index": 1, "message": {"content": "B"}},
                {"index": 2, "message": {"content": None, "tool_calls": [CALL]}},
            ],
        },
        RESPONSE,
    )
    assert judged(body) == [(Role.ASSISTANT, "A"), (Role.ASSISTANT, "B"), (Role.ASSISTANT, '{"to": "B"}')]
    assert body.conversation.messages[1].parts[0].path == ("choices", 1, "message", "content")


@pytest.mark.parametrize(
    ("document", "kind"), [({"messages": []}, REQUEST), ({"choices": []}, RESPONSE)], ids=["messages", "choices"]
)
def test_an_empty_list_says_nothing(document: Any, kind: RequestType) -> None:
    assert judged(read_body(document, kind)) == []


@pytest.mark.parametrize(
    ("document", "kind", "said"),
    [
        ([], SIMPLE, "JSON object"),
        ("prompt", SIMPLE, "JSON object"),
        (None, REQUEST, "JSON object"),
        ({}, SIMPLE, "prompt is required for SimpleRequestGuard"),
        ({"messages": []}, SIMPLE, "prompt is required"),
        ({"choices": []}, SIMPLE, "prompt is required"),
        ({"prompt": None}, SIMPLE, "prompt must be of type string"),
        ({"prompt": 5}, SIMPLE, "prompt must be of type string"),
        ({"prompt": ["A"]}, SIMPLE, "prompt must be of type string"),
        ({"prompt": "A"}, REQUEST, "messages is required for OpenAIChatCompletionRequestV1"),
        ({"choices": []}, REQUEST, "messages is required"),
        ({"messages": {}}, REQUEST, "messages must be of type array"),
        ({"messages": "A"}, REQUEST, "messages must be of type array"),
        ({"messages": ["A"]}, REQUEST, r"messages\[0\] must be of type object"),
        ({"messages": [{"role": "user", "content": 5}]}, REQUEST, "content must be of type string or array"),
        ({"prompt": "A"}, RESPONSE, "choices is required for OpenAIChatCompletionResponseV1"),
        ({"messages": []}, RESPONSE, "choices is required"),
        ({"choices": {}}, RESPONSE, "choices must be of type array"),
        ({"choices": ["A"]}, RESPONSE, r"choices\[0\] must be of type object"),
        ({"choices": [{}]}, RESPONSE, r"choices\[0\].message must be of type object"),
        ({"choices": [{"message": "A"}]}, RESPONSE, r"choices\[0\].message must be of type object"),
        ({"prompt": "A", "more": DEEP}, SIMPLE, "nested"),
    ],
)
def test_a_body_that_does_not_fit(document: Any, kind: RequestType, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_body(document, kind)
