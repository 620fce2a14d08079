"""Bodies of the endpoints: what is asked of the service, what is refused, and what goes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from made_evaluations import applied, evaluation, report

from guardhouse.model.activity import LogFields
from guardhouse.model.conversation import Path, Role
from guardhouse.model.recipe import RuleAction
from guardhouse.server.dialects.pangea.model_guard import guard_answer, read_chat_completions, read_guard
from guardhouse.server.dialects.pangea.prompt_guard import prompt_guard_answer, read_prompt_guard
from guardhouse.server.dialects.pangea.schema import ValidationFailed
from guardhouse.server.dialects.pangea.text_guard import read_text_guard, text_guard_answer

NESTED: Any = "deep"
for _ in range(300):
    NESTED = [NESTED]


def asked(call: Any) -> Any:
    return call.evaluation_request(service="shop", client="tester/1", dialect="pangea")


def answered(body: dict[str, Any], texts: dict[Path, str] | None = None) -> dict[str, Any]:
    """The result of `/v1/text/guard` where nothing was found but these texts were changed."""
    _, result = text_guard_answer(read_text_guard(body), evaluation(report("prompt_attack"), texts=texts))
    return result


# --- /v1/text/guard --------------------------------------------------------------------------------------------------


def test_a_text_is_a_users_message() -> None:
    request = asked(read_text_guard({"text": "hello"}))
    (message,) = request.conversation.messages
    assert (message.role, message.parts[0].text, message.parts[0].path) == (Role.USER, "hello", ("text",))
    assert (request.recipe, request.default_recipe) == (None, "user_prompt")
    assert (request.scope.service, request.dialect) == ("shop", "pangea")


@pytest.mark.parametrize(
    ("vendors", "ours"),
    [
        ("pangea_prompt_guard", "user_prompt"),
        ("pangea_ingestion_guard", "ingestion"),
        ("pangea_llm_prompt_guard", "llm_prompt"),
        ("pangea_llm_response_guard", "llm_response"),
        ("pangea_agent_pre_plan_guard", "agent_pre_plan"),
        ("pangea_agent_pre_tool_guard", "agent_pre_tool"),
        ("pangea_agent_post_tool_guard", "agent_post_tool"),
        ("our_own", "our_own"),
    ],
)
def test_recipes_have_the_vendors_names_outside_and_ours_inside(vendors: str, ours: str) -> None:
    call = read_text_guard({"text": "hello", "recipe": vendors})
    assert asked(call).recipe == ours
    assert text_guard_answer(call, evaluation(recipe=ours))[1]["recipe"] == vendors


def test_a_recipe_that_the_policy_chose_is_told_in_the_vendors_words() -> None:
    _, result = text_guard_answer(read_text_guard({"text": "hello"}), evaluation(recipe="ingestion"))
    assert result["recipe"] == "pangea_ingestion_guard"


def test_log_fields_are_kept() -> None:
    fields = {"citations": "wiki", "extra_info": "nightly", "model": "m-1", "source": "192.0.2.7", "tools": "loader"}
    request = asked(read_text_guard({"text": "hello", "log_fields": fields}))
    assert request.log_fields == LogFields(
        source="192.0.2.7", model="m-1", citations="wiki", tools="loader", extra_info="nightly", client="tester/1"
    )


def test_a_text_comes_back_even_unchanged() -> None:
    assert answered({"text": "hello"}) == {
        "recipe": "pangea_prompt_guard",
        "blocked": False,
        "transformed": False,
        "prompt_text": "hello",
        "detectors": {"prompt_injection": {"detected": False, "data": None}},
    }


def test_a_changed_text_comes_back_changed() -> None:
    result = answered({"text": "I am a@b.example"}, {("text",): "I am <EMAIL_ADDRESS>"})
    assert (result["prompt_text"], result["transformed"]) == ("I am <EMAIL_ADDRESS>", True)


def test_blocked_is_what_the_client_should_do() -> None:
    attack = applied("prompt_attack", "JAILBREAK", action=RuleAction.BLOCK)
    call = read_text_guard({"text": "hello"})
    assert text_guard_answer(call, evaluation(report("prompt_attack", attack)))[1]["blocked"] is True
    assert text_guard_answer(call, evaluation(report("prompt_attack", attack), monitor=True))[1]["blocked"] is False


def test_messages_come_back_in_number_order_and_shape() -> None:
    messages = [
        {"role": "system", "content": "be kind"},
        {"content": "I am a@b.example"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "user", "content": "bye", "name": "ann"},
    ]
    result = answered({"messages": messages}, {("messages", 1, "content"): "I am <EMAIL_ADDRESS>"})
    assert "prompt_text" not in result
    assert result["prompt_messages"] == [
        {"role": "system", "content": "be kind"},
        {"content": "I am <EMAIL_ADDRESS>", "role": "user"},
        {"role": "assistant", "content": "", "tool_calls": []},
        {"role": "user", "content": "bye", "name": "ann"},
    ]


def test_the_tools_message_comes_back_as_a_string_that_is_json() -> None:
    tools = [{"name": "f", "description": "mail a@b.example", "inputSchema": {"type": "object"}}]
    path = ("messages", 0, "content", 0, "description")
    result = answered({"messages": [{"role": "tools", "content": tools}]}, {path: "mail <EMAIL_ADDRESS>"})
    (message,) = result["prompt_messages"]
    assert message["role"] == "tools"
    assert json.loads(message["content"]) == [{**tools[0], "description": "mail <EMAIL_ADDRESS>"}]


def test_parts_come_back_as_parts() -> None:
    content = [{"type": "text", "text": "A"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
    result = answered(
        {"messages": [{"role": "user", "content": content}]}, {("messages", 0, "content", 0, "text"): "B"}
    )
    assert result["prompt_messages"] == [{"role": "user", "content": [{"type": "text", "text": "B"}, content[1]]}]


def test_an_object_comes_back_as_that_object() -> None:
    body = {"contents": [{"parts": [{"text": "A"}]}], "generationConfig": {"topK": 1}}
    result = answered({"messages": body}, {("messages", "contents", 0, "parts", 0, "text"): "B"})
    assert result["prompt_messages"] == {**body, "contents": [{"parts": [{"text": "B"}]}]}


@pytest.mark.parametrize("messages", [{"foo": "I am a@b.example"}, [1, "two"], [{"role": 1, "content": "x"}]], ids=repr)
def test_json_of_no_known_form_is_judged_and_answered_as_text(messages: Any) -> None:
    call = read_text_guard({"messages": messages})
    ((message,),) = (call.conversation.messages,)
    assert json.loads(message.parts[0].text) == messages
    assert answered({"messages": messages})["prompt_text"] == message.parts[0].text
    assert "prompt_messages" not in answered({"messages": messages})
    assert answered({"messages": messages}, {("messages",): "changed"})["prompt_text"] == "changed"


def test_no_messages_are_no_mistake() -> None:
    assert answered({"messages": []})["prompt_messages"] == []


@pytest.mark.parametrize(
    "text", ["", "\x00\x1b[2J", "\ud800 alone", "🙂" * 5120], ids=["empty", "nul", "lone", "20 KiB"]
)
def test_odd_texts_are_legal(text: str) -> None:
    assert answered({"text": text})["prompt_text"] == text


def test_what_older_clients_sent_is_ignored() -> None:
    assert answered({"text": "A", "llm_info": "x", "llm_input": {"y": 1}, "config_id": "pci_1"})["prompt_text"] == "A"


TEXT_GUARD_MISTAKES: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "a list": ([], [("InvalidObject", "")]),
    "a string": ("text", [("InvalidObject", "")]),
    "null": (None, [("InvalidObject", "")]),
    "nothing": ({}, [("MustProvideOne", "")]),
    "both": ({"text": "A", "messages": []}, [("MutuallyExclusive", "")]),
    "text is null": ({"text": None}, [("InvalidString", "/text")]),
    "text is a number": ({"text": 5}, [("InvalidString", "/text")]),
    "text is a list": ({"text": ["A"]}, [("InvalidString", "/text")]),
    "messages is null": ({"messages": None}, [("InvalidArray", "/messages")]),
    "messages is a string": ({"messages": "A"}, [("InvalidArray", "/messages")]),
    "unknown member": ({"text": "A", "txet": "B"}, [("UnexpectedProperty", "/txet")]),
    "recipe is null": ({"text": "A", "recipe": None}, [("InvalidString", "/recipe")]),
    "debug is a string": ({"text": "A", "debug": "true"}, [("InvalidBool", "/debug")]),
    "unknown log field": (
        {"text": "A", "log_fields": {"actor": "x"}},
        [("UnexpectedProperty", "/log_fields/actor")],
    ),
    "log field is a number": ({"text": "A", "log_fields": {"model": 5}}, [("InvalidString", "/log_fields/model")]),
    "log fields are a list": ({"text": "A", "log_fields": []}, [("InvalidObject", "/log_fields")]),
    "text too long": ({"text": "a" * 20481}, [("AboveMaxLength", "/text")]),
    "text too long in bytes": ({"text": "é" * 10241}, [("AboveMaxLength", "/text")]),
    "messages too long": (
        {"messages": [{"role": "user", "content": "a" * 20480}]},
        [("AboveMaxLength", "/messages")],
    ),
    "nested too deeply": ({"messages": NESTED}, [("BadFormat", "")]),
    "several mistakes": (
        {"recipe": 1, "debug": 2, "x": 3},
        [
            ("UnexpectedProperty", "/x"),
            ("InvalidString", "/recipe"),
            ("InvalidBool", "/debug"),
            ("MustProvideOne", ""),
        ],
    ),
}


@pytest.mark.parametrize(("body", "expected"), TEXT_GUARD_MISTAKES.values(), ids=TEXT_GUARD_MISTAKES.keys())
def test_mistakes_in_a_text_guard_call(body: Any, expected: list[tuple[str, str]]) -> None:
    assert refused(read_text_guard, body) == expected


def refused(read: Any, body: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationFailed) as failed:
        read(body)
    return [(item["code"], item["source"]) for item in (problem.as_dict() for problem in failed.value.problems)]


# --- /v1/guard of AI Guard -------------------------------------------------------------------------------------------

POST_CALL = {
    "input": {
        "messages": [{"role": "user", "content": "who is ann?"}],
        "tools": None,
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "message": {"role": "assistant", "content": "Ann is ann.lee@example.com."},
            }
        ],
    },
    "event_type": "output",
    "recipe": "pangea_llm_response_guard",
    "debug": False,
}


def test_a_gateways_call_after_the_model() -> None:
    call = read_guard(POST_CALL)
    assert [message.role for message in call.conversation.messages] == [Role.USER, Role.ASSISTANT]
    assert call.conversation.judged == {0, 1}
    path = ("input", "choices", 0, "message", "content")
    entity = applied(
        "pii",
        "EMAIL_ADDRESS",
        action=RuleAction.REPLACE,
        path=path,
        start=7,
        value="ann.lee@example.com",
        replacement="<EMAIL_ADDRESS>",
    )
    made = evaluation(report("pii", entity), texts={path: "Ann is <EMAIL_ADDRESS>."}, recipe="llm_response")
    summary, result = guard_answer(call, made)
    assert summary == "Confidential and PII was detected and redacted."
    assert result == {
        "output": {
            "messages": [{"role": "user", "content": "who is ann?"}],
            "tools": None,
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": "Ann is <EMAIL_ADDRESS>."},
                }
            ],
        },
        "blocked": False,
        "transformed": True,
        "recipe": "pangea_llm_response_guard",
        "detectors": {
            "confidential_and_pii_entity": {
                "detected": True,
                "data": {
                    "entities": [
                        {
                            "type": "EMAIL_ADDRESS",
                            "value": "ann.lee@example.com",
                            "action": "redacted:replaced",
                            "start_pos": 7,
                            "redacted_value": "<EMAIL_ADDRESS>",
                        }
                    ]
                },
            }
        },
    }


@pytest.mark.parametrize(
    ("event_type", "recipe"),
    [
        (None, "user_prompt"),
        ("input", "user_prompt"),
        ("output", "llm_response"),
        ("tool_input", "agent_pre_tool"),
        ("tool_output", "agent_post_tool"),
        ("tool_listing", "agent_pre_plan"),
    ],
)
def test_without_a_recipe_the_event_says_which(event_type: str | None, recipe: str) -> None:
    body: dict[str, Any] = {"input": {"messages": []}}
    if event_type:
        body["event_type"] = event_type
    request = asked(read_guard(body))
    assert (request.recipe, request.default_recipe) == (None, recipe)


def test_what_a_gateway_says_about_the_call_is_logged() -> None:
    body = {
        "input": {"messages": []},
        "app_id": "shop-front",
        "actor_id": "ann",
        "llm_provider": "openai",
        "model": "gpt",
        "model_version": "3.5",
        "request_token_count": 10,
        "response_token_count": 0,
        "source_ip": "192.0.2.7",
        "source_location": "CH",
        "tenant_id": "t1",
        "event_type": "input",
        "collector_instance_id": "c1",
        "config_id": "pci_1",
        "extra_info": {"app_name": "Shop", "anything": [1]},
    }
    fields = asked(read_guard(body)).log_fields
    assert (fields.source, fields.model, fields.actor, fields.client) == ("192.0.2.7", "gpt:3.5", "ann", "tester/1")
    assert json.loads(fields.extra_info) == {
        "app_id": "shop-front",
        "tenant_id": "t1",
        "llm_provider": "openai",
        "source_location": "CH",
        "collector_instance_id": "c1",
        "event_type": "input",
        "app_name": "Shop",
        "anything": [1],
    }


def test_tokens_are_counted_on_request() -> None:
    body = {**POST_CALL, "count_tokens": True}
    _, result = guard_answer(read_guard(body), evaluation())
    assert (result["input_token_count"], result["output_token_count"]) == (3, 7)
    _, result = guard_answer(read_guard(POST_CALL), evaluation())
    assert "input_token_count" not in result


def test_input_of_no_known_form_is_judged_string_by_string() -> None:
    call = read_guard({"input": {"event": {"body": "A"}, "list": ["B", 5]}})
    (message,) = call.conversation.messages
    assert [(part.text, part.path) for part in message.parts] == [
        ("A", ("input", "event", "body")),
        ("B", ("input", "list", 0)),
    ]
    _, result = guard_answer(call, evaluation(texts={("input", "list", 0): "C"}))
    assert result["output"] == {"event": {"body": "A"}, "list": ["C", 5]}


def test_arguments_given_as_an_object_come_back_as_an_object() -> None:
    call = {"id": "c", "function": {"name": "mail", "arguments": {"to": "a@b.example"}}}
    body = {"input": {"messages": [{"role": "assistant", "content": None, "tool_calls": [call]}]}}
    path = ("input", "messages", 0, "tool_calls", 0, "function", "arguments")
    _, result = guard_answer(read_guard(body), evaluation(texts={path: '{"to": "<EMAIL_ADDRESS>"}'}))
    (message,) = result["output"]["messages"]
    assert message["content"] is None
    assert message["tool_calls"][0]["function"]["arguments"] == {"to": "<EMAIL_ADDRESS>"}


GUARD_MISTAKES: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "nothing": ({}, [("FieldRequired", "/input")]),
    "input is null": ({"input": None}, [("InvalidObject", "/input")]),
    "input is a list": ({"input": []}, [("InvalidObject", "/input")]),
    "unknown member": ({"input": {}, "text": "A"}, [("UnexpectedProperty", "/text")]),
    "unknown event": ({"input": {}, "event_type": "lunch"}, [("NotEnumMember", "/event_type")]),
    "count as a string": ({"input": {}, "request_token_count": "5"}, [("InvalidInteger", "/request_token_count")]),
    "count as a flag": ({"input": {}, "response_token_count": True}, [("InvalidInteger", "/response_token_count")]),
    "model as a number": ({"input": {}, "model": 4}, [("InvalidString", "/model")]),
    "extra_info as a string": ({"input": {}, "extra_info": "x"}, [("InvalidObject", "/extra_info")]),
    "input too long": ({"input": {"messages": "a" * 1048577}}, [("AboveMaxLength", "/input")]),
    "nested too deeply": ({"input": {"messages": NESTED}}, [("BadFormat", "")]),
}


@pytest.mark.parametrize(("body", "expected"), GUARD_MISTAKES.values(), ids=GUARD_MISTAKES.keys())
def test_mistakes_in_a_guard_call(body: Any, expected: list[tuple[str, str]]) -> None:
    assert refused(read_guard, body) == expected


def test_the_successor_spells_input_output_and_recipe_otherwise() -> None:
    body = {"guard_input": {"messages": [{"role": "user", "content": "A"}]}, "user_id": "ann", "extra_info": {"x": 1}}
    call = read_chat_completions(body)
    _, result = guard_answer(call, evaluation(texts={("guard_input", "messages", 0, "content"): "B"}))
    assert result["guard_output"] == {"messages": [{"role": "user", "content": "B"}]}
    assert result["policy"] == "pangea_prompt_guard"
    assert not {"output", "recipe"} & set(result)
    assert asked(call).log_fields.actor == "ann"


@pytest.mark.parametrize("member", ["recipe", "overrides", "debug", "input", "actor_id"])
def test_the_successors_callers_choose_no_recipe(member: str) -> None:
    body = {"guard_input": {"messages": []}, member: {}}
    found = refused(read_chat_completions, body)
    assert ("UnexpectedProperty", f"/{member}") in found


# --- Prompt Guard ----------------------------------------------------------------------------------------------------


def test_prompt_guard_looks_for_prompt_attacks_only() -> None:
    request = asked(read_prompt_guard({"messages": [{"role": "user", "content": "A"}]}))
    assert request.overrides.ignore_recipe is True
    assert list(request.overrides.detectors) == ["prompt_attack"]


def prompt_guard(*findings: Any, **members: Any) -> tuple[str, dict[str, Any]]:
    messages = [{"role": "user", "content": "A"}, {"role": "tool", "content": "B"}]
    call = read_prompt_guard({"messages": messages, **members})
    return prompt_guard_answer(call, evaluation(report("prompt_attack", *findings)))


def attack(kind: str, *, index: int = 0, confidence: float = 0.97, analyzer: str = "classifier") -> Any:
    return applied(
        "prompt_attack",
        kind,
        action=RuleAction.BLOCK,
        confidence=confidence,
        analyzer=analyzer,
        path=("messages", index, "content"),
    )


def test_prompt_guard_finds() -> None:
    assert prompt_guard(attack("JAILBREAK")) == (
        "Prompt Injection Detected",
        {
            "detected": True,
            "confidence": 0.97,
            "info": "",
            "analyzer": "PA4002",
            "type": "direct",
            "classifications": [],
        },
    )


def test_prompt_guard_finds_nothing() -> None:
    assert prompt_guard() == (
        "Prompt Injection Not Detected",
        {"detected": False, "confidence": 0.0, "info": "", "analyzer": "", "type": "", "classifications": []},
    )


@pytest.mark.parametrize(
    ("finding", "kind"),
    [
        (attack("INSTRUCTION_OVERRIDE"), "direct"),
        (attack("INSTRUCTION_OVERRIDE", index=1), "indirect"),
        (attack("INDIRECT_PROMPT_INJECTION"), "indirect"),
    ],
)
def test_prompt_guard_says_whence_it_came(finding: Any, kind: str) -> None:
    assert prompt_guard(finding)[1]["type"] == kind


def test_prompt_guard_hears_only_the_analyzers_named() -> None:
    weak = attack("JAILBREAK", confidence=0.6, analyzer="patterns")
    assert prompt_guard(weak, attack("JAILBREAK"), analyzers=["PA1003"])[1]["confidence"] == 0.6
    assert prompt_guard(attack("JAILBREAK"), analyzers=["PA1003"])[1]["detected"] is False


@pytest.mark.parametrize(
    ("method", "named", "told"),
    [
        ("classifier", ["PA2001", "PA1001"], "PA2001"),
        ("classifier", ["PA3001", "PA4002"], "PA4002"),
        ("patterns", ["PA1001", "PA2001"], "PA1001"),
        ("patterns", ["PA2001"], ""),
        ("classifier", ["PA1005"], ""),
    ],
)
def test_an_analyzer_that_we_lack_is_answered_by_its_family(method: str, named: list[str], told: str) -> None:
    result = prompt_guard(attack("JAILBREAK", analyzer=method), analyzers=named)[1]
    assert (result["detected"], result["analyzer"]) == (told != "", told)


def test_prompt_guard_classifies_on_request() -> None:
    _, result = prompt_guard(attack("JAILBREAK"), classify=True)
    told = {item["category"]: (item["detected"], item["confidence"]) for item in result["classifications"]}
    assert told["jailbreak"] == (True, 0.97)
    assert told["instruction-override"] == (False, 0.0)
    assert len(told) == 9


PROMPT_GUARD_MISTAKES: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "no messages": ({}, [("FieldRequired", "/messages")]),
    "messages is an object": ({"messages": {}}, [("InvalidArray", "/messages")]),
    "message is a string": ({"messages": ["A"]}, [("InvalidObject", "/messages/0")]),
    "no role": ({"messages": [{"content": "A"}]}, [("FieldRequired", "/messages/0/role")]),
    "no content": ({"messages": [{"role": "user"}]}, [("FieldRequired", "/messages/0/content")]),
    "content is a number": (
        {"messages": [{"role": "user", "content": 5}]},
        [("InvalidString", "/messages/0/content")],
    ),
    "a part is a number": ({"messages": [{"role": "user", "content": [5]}]}, [("BadFormat", "/messages")]),
    "unknown analyzer": ({"messages": [], "analyzers": ["PA9999"]}, [("NotEnumMember", "/analyzers/0")]),
    "analyzers is a string": ({"messages": [], "analyzers": "PA4002"}, [("InvalidArray", "/analyzers")]),
    "unknown member": ({"messages": [], "text": "A"}, [("UnexpectedProperty", "/text")]),
    "too long": ({"messages": [{"role": "user", "content": "a" * 20480}]}, [("AboveMaxLength", "/messages")]),
}


@pytest.mark.parametrize(("body", "expected"), PROMPT_GUARD_MISTAKES.values(), ids=PROMPT_GUARD_MISTAKES.keys())
def test_mistakes_in_a_prompt_guard_call(body: Any, expected: list[tuple[str, str]]) -> None:
    assert refused(read_prompt_guard, body) == expected
