from __future__ import annotations

from typing import Any

import pytest

from guardhouse.errors import InvalidInput
from guardhouse.model.conversation import PartKind, Role
from guardhouse.model.policy import Blocking, SensitiveData, ToolPolicy
from guardhouse.model.request import EvaluationRequest
from guardhouse.server.dialects.datadog.categories import TAGS
from guardhouse.server.dialects.datadog.parse import parse_request

HELLO = {"role": "user", "content": "Hello"}


def parse(*messages: Any, meta: Any = None, headers: dict[str, str] | None = None) -> EvaluationRequest:
    attributes = {"messages": list(messages), "meta": meta}
    return parse_request({"data": {"attributes": attributes}}, headers or {})


def test_defaults_are_the_vendors() -> None:
    asked = parse(HELLO)
    assert asked.default_recipe == "agent_conversation"
    assert asked.default_blocking is Blocking.MONITOR
    assert asked.dialect == "datadog"
    assert asked.recipe is None
    assert asked.scope.service is None
    assert asked.scope.env is None


def test_paths_lead_to_the_strings() -> None:
    call = {"id": "c1", "function": {"name": "bash", "arguments": '{"cmd": "ls"}'}}
    asked = parse(HELLO, {"role": "assistant", "content": [{"type": "text", "text": "Hm"}], "tool_calls": [call]})
    first, second = asked.conversation.messages
    assert first.parts[0].path == ("data", "attributes", "messages", 0, "content")
    assert second.parts[0].path == ("data", "attributes", "messages", 1, "content", 0, "text")
    arguments = ("data", "attributes", "messages", 1, "tool_calls", 0, "function", "arguments")
    assert second.tool_calls[0].path == arguments
    assert asked.conversation.judged == {1}


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "", "tool_calls": [{"id": "", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "assistant", "tool_calls": [{"id": "fc_0", "function": {"name": "f", "arguments": "not json"}}]},
        {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": {}}]},
        {"role": "assistant"},
        {"role": "assistant", "content": None, "tool_calls": None},
        {"role": "tool", "tool_call_id": "", "content": "done"},
        {"role": "tool", "tool_call_id": "unmatched", "content": [{"type": "text", "text": "done"}]},
        {"role": "developer", "content": "Be kind"},
        {"role": "my-own-role", "content": "Hello"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x"}}, {"type": "file"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "user", "content": "[non-text content: image]"},
        {"role": "user", "content": []},
        {"role": "user", "content": "x", "name": "ann", "unknown": {"deep": []}},
    ],
)
def test_every_form_of_message_is_read(message: dict[str, Any]) -> None:
    assert len(parse(HELLO, message).conversation.messages) == 2


def test_an_unknown_role_is_a_user() -> None:
    message = parse({"role": "my-own-role", "content": "Hello"}).conversation.messages[0]
    assert message.role is Role.USER
    assert message.parts[0].kind is PartKind.TEXT


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ([], ()),
        ("text", ()),
        (None, ()),
        ({}, ("data",)),
        ({"data": []}, ("data",)),
        ({"data": {}}, ("data", "attributes")),
        ({"messages": [HELLO], "meta": {}}, ("data",)),
        ({"data": {"attributes": {}}}, ("data", "attributes", "messages")),
        ({"data": {"attributes": {"messages": []}}}, ("data", "attributes", "messages")),
        ({"data": {"attributes": {"messages": {}}}}, ("data", "attributes", "messages")),
        ({"data": {"attributes": {"messages": None}}}, ("data", "attributes", "messages")),
        ({"data": {"attributes": {"messages": ["x"]}}}, ("data", "attributes", "messages", 0)),
        (
            {"data": {"attributes": {"messages": [HELLO, {"content": "x"}]}}},
            ("data", "attributes", "messages", 1, "role"),
        ),
        ({"data": {"attributes": {"messages": [{"role": 5}]}}}, ("data", "attributes", "messages", 0, "role")),
        (
            {"data": {"attributes": {"messages": [{"role": "user", "content": 5}]}}},
            ("data", "attributes", "messages", 0, "content"),
        ),
        ({"data": {"attributes": {"messages": [HELLO], "meta": []}}}, ("data", "attributes", "meta")),
        (
            {"data": {"attributes": {"messages": [HELLO], "meta": {"service": 5}}}},
            ("data", "attributes", "meta", "service"),
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(document: Any, where: tuple[str | int, ...]) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_request(document, {})
    assert raised.value.path == where


@pytest.mark.parametrize("meta", [None, {}, {"service": None, "env": None}, {"service": "", "env": "", "more": 1}])
def test_meta_may_be_missing_or_empty(meta: Any) -> None:
    scope = parse(HELLO, meta=meta).scope
    assert (scope.service, scope.env) == (None, None)


def test_meta_names_the_scope() -> None:
    scope = parse(HELLO, meta={"service": "shop", "env": "prod"}).scope
    assert (scope.service, scope.env) == ("shop", "prod")


def test_one_threshold_serves_every_category() -> None:
    sensitivity = parse(HELLO, meta={"confidence_threshold": 0.8}).sensitivity
    assert sensitivity.by_category == dict.fromkeys(TAGS.values(), 0.8)
    assert sensitivity.default is None


def test_a_tags_own_threshold_wins_over_the_global_one() -> None:
    threshold = {"flagging_global": 0.7, "jailbreak": 0.2, "destructive-or-resource-abuse": 0.9, "unknown": 5}
    by_category = parse(HELLO, meta={"confidence_threshold": threshold}).sensitivity.by_category
    assert by_category["JAILBREAK"] == 0.2
    assert by_category["ROLE_PLAY"] == 0.7
    assert by_category["DESTRUCTIVE_TOOL_CALL"] == by_category["DENIAL_OF_SERVICE_TOOL_CALL"] == 0.9
    assert "UNKNOWN" not in by_category


def test_without_a_global_threshold_it_is_one_half() -> None:
    by_category = parse(HELLO, meta={"confidence_threshold": {"jailbreak": 0.2}}).sensitivity.by_category
    assert by_category == {**dict.fromkeys(TAGS.values(), 0.5), "JAILBREAK": 0.2}


def test_a_key_of_the_eleven_wins_over_one_of_the_newer_ones() -> None:
    threshold = {"policy-evasion": 0.9, "jailbreak": 0.2}
    by_category = parse(HELLO, meta={"confidence_threshold": threshold}).sensitivity.by_category
    assert by_category["JAILBREAK"] == 0.2
    assert by_category["ROLE_PLAY"] == 0.9


@pytest.mark.parametrize("threshold", [1.5, -0.1, "0.5", True, [0.5], {"jailbreak": 2}, {"flagging_global": "x"}])
def test_a_threshold_that_makes_no_sense_is_refused(threshold: Any) -> None:
    with pytest.raises(InvalidInput):
        parse(HELLO, meta={"confidence_threshold": threshold})


@pytest.mark.parametrize(("override", "wanted"), [(True, SensitiveData.SCAN), (False, SensitiveData.OFF), (None, None)])
def test_scanning_can_be_switched(override: bool | None, wanted: SensitiveData | None) -> None:
    assert parse(HELLO, meta={"is_sds_enabled_override": override}).sensitive_data is wanted


def test_scanning_is_switched_by_a_boolean_only() -> None:
    with pytest.raises(InvalidInput):
        parse(HELLO, meta={"is_sds_enabled_override": "false"})


@pytest.mark.parametrize(
    ("policies", "wanted"),
    [
        ({"rm": "block", "ls": "ALLOW"}, {"rm": ToolPolicy.BLOCK, "ls": ToolPolicy.ALLOW}),
        ({"rm": {"policy": "deny"}, "ls": {"x": 1}}, {"rm": ToolPolicy.BLOCK, "ls": ToolPolicy.JUDGE}),
        ({"rm": "whatever", "ls": None, "cd": 5}, dict.fromkeys(("rm", "ls", "cd"), ToolPolicy.JUDGE)),
        ([], {}),
        (None, {}),
    ],
)
def test_tool_policies_are_read_leniently(policies: Any, wanted: dict[str, ToolPolicy]) -> None:
    assert parse(HELLO, meta={"tool_policies": policies}).tool_policies == wanted


def test_who_calls_is_logged() -> None:
    headers = {"dd-ai-guard-language": "python", "dd-ai-guard-version": "4.16.0", "dd-ai-guard-source": "SDK"}
    fields = parse(HELLO, meta={"coding_agent": "codex"}, headers=headers).log_fields
    assert (fields.client, fields.source, fields.actor) == ("python 4.16.0", "SDK", "codex")
    assert parse(HELLO, meta={"coding_agent": 5}).log_fields.actor == ""
