"""An evaluation in the vendor's words: the detectors object and the summary."""

from __future__ import annotations

from typing import Any

import pytest
from made_evaluations import applied, evaluation, report

from guardhouse.model.evaluation import Evaluation, Outcome
from guardhouse.model.recipe import RuleAction
from guardhouse.server.dialects.pangea.names import GUARD, TEXT_GUARD
from guardhouse.server.dialects.pangea.overrides import RequestChanges, read_overrides
from guardhouse.server.dialects.pangea.render import rendered_detectors, summary_of
from guardhouse.server.dialects.pangea.schema import Checker

NOT_DETECTED = {"detected": False, "data": None}


def asked_for(*named: str, ignore_recipe: bool = False) -> RequestChanges:
    """What overrides that name these detectors come to."""
    overrides = {"ignore_recipe": ignore_recipe, **{name: {} for name in named}}
    return read_overrides(Checker(), {"overrides": overrides}, TEXT_GUARD)


def detectors(made: Evaluation, *named: str, debug: bool = False, ignore_recipe: bool = False) -> dict[str, Any]:
    return rendered_detectors(made, TEXT_GUARD, asked_for(*named, ignore_recipe=ignore_recipe), debug=debug)


def summary(made: Evaluation) -> str:
    return summary_of(made, TEXT_GUARD, RequestChanges())


def test_nothing_found() -> None:
    made = evaluation(report("prompt_attack"), report("pii"), report("secrets"), report("malicious_entity"))
    assert detectors(made) == dict.fromkeys(
        ("prompt_injection", "pii_entity", "secrets_detection", "malicious_entity"), NOT_DETECTED
    )
    assert summary(made) == (
        "Malicious Prompt was not detected. Confidential and PII was not detected. "
        "Secret and Key Entity was not detected. Malicious Entity was not detected."
    )


def test_the_full_example_of_the_vendor() -> None:
    text = "Reach me at ann.lee@example.com, SSN 234-56-7890, and ping 190.28.74.251."
    made = evaluation(
        report("prompt_attack"),
        report(
            "pii",
            applied(
                "pii",
                "EMAIL_ADDRESS",
                action=RuleAction.REPLACE,
                start=text.index("ann"),
                value="ann.lee@example.com",
                replacement="<EMAIL_ADDRESS>",
            ),
            applied(
                "pii",
                "US_SSN",
                action=RuleAction.FPE,
                start=text.index("234"),
                value="234-56-7890",
                replacement="918-02-3347",
            ),
        ),
        report(
            "malicious_entity",
            applied(
                "malicious_entity",
                "IP_ADDRESS",
                confidence=1.0,
                start=text.index("190"),
                value="190.28.74.251",
                evidence={"category": "scanner"},
            ),
        ),
        report("language", applied("language", "LANGUAGE", value="en", evidence={"language": "en"})),
    )
    assert detectors(made, debug=True) == {
        "prompt_injection": NOT_DETECTED,
        "pii_entity": {
            "detected": True,
            "data": {
                "entities": [
                    {
                        "type": "EMAIL_ADDRESS",
                        "value": "ann.lee@example.com",
                        "action": "redacted:replaced",
                        "start_pos": 12,
                        "redacted_value": "<EMAIL_ADDRESS>",
                    },
                    {
                        "type": "US_SSN",
                        "value": "234-56-7890",
                        "action": "redacted:encrypted",
                        "start_pos": 37,
                        "redacted_value": "918-02-3347",
                    },
                ]
            },
        },
        "malicious_entity": {
            "detected": True,
            "data": {
                "entities": [
                    {
                        "type": "IP_ADDRESS",
                        "value": "190.28.74.251",
                        "action": "reported",
                        "start_pos": 59,
                        "raw": {"category": ["scanner"], "score": 100, "verdict": "malicious"},
                    }
                ]
            },
        },
        "language_detection": {"detected": True, "data": {"action": "reported", "language": "en"}},
    }
    assert summary(made) == (
        "Malicious Prompt was not detected. Confidential and PII was detected and redacted. "
        "Malicious Entity was detected and reported. Language was detected and reported."
    )


def test_raw_is_only_for_debugging() -> None:
    made = evaluation(
        report("malicious_entity", applied("malicious_entity", "DOMAIN", start=0, value="737updatesboeing.com"))
    )
    (entity,) = detectors(made)["malicious_entity"]["data"]["entities"]
    assert entity == {"type": "DOMAIN", "value": "737updatesboeing.com", "action": "reported", "start_pos": 0}


@pytest.mark.parametrize(
    ("evidence", "raw"),
    [
        (
            {"category": "phishing", "score": "80", "verdict": "suspicious", "source": "a list"},
            {"category": ["phishing"], "score": 80, "verdict": "suspicious"},
        ),
        (
            {"category": "suspicious", "verdict": "suspicious", "trick": "punycode"},
            {"category": ["suspicious"], "score": 90, "verdict": "suspicious"},
        ),
        ({}, {"category": [], "score": 90, "verdict": "malicious"}),
    ],
    ids=["listed", "heuristic", "plug-in"],
)
def test_raw_tells_what_the_list_said(evidence: dict[str, str], raw: dict[str, Any]) -> None:
    found = applied("malicious_entity", "DOMAIN", start=0, value="evil.example", evidence=evidence)
    (entity,) = detectors(evaluation(report("malicious_entity", found)), debug=True)["malicious_entity"]["data"][
        "entities"
    ]
    assert entity["raw"] == raw


@pytest.mark.parametrize(
    ("action", "label", "deed"),
    [
        (RuleAction.REPORT, "reported", "reported"),
        (RuleAction.BLOCK, "blocked", "blocked"),
        (RuleAction.DEFANG, "defanged", "defanged"),
        (RuleAction.MASK, "redacted:masked", "redacted"),
        (RuleAction.PARTIAL_MASK, "redacted:partially_masked", "redacted"),
        (RuleAction.REPLACE, "redacted:replaced", "redacted"),
        (RuleAction.HASH, "redacted:hashed", "redacted"),
        (RuleAction.FPE, "redacted:encrypted", "redacted"),
    ],
)
def test_every_action_has_its_label(action: RuleAction, label: str, deed: str) -> None:
    made = evaluation(report("secrets", applied("secrets", "JWT_TOKEN", action=action, start=3, value="eyJ")))
    (entity,) = detectors(made)["secrets_detection"]["data"]["entities"]
    assert entity["action"] == label
    assert summary(made) == f"Secret and Key Entity was detected and {deed}."


def test_a_block_and_what_it_keeps_from_running() -> None:
    made = evaluation(
        report(
            "prompt_attack",
            applied(
                "prompt_attack",
                "INSTRUCTION_OVERRIDE",
                action=RuleAction.BLOCK,
                confidence=0.987,
                analyzer="patterns",
            ),
            applied("prompt_attack", "JAILBREAK", action=RuleAction.BLOCK, confidence=0.7, analyzer="classifier"),
        ),
        report("pii", outcome=Outcome.NOT_EXECUTED),
        report("malicious_entity", outcome=Outcome.FAILED),
    )
    assert detectors(made) == {
        "prompt_injection": {
            "detected": True,
            "data": {
                "action": "blocked",
                "analyzer_responses": [
                    {"analyzer": "PA1003", "confidence": 0.99},
                    {"analyzer": "PA4002", "confidence": 0.7},
                ],
            },
        }
    }
    assert summary(made) == (
        "Malicious Prompt was detected and blocked. Confidential and PII was not executed. "
        "Malicious Entity was not executed."
    )


def test_a_block_that_is_only_watched_for_is_a_report() -> None:
    blocking = applied("pii", "US_SSN", action=RuleAction.BLOCK, start=0, value="234-56-7890")
    made = evaluation(report("pii", blocking), monitor=True)
    (entity,) = detectors(made)["pii_entity"]["data"]["entities"]
    assert entity["action"] == "reported"
    assert summary(made) == "Confidential and PII was detected and reported."


def test_dangerous_tool_calls_are_told_as_malicious_prompts() -> None:
    made = evaluation(
        report("prompt_attack"),
        report("pii"),
        report(
            "tool_call",
            applied("tool_call", "DESTRUCTIVE_TOOL_CALL", action=RuleAction.BLOCK, analyzer="shell", confidence=0.95),
        ),
    )
    assert list(detectors(made)) == ["prompt_injection", "pii_entity"]
    assert detectors(made)["prompt_injection"]["data"] == {
        "action": "blocked",
        "analyzer_responses": [{"analyzer": "shell", "confidence": 0.95}],
    }


def test_harmful_content_is_told_under_the_vendors_detectors() -> None:
    made = evaluation(
        report(
            "harmful_content",
            applied("harmful_content", "WEAPONS", confidence=0.81),
            applied("harmful_content", "SELF_HARM", confidence=0.72, action=RuleAction.BLOCK),
            applied("harmful_content", "PROFANITY", confidence=0.63),
        ),
        report("topic", applied("topic", "POLITICS", confidence=0.9)),
    )
    assert detectors(made) == {
        "topic": {
            "detected": True,
            "data": {
                "action": "reported",
                "topics": [
                    {"topic": "weapons", "confidence": 0.81},
                    {"topic": "politics", "confidence": 0.9},
                ],
            },
        },
        "selfharm": {
            "detected": True,
            "data": {
                "action": "blocked",
                "classifications": [{"category": "self-harm-and-violence", "confidence": 0.72}],
            },
        },
        "profanity_and_toxicity": {
            "detected": True,
            "data": {"action": "reported", "classifications": [{"category": "toxicity", "confidence": 0.63}]},
        },
    }


def test_who_asks_for_topics_gets_them_as_topics() -> None:
    made = evaluation(
        report("harmful_content", applied("harmful_content", "SELF_HARM", confidence=0.8)),
        report("gibberish", applied("gibberish", "GIBBERISH", confidence=0.9)),
        report("sentiment"),
    )
    assert detectors(made, "topic")["topic"]["data"]["topics"] == [
        {"topic": "self-harm-and-violence", "confidence": 0.8},
        {"topic": "gibberish", "confidence": 0.9},
    ]
    assert list(detectors(made, "topic")) == ["topic"]
    assert list(detectors(made, "topic", "gibberish")) == ["topic", "gibberish"]


def test_role_play_is_a_topic_for_who_asks_for_topics_only() -> None:
    made = evaluation(report("prompt_attack", applied("prompt_attack", "ROLE_PLAY", confidence=0.7)))
    assert detectors(made, "topic", ignore_recipe=True) == {
        "topic": {
            "detected": True,
            "data": {"action": "reported", "topics": [{"topic": "roleplay", "confidence": 0.7}]},
        }
    }
    assert list(detectors(made, "topic")) == ["prompt_injection"]
    assert list(detectors(made, "topic", "roleplay", ignore_recipe=True)) == ["prompt_injection"]


def test_who_asks_for_self_harm_hears_that_there_is_none() -> None:
    made = evaluation(report("harmful_content"))
    assert detectors(made, "selfharm") == {"selfharm": NOT_DETECTED}
    assert detectors(made) == {"topic": NOT_DETECTED}


def test_the_other_endpoint_has_other_names_and_folds_the_old_ones() -> None:
    made = evaluation(
        report("prompt_attack"),
        report("pii"),
        report("secrets"),
        report("code", applied("code", "CODE", value="python", evidence={"language": "python"})),
        report("language"),
        report("gibberish", applied("gibberish", "GIBBERISH", confidence=0.9)),
    )
    told = rendered_detectors(made, GUARD, RequestChanges(), debug=False)
    assert told == {
        "malicious_prompt": NOT_DETECTED,
        "confidential_and_pii_entity": NOT_DETECTED,
        "secret_and_key_entity": NOT_DETECTED,
        "code": {"detected": True, "data": {"action": "reported", "language": "python"}},
        "language": NOT_DETECTED,
        "topic": {
            "detected": True,
            "data": {"action": "reported", "topics": [{"topic": "gibberish", "confidence": 0.9}]},
        },
    }


def test_competitors_are_listed_once() -> None:
    findings = [applied("competitors", "COMPETITOR", start=at, value=name) for at, name in ((0, "Acme"), (9, "Acme"))]
    made = evaluation(report("competitors", *findings))
    assert detectors(made)["competitors"]["data"] == {"action": "reported", "entities": ["Acme"]}


def test_the_same_value_twice_is_two_entities() -> None:
    findings = [applied("pii", "US_SSN", start=at, value="234-56-7890") for at in (0, 20)]
    entities = detectors(evaluation(report("pii", *findings)))["pii_entity"]["data"]["entities"]
    assert [entity["start_pos"] for entity in entities] == [0, 20]


def test_a_plug_ins_detector_is_told_as_a_custom_entity() -> None:
    made = evaluation(report("our_badges", applied("our_badges", "BADGE", start=0, value="B-1")))
    assert detectors(made)["custom_entity"]["data"]["entities"][0]["type"] == "BADGE"


def test_no_detector_at_all() -> None:
    assert detectors(evaluation()) == {}
    assert summary(evaluation()) == "No detector is enabled."
