"""The answer: verdict, reasons, the three detail members, the redacted request."""

from __future__ import annotations

from typing import Any

import pytest
from made_evaluations import applied, evaluation, report

from guardhouse.model.evaluation import Action, Evaluation, Outcome, Redaction
from guardhouse.model.finding import Span
from guardhouse.model.recipe import DetectorOverride, DetectorSetting, Recipe, Rule, RuleAction
from guardhouse.server.dialects.trend import redactions_of
from guardhouse.server.dialects.trend.headers import Wishes
from guardhouse.server.dialects.trend.render import rendered

BLOCK, REPLACE = RuleAction.BLOCK, RuleAction.REPLACE
ALLOWED = ["no policy violation(s) detected"]
QUIET = (report("harmful_content"), report("prompt_attack"), report("pii"), report("secrets"))


def minimal(made: Evaluation) -> dict[str, Any]:
    return rendered(made, {}, Wishes())


def represented(made: Evaluation) -> dict[str, Any]:
    return rendered(made, {}, Wishes(representation=True))


def test_allowed_in_few_words() -> None:
    assert minimal(evaluation(*QUIET)) == {
        "id": "4b1f",
        "action": "Allow",
        "reasons": ALLOWED,
        "reason": "no policy violation(s) detected",
    }


def test_allowed_in_many_words() -> None:
    assert represented(evaluation(*QUIET)) == {
        **minimal(evaluation(*QUIET)),
        "harmfulContent": [
            {"category": name, "hasPolicyViolation": False, "confidenceScore": 0.0}
            for name in ("Sexual", "Hate", "Violence", "Harassment", "Self-harm")
        ],
        "sensitiveInformation": {"hasPolicyViolation": False, "rules": []},
        "promptAttacks": [{"type": "prompt_injection", "hasPolicyViolation": False, "confidenceScore": 0.0}],
    }


def test_blocked_for_every_reason() -> None:
    made = evaluation(
        report("prompt_attack", applied("prompt_attack", "JAILBREAK", action=BLOCK, confidence=0.971)),
        report("pii", applied("pii", "US_SSN", action=BLOCK), applied("pii", "US_SSN", action=BLOCK)),
        report("secrets", applied("secrets", "PASSWORD", action=BLOCK)),
        report(
            "harmful_content",
            applied("harmful_content", "VIOLENCE", action=BLOCK, confidence=0.8),
            applied("harmful_content", "SELF_HARM", action=BLOCK, confidence=0.9),
        ),
    )
    answer = represented(made)
    assert answer["action"] == "Block"
    assert answer["reasons"] == [
        "Harmful Scanners exceeding threshold: Self-harm, Violence",
        "Prompt attack detected",
        "Sensitive data detected: Rule ID USA_SOCIAL_SECURITY_NUMBER, ENVIRONMENT_VARIABLE_PASSWORD",
    ]
    assert answer["reason"] == ", ".join(answer["reasons"])
    assert answer["promptAttacks"] == [{"type": "jailbreak", "hasPolicyViolation": True, "confidenceScore": 0.97}]
    assert answer["sensitiveInformation"] == {
        "hasPolicyViolation": True,
        "rules": [
            {"id": "USA_SOCIAL_SECURITY_NUMBER"},
            {"id": "USA_SOCIAL_SECURITY_NUMBER"},
            {"id": "ENVIRONMENT_VARIABLE_PASSWORD"},
        ],
    }
    assert [item["category"] for item in answer["harmfulContent"] if item["hasPolicyViolation"]] == [
        "Violence",
        "Self-harm",
    ]


def test_a_dangerous_tool_call_is_a_prompt_attack() -> None:
    made = evaluation(
        report("tool_call", applied("tool_call", "DESTRUCTIVE_TOOL_CALL", action=BLOCK, confidence=0.95)),
    )
    answer = represented(made)
    assert answer["reasons"] == ["Prompt attack detected"]
    assert answer["promptAttacks"][0]["confidenceScore"] == 0.95


def test_what_is_only_reported_is_no_violation() -> None:
    made = evaluation(
        report("prompt_attack", applied("prompt_attack", "JAILBREAK", confidence=0.9)),
        report("harmful_content", applied("harmful_content", "HATE", confidence=0.6)),
        report("pii", applied("pii", "EMAIL_ADDRESS")),
    )
    answer = represented(made)
    assert (answer["action"], answer["reasons"]) == ("Allow", ALLOWED)
    assert answer["promptAttacks"][0] == {
        "type": "jailbreak",
        "hasPolicyViolation": False,
        "confidenceScore": 0.9,
    }
    assert answer["harmfulContent"][1] == {"category": "Hate", "hasPolicyViolation": False, "confidenceScore": 0.6}
    assert answer["sensitiveInformation"] == {"hasPolicyViolation": False, "rules": []}


def test_a_policy_that_watches_flags_and_allows() -> None:
    made = evaluation(report("prompt_attack", applied("prompt_attack", "JAILBREAK", action=BLOCK)), monitor=True)
    answer = represented(made)
    assert answer["action"] == "Allow"
    assert answer["reasons"] == ["Prompt attack detected"]
    assert answer["promptAttacks"][0]["hasPolicyViolation"] is True


def test_a_failure_that_blocks_has_a_reason() -> None:
    made = evaluation(report("prompt_attack", outcome=Outcome.FAILED), action=Action.DENY)
    assert (minimal(made)["action"], minimal(made)["reasons"]) == ("Block", ["Policy violation detected"])


def test_other_kinds_of_harm_have_a_name_in_the_reason() -> None:
    made = evaluation(report("harmful_content", applied("harmful_content", "WEAPONS", action=BLOCK)))
    assert minimal(made)["reasons"] == ["Harmful Scanners exceeding threshold: Weapons"]


def test_scanners_that_a_recipe_lacks_list_nothing() -> None:
    answer = represented(evaluation(report("topic")))
    assert (answer["harmfulContent"], answer["promptAttacks"]) == ([], [])
    assert answer["sensitiveInformation"] == {"hasPolicyViolation": False, "rules": []}


def redaction(text: str, shown: str, *, kind: str, detector: str = "pii", path: Any = ("prompt",)) -> Redaction:
    start = text.index(shown)
    return Redaction(path, Span(start, start + 1), Span(start, start + len(shown)), detector, kind, REPLACE, shown)


def test_the_request_comes_back_redacted_with_the_vendors_markers() -> None:
    text = "Card <CREDIT_CARD>, again <CREDIT_CARD>, and <US_SSN>."
    again = text.index("<CREDIT_CARD>", 10)
    made = evaluation(
        report("pii", applied("pii", "CREDIT_CARD", action=REPLACE, replacement="<CREDIT_CARD>", path=("prompt",))),
        texts={("prompt",): text},
        redactions=[
            redaction(text, "<CREDIT_CARD>", kind="CREDIT_CARD"),
            Redaction(("prompt",), Span(30, 31), Span(again, again + 13), "pii", "CREDIT_CARD", REPLACE, ""),
            redaction(text, "<US_SSN>", kind="US_SSN"),
        ],
    )
    answer = rendered(made, {"prompt": "original", "more": [1]}, Wishes(representation=True, redact=True))
    assert answer["redactedRequest"] == {
        "prompt": "Card [CREDIT_CARD_NUMBER], again [CREDIT_CARD_NUMBER], and [USA_SOCIAL_SECURITY_NUMBER].",
        "more": [1],
    }
    assert answer["action"] == "Allow"
    assert answer["sensitiveInformation"] == {"hasPolicyViolation": True, "rules": [{"id": "CREDIT_CARD_NUMBER"}]}


def test_a_number_inside_json_stays_json() -> None:
    path = ("choices", 0, "message", "tool_calls", 0, "function", "arguments")
    text = '{"card": "<CREDIT_CARD>"}'
    shown = '"<CREDIT_CARD>"'
    made = evaluation(
        report("pii"), texts={path: text}, redactions=[redaction(text, shown, kind="CREDIT_CARD", path=path)]
    )
    call = {"function": {"arguments": '{"card": 4111111111111111}'}}
    document = {"choices": [{"message": {"tool_calls": [call]}}]}
    answer = rendered(made, document, Wishes(redact=True))
    (choice,) = answer["redactedRequest"]["choices"]
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"card": "[CREDIT_CARD_NUMBER]"}'


def test_a_defanged_link_keeps_its_form() -> None:
    text = "see hxxp://a[.]example"
    made = evaluation(
        texts={("prompt",): text},
        redactions=[redaction(text, "hxxp://a[.]example", kind="URL", detector="malicious_entity")],
    )
    assert rendered(made, {"prompt": "x"}, Wishes(redact=True))["redactedRequest"] == {"prompt": text}


@pytest.mark.parametrize("wishes", [Wishes(), Wishes(representation=True)], ids=["minimal", "representation"])
def test_nobody_gets_a_redacted_request_without_asking(wishes: Wishes) -> None:
    made = evaluation(texts={("prompt",): "changed"})
    assert "redactedRequest" not in rendered(made, {"prompt": "x"}, wishes)


def test_nothing_redacted_leaves_the_member_out() -> None:
    assert "redactedRequest" not in rendered(evaluation(*QUIET), {"prompt": "x"}, Wishes(redact=True))


def test_redaction_takes_the_place_of_blocks_on_sensitive_data_only() -> None:
    settings = tuple(
        DetectorSetting(name, Rule(RuleAction.BLOCK)) for name in ("prompt_attack", "pii", "secrets", "harmful_content")
    )
    replacing = DetectorOverride(default=Rule(RuleAction.REPLACE))
    assert redactions_of(Recipe("r", "R", "", settings)) == {"pii": replacing, "secrets": replacing}
    assert redactions_of(None) == {}
