from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_support import START, make_evaluation, make_finding, make_key

from guardhouse.model.activity import LogFields
from guardhouse.model.codec import evaluation_to_dict
from guardhouse.model.evaluation import AppliedFinding
from guardhouse.model.finding import Span
from guardhouse.model.messages import conversation_from_messages
from guardhouse.model.policy import Scope, StoreText
from guardhouse.model.recipe import RuleAction
from guardhouse.model.request import EvaluationRequest
from guardhouse.service.records import masked, record_of, without_values

TEXT = "mail bob@example.com or attack"
PATH = ("messages", 1, "content")
MESSAGES = [
    {"role": "system", "content": "the context is not judged"},
    {
        "role": "assistant",
        "content": TEXT,
        "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "shell", "arguments": '{"to": "bob@example.com"}'}},
            {"id": "2", "type": "function", "function": {"name": "shell", "arguments": "{}"}},
        ],
    },
]
REQUEST = EvaluationRequest(
    conversation_from_messages(MESSAGES),
    scope=Scope("shop", None),
    log_fields=LogFields(model="m1"),
    dialect="native",
)


def found(
    start: int,
    value: str,
    *,
    detector: str = "pii",
    kind: str = "EMAIL_ADDRESS",
    action: RuleAction = RuleAction.REPORT,
    path: tuple[str | int, ...] = PATH,
) -> AppliedFinding:
    applied = make_finding(kind, value=value, span=Span(start, start + len(value)))
    return replace(applied, finding=replace(applied.finding, detector=detector, path=path), action=action)


EMAIL = found(5, "bob@example.com")
ATTACK = found(24, "attack", detector="prompt_attack", kind="JAILBREAK", action=RuleAction.BLOCK)
ARGUMENT = found(8, "bob@example.com", path=("messages", 1, "tool_calls", 0, "function", "arguments"))
EVALUATION = make_evaluation("e1", findings=(EMAIL, ATTACK, ARGUMENT))


@pytest.mark.parametrize(
    ("store_text", "texts"),
    [
        (StoreText.NONE, {}),
        (
            StoreText.REDACTED,
            {
                "messages[1].content": "mail <EMAIL_ADDRESS> or attack",
                "messages[1].tool_calls[0].function.arguments": '{"to": "<EMAIL_ADDRESS>"}',
                "messages[1].tool_calls[1].function.arguments": "{}",
            },
        ),
        (
            StoreText.FULL,
            {
                "messages[1].content": TEXT,
                "messages[1].tool_calls[0].function.arguments": '{"to": "bob@example.com"}',
                "messages[1].tool_calls[1].function.arguments": "{}",
            },
        ),
    ],
    ids=str,
)
def test_what_is_kept_of_the_texts(store_text: StoreText, texts: dict[str, str]) -> None:
    record = record_of(EVALUATION, REQUEST, make_key(), store_text, time=START)
    assert record.texts == texts
    kept = str(evaluation_to_dict(record.evaluation)) + str(record.texts)
    assert ("bob@example.com" in kept) is (store_text is StoreText.FULL)


def test_the_rest_of_a_record() -> None:
    record = record_of(EVALUATION, REQUEST, make_key(), StoreText.NONE, time=START)
    assert (record.id, record.time, record.key_id, record.dialect) == ("e1", START, "key_one", "native")
    assert (record.service, record.env, record.tools, record.log_fields.model) == ("shop", "", ("shell",), "m1")


def test_a_record_without_values_still_says_what_was_found_where() -> None:
    bare = without_values(EVALUATION)
    findings = [applied.finding for report in bare.reports for applied in report.findings]
    assert [(item.kind, item.span, item.value) for item in findings] == [
        ("EMAIL_ADDRESS", Span(5, 20), ""),
        ("JAILBREAK", Span(24, 30), ""),
        ("EMAIL_ADDRESS", Span(8, 23), ""),
    ]
    assert dict(bare.texts) == {}
    assert {item.replacement for item in bare.redactions} == {""}


@pytest.mark.parametrize(
    ("action", "detector", "kept"),
    [
        (RuleAction.MASK, "plugin", False),
        (RuleAction.HASH, "plugin", False),
        (RuleAction.DEFANG, "malicious_entity", True),
        (RuleAction.REPORT, "plugin", True),
        (RuleAction.REPORT, "secrets", False),
        (RuleAction.BLOCK, "custom_entity", False),
    ],
    ids=str,
)
def test_what_counts_as_sensitive(action: RuleAction, detector: str, kept: bool) -> None:
    evaluation = make_evaluation(findings=(found(5, "bob@example.com", detector=detector, action=action),))
    record = record_of(evaluation, REQUEST, make_key(), StoreText.REDACTED, time=START)
    assert ("bob@example.com" in record.texts["messages[1].content"]) is kept


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], "0123456789"),
        ([(2, 4)], "01<A>456789"),
        ([(6, 8), (2, 4)], "01<B>45<A>89"),
        ([(0, 10)], "<A>"),
        ([(2, 6), (4, 8)], "01<A>89"),
        ([(2, 8), (4, 6)], "01<A>89"),
        ([(4, 6), (2, 8)], "01<B>89"),
        ([(2, 4), (4, 6)], "01<A><B>6789"),
        ([(2, 4), (2, 6)], "01<B>6789"),
        ([(3, 3)], "0123456789"),
    ],
    ids=["none", "one", "order", "all", "overlap", "inside", "outside", "adjacent", "same-start", "empty"],
)
def test_masking(spans: list[tuple[int, int]], expected: str) -> None:
    assert masked("0123456789", [(Span(*span), "AB"[index]) for index, span in enumerate(spans)]) == expected


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8))
def test_masking_keeps_all_outside_and_nothing_inside(pairs: list[tuple[int, int]]) -> None:
    text = "".join(chr(0x4E00 + n) for n in range(30))
    spans = [(Span(min(pair), max(pair)), "K") for pair in pairs]
    covered = {n for span, _ in spans for n in range(span.start, span.end)}
    result = masked(text, spans)
    assert result.replace("<K>", "") == "".join(text[n] for n in range(30) if n not in covered)
