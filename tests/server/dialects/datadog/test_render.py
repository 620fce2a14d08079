from __future__ import annotations

from typing import Any

from guardhouse.model.conversation import Path
from guardhouse.model.evaluation import Action, AppliedFinding, DetectorReport, Evaluation, Outcome
from guardhouse.model.finding import Finding, Span
from guardhouse.model.recipe import RuleAction
from guardhouse.server.dialects.datadog.categories import TAGS
from guardhouse.server.dialects.datadog.render import render_evaluation

CONTENT: Path = ("data", "attributes", "messages", 0, "content")


def applied(
    detector: str, kind: str, confidence: float, *, path: Path = CONTENT, span: Span | None = None, blocked: bool = True
) -> AppliedFinding:
    finding = Finding(detector, kind, confidence, path, span)
    return AppliedFinding(finding, 0.5, RuleAction.BLOCK if blocked else RuleAction.REPORT, blocked)


def evaluation_of(*findings: AppliedFinding, action: Action = Action.DENY, **changes: Any) -> Evaluation:
    detectors = dict.fromkeys(item.finding.detector for item in findings)
    reports = tuple(
        DetectorReport(name, Outcome.DETECTED, tuple(item for item in findings if item.finding.detector == name))
        for name in detectors
    )
    members: dict[str, Any] = {
        "id": "0b6f7d0e-6f0c-4a5e-9d53-2f6b6a7b9d11",
        "action": action,
        "reason": "the engine's own words",
        "blocked": False,
        "blocking_enabled": False,
        "recipe": "agent_conversation",
        "reports": reports,
        "confidences": {item.finding.kind: item.finding.confidence for item in findings},
        "thresholds": {},
        "redactions": (),
        "texts": {},
        "timings_ms": {},
        "policy_revision": 1,
        **changes,
    }
    return Evaluation(**members)


def attributes_of(evaluation: Evaluation, document: Any = None) -> dict[str, Any]:
    attributes: dict[str, Any] = render_evaluation(evaluation, document)["data"]["attributes"]
    return attributes


def test_allow() -> None:
    answer = render_evaluation(evaluation_of(action=Action.ALLOW, confidences={"JAILBREAK": 0.1}), {})
    assert answer == {
        "data": {
            "id": "0b6f7d0e-6f0c-4a5e-9d53-2f6b6a7b9d11",
            "type": "evaluations",
            "attributes": {
                "action": "ALLOW",
                "is_blocking_enabled": False,
                "reason": "No rule match.",
                "tags": [],
                "tag_probs": {**dict.fromkeys(TAGS, 0.0), "jailbreak": 0.1},
                "global_prob": 0.1,
                "sds_findings": [],
                "redaction_replacements": [],
            },
        }
    }


def test_what_could_not_be_checked_is_never_passed_over_in_silence() -> None:
    failed = (DetectorReport("prompt_attack", Outcome.FAILED), DetectorReport("pii", Outcome.NOT_DETECTED))
    attributes = attributes_of(evaluation_of(action=Action.ALLOW, reports=failed), {})
    assert attributes["reason"] == "No rule match. Not checked, because it failed: prompt_attack."


def test_tags_come_surest_first_and_make_the_reason() -> None:
    evaluation = evaluation_of(
        applied("prompt_attack", "INSTRUCTION_OVERRIDE", 0.907),
        applied("prompt_attack", "INDIRECT_PROMPT_INJECTION", 0.982),
        applied("pii", "EMAIL_ADDRESS", 1.0, span=Span(0, 3), blocked=False),
        blocking_enabled=True,
    )
    attributes = attributes_of(evaluation)
    assert attributes["tags"] == ["indirect-prompt-injection", "instruction-override"]
    assert attributes["reason"] == "Rule matches: indirect-prompt-injection, instruction-override"
    assert attributes["tag_probs"]["instruction-override"] == 0.907
    assert set(attributes["tag_probs"]) == set(TAGS)
    assert attributes["global_prob"] == 0.982
    assert attributes["is_blocking_enabled"] is True


def test_a_verdict_of_another_detector_has_its_tag_too() -> None:
    evaluation = evaluation_of(applied("harmful_content", "SELF_HARM", 0.8))
    attributes = attributes_of(evaluation)
    assert attributes["tags"] == ["self-harm"]
    assert attributes["tag_probs"]["self-harm"] == 0.8
    assert attributes["reason"] == "Rule matches: self-harm"


def test_a_verdict_without_findings_keeps_its_reason() -> None:
    attributes = attributes_of(evaluation_of())
    assert attributes["tags"] == []
    assert attributes["reason"] == "the engine's own words"


def test_findings_of_sensitive_data_come_in_the_order_of_the_text() -> None:
    tenth: Path = ("data", "attributes", "messages", 10, "content", 1, "text")
    second: Path = ("data", "attributes", "messages", 2, "tool_calls", 0, "function", "arguments")
    evaluation = evaluation_of(
        applied("secrets", "AWS_ACCESS_KEY_ID", 1.0, path=tenth, span=Span(4, 24), blocked=False),
        applied("pii", "US_SSN", 1.0, span=Span(26, 37), blocked=False),
        applied("pii", "EMAIL_ADDRESS", 1.0, span=Span(5, 20), blocked=False),
        applied("pii", "IBAN_CODE", 1.0, path=second, span=Span(0, 22), blocked=False),
        applied("prompt_attack", "JAILBREAK", 0.9, span=Span(0, 4)),
        action=Action.ALLOW,
    )
    rows = [
        (item["rule_display_name"], item["rule_tag"], item["category"], *item["location"].values())
        for item in attributes_of(evaluation)["sds_findings"]
    ]
    assert rows == [
        ("Standard Email Address Scanner", "email_address", "email_address", "messages[0].content", 5, 20),
        ("US Social Security Number Scanner", "us_ssn", "pii", "messages[0].content", 26, 37),
        ("IBAN Code Scanner", "iban_code", "pii", "messages[2].tool_calls[0].function.arguments", 0, 22),
        ("AWS Access Key ID Scanner", "aws_access_key_id", "credentials", "messages[10].content[1].text", 4, 24),
    ]


def test_only_paths_that_clients_can_write_are_replaced() -> None:
    root: Path = ("data", "attributes", "messages")
    message = {
        "role": "assistant",
        "content": [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "b"}],
        "tool_calls": [{"function": {"arguments": "c"}}, {"function": {"arguments": {"d": "e"}}}],
    }
    document = {"data": {"attributes": {"messages": [{"role": "user", "content": "x"}, message]}}}
    texts = {
        (*root, 1, "tool_calls", 1, "function", "arguments"): "{}",
        (*root, 1, "tool_calls", 0, "function", "arguments"): "C",
        (*root, 1, "content", 1, "refusal"): "B",
        (*root, 1, "content", 0, "text"): "A",
        (*root, 0, "content"): "",
    }
    replaced = attributes_of(evaluation_of(texts=texts), document)["redaction_replacements"]
    assert replaced == [
        {"path": "messages[0].content", "replacement": ""},
        {"path": "messages[1].content[0].text", "replacement": "A"},
        {"path": "messages[1].tool_calls[0].function.arguments", "replacement": "C"},
    ]
