"""Messages in all the forms that applications send are read; only what is no message at all is refused."""

import pytest

from guardhouse.errors import InvalidInput
from guardhouse.model.conversation import ContentPart, PartKind, Role, render_path
from guardhouse.model.messages import conversation_from_messages, conversation_from_text


def texts(message):
    return [(part.text, render_path(part.path)) for part in message.parts if part.kind is PartKind.TEXT]


def test_a_text_is_one_judged_message():
    conversation = conversation_from_text("hello", role=Role.TOOL)
    assert conversation.messages[0].role is Role.TOOL
    assert texts(conversation.messages[0]) == [("hello", "text")]
    assert conversation.judged == {0}


def test_every_text_knows_its_path():
    conversation = conversation_from_messages(
        [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, "b", {"type": "refusal", "refusal": "c"}]},
        ],
        path=("data", "messages"),
    )
    assert texts(conversation.messages[0]) == [("s", "data.messages[0].content")]
    assert texts(conversation.messages[1]) == [
        ("a", "data.messages[1].content[0].text"),
        ("b", "data.messages[1].content[1]"),
        ("c", "data.messages[1].content[2].refusal"),
    ]


def test_images_and_other_parts_are_kept_as_what_they_are():
    content = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
        {"type": "image_url", "image_url": "http://example.org/a.png"},
        {"type": "input_audio", "input_audio": {}},
        7,
    ]
    message = conversation_from_messages([{"role": "user", "content": content}]).messages[0]
    assert [part.kind for part in message.parts] == [PartKind.IMAGE, PartKind.IMAGE, PartKind.OTHER, PartKind.OTHER]
    assert message.parts[0].text == "data:image/png;base64,AA"


@pytest.mark.parametrize(
    ("item", "text", "path"),
    [
        pytest.param(
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}},
            "AA",
            ("source", "data"),
            id="base64-source",
        ),
        pytest.param(
            {"type": "image", "source": {"type": "url", "url": "https://a.example/b"}},
            "https://a.example/b",
            ("source", "url"),
            id="url-source",
        ),
        pytest.param(
            {"inline_data": {"mime_type": "image/jpeg", "data": "AA"}}, "AA", ("inline_data", "data"), id="inline-data"
        ),
        pytest.param(
            {"inlineData": {"mimeType": "image/jpeg", "data": "AA"}}, "AA", ("inlineData", "data"), id="inline-data-js"
        ),
    ],
)
def test_images_that_are_no_urls(item, text, path):
    message = conversation_from_messages([{"role": "user", "content": [item]}]).messages[0]
    assert message.parts == (ContentPart(PartKind.IMAGE, text, ("messages", 0, "content", 0, *path)),)


@pytest.mark.parametrize(
    "item",
    [
        {"type": "document", "source": {"media_type": "application/pdf", "data": "AA"}},
        {"type": "image", "source": "AA"},
        {"type": "image", "source": {"data": 5}},
        {"inline_data": {"mime_type": "audio/wav", "data": "AA"}},
    ],
)
def test_what_is_no_image(item):
    message = conversation_from_messages([{"role": "user", "content": [item]}]).messages[0]
    assert [part.kind for part in message.parts] == [PartKind.OTHER]


def test_tool_calls_keep_their_arguments_as_they_are():
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "shell", "arguments": '{"command":"ls"}'}},
        {"id": "c2", "function": {"name": "shell", "arguments": {"command": "ls"}}},
        {"name": "bare"},
        "nonsense",
    ]
    message = conversation_from_messages([{"role": "assistant", "tool_calls": calls}]).messages[0]
    assert [(call.id, call.name, call.arguments) for call in message.tool_calls] == [
        ("c1", "shell", '{"command":"ls"}'),
        ("c2", "shell", '{"command": "ls"}'),
        ("", "bare", ""),
    ]
    assert render_path(message.tool_calls[0].path) == "messages[0].tool_calls[0].function.arguments"


@pytest.mark.parametrize(
    ("roles", "judged"),
    [
        pytest.param(["user", "tool", "tool"], {1, 2}, id="parallel-tool-results"),
        pytest.param(["user", "assistant", "assistant"], {1, 2}, id="several-choices"),
        pytest.param(["user", "user"], {1}, id="only-the-last-prompt"),
        pytest.param(["system"], {0}, id="system-alone"),
        pytest.param(["tool"], {0}, id="tool-alone"),
    ],
)
def test_the_last_turn_is_judged(roles, judged):
    conversation = conversation_from_messages([{"role": role, "content": "x"} for role in roles])
    assert conversation.judged == judged


def test_all_can_be_judged():
    messages = [{"role": "user", "content": "x"}, {"role": "assistant"}]
    assert conversation_from_messages(messages, judge_all=True).judged == {0, 1}


@pytest.mark.parametrize(
    ("role", "expected"),
    [("developer", Role.DEVELOPER), ("function", Role.TOOL), ("USER", Role.USER), ("wizard", Role.USER)],
)
def test_roles(role, expected):
    assert conversation_from_messages([{"role": role, "content": "x"}]).messages[0].role is expected


@pytest.mark.parametrize(
    ("messages", "path", "code"),
    [
        pytest.param("hi", ("messages",), "wrong_type", id="string"),
        pytest.param([], ("messages",), "empty", id="empty"),
        pytest.param(["hi"], ("messages", 0), "wrong_type", id="message-no-object"),
        pytest.param([{"content": "x"}], ("messages", 0, "role"), "missing", id="no-role"),
        pytest.param([{"role": 1}], ("messages", 0, "role"), "wrong_type", id="role-no-string"),
        pytest.param([{"role": "user", "content": 5}], ("messages", 0, "content"), "wrong_type", id="content-number"),
    ],
)
def test_what_is_no_message_is_refused(messages, path, code):
    with pytest.raises(InvalidInput) as caught:
        conversation_from_messages(messages)
    assert (caught.value.path, caught.value.code) == (path, code)
