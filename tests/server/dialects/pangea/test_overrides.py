"""The vendor's overrides as changes to our recipes, and the mistakes that are pointed out."""

from __future__ import annotations

from typing import Any

import pytest

from guardhouse.model.recipe import DetectorOverride, Rule, RuleAction
from guardhouse.server.dialects.pangea.names import GUARD, TEXT_GUARD
from guardhouse.server.dialects.pangea.overrides import RequestChanges, read_overrides
from guardhouse.server.dialects.pangea.schema import Checker, ValidationFailed

REPORT, BLOCK, DISABLED = Rule(RuleAction.REPORT), Rule(RuleAction.BLOCK), Rule(RuleAction.DISABLED)

READ: dict[str, tuple[dict[str, Any], dict[str, DetectorOverride]]] = {
    "nothing": ({}, {}),
    "prompt injection blocks": (
        {"prompt_injection": {"action": "block"}},
        {"prompt_attack": DetectorOverride(default=BLOCK), "tool_call": DetectorOverride(default=BLOCK)},
    ),
    "prompt injection off": (
        {"prompt_injection": {"disabled": True}},
        {"prompt_attack": DetectorOverride(disabled=True), "tool_call": DetectorOverride(disabled=True)},
    ),
    "not disabled changes nothing": ({"gibberish": {"disabled": False}}, {"gibberish": DetectorOverride()}),
    "role play": (
        {"roleplay": {"action": "block"}},
        {"prompt_attack": DetectorOverride(rules={"ROLE_PLAY": BLOCK})},
    ),
    "role play off": (
        {"roleplay": {"disabled": True, "action": "block"}},
        {"prompt_attack": DetectorOverride(rules={"ROLE_PLAY": DISABLED})},
    ),
    "role play keeps the recipe's action": ({"roleplay": {}}, {"prompt_attack": DetectorOverride()}),
    "role play of an empty recipe is reported": (
        {"ignore_recipe": True, "roleplay": {}},
        {"prompt_attack": DetectorOverride(rules={"ROLE_PLAY": REPORT})},
    ),
    "code with a threshold": (
        {"code_detection": {"action": "report", "threshold": 0.75}},
        {"code": DetectorOverride(default=REPORT, threshold=0.75)},
    ),
    "sentiment": (
        {"sentiment": {"action": "block", "threshold": 1}},
        {"sentiment": DetectorOverride(default=BLOCK, threshold=1.0)},
    ),
    "competitors": ({"competitors": {"action": "report"}}, {"competitors": DetectorOverride(default=REPORT)}),
    "personal data": (
        {"pii_entity": {"email_address": "replacement", "us_ssn": "fpe", "person": "disabled", "url": "mask"}},
        {
            "pii": DetectorOverride(
                rules={
                    "EMAIL_ADDRESS": Rule(RuleAction.REPLACE),
                    "US_SSN": Rule(RuleAction.FPE),
                    "PERSON": DISABLED,
                    "URL": Rule(RuleAction.MASK),
                }
            )
        },
    ),
    "personal data, the other methods": (
        {"pii_entity": {"credit_card": "partial_masking", "phone_number": "hash", "ip_address": "block"}},
        {
            "pii": DetectorOverride(
                rules={
                    "CREDIT_CARD": Rule(RuleAction.PARTIAL_MASK),
                    "PHONE_NUMBER": Rule(RuleAction.HASH),
                    "IP_ADDRESS": BLOCK,
                }
            )
        },
    ),
    "personal data off": ({"pii_entity": {"disabled": True}}, {"pii": DetectorOverride(disabled=True)}),
    "links": (
        {"malicious_entity": {"ip_address": "defang", "url": "block", "domain": "disabled"}},
        {
            "malicious_entity": DetectorOverride(
                rules={"IP_ADDRESS": Rule(RuleAction.DEFANG), "URL": BLOCK, "DOMAIN": DISABLED}
            )
        },
    ),
    "custom entities": (
        {"custom_entity": {"rules": [{"name": "STAFF", "action": "mask"}, {"name": "BADGE"}]}},
        {"custom_entity": DetectorOverride(rules={"STAFF": Rule(RuleAction.MASK), "BADGE": REPORT})},
    ),
    "languages refused": (
        {"language_detection": {"action": "block", "languages": ["DE", "fr"]}},
        {"language": DetectorOverride(default=BLOCK, options={"languages": ["de", "fr"], "mode": "deny"})},
    ),
    "languages allowed": (
        {"language_detection": {"action": "allow", "languages": ["en"]}},
        {"language": DetectorOverride(default=BLOCK, options={"languages": ["en"], "mode": "allow"})},
    ),
    "language with the empty action of the vendor's client": (
        {"language_detection": {"action": "", "languages": ["en"], "threshold": 0.5}},
        {"language": DetectorOverride(threshold=0.5, options={"languages": ["en"]})},
    ),
    "self-harm": (
        {"selfharm": {"action": "block"}},
        {"harmful_content": DetectorOverride(rules={"SELF_HARM": BLOCK})},
    ),
    "topics of several detectors": (
        {"topic": {"action": "block", "topics": ["weapons", "politics", "negative-sentiment"]}},
        {
            "harmful_content": DetectorOverride(rules={"WEAPONS": BLOCK}),
            "topic": DetectorOverride(rules={"POLITICS": BLOCK}),
            "sentiment": DetectorOverride(default=BLOCK),
        },
    ),
    "a topic off": (
        {"topic": {"disabled": True, "topics": ["gibberish", "sexual"]}},
        {
            "gibberish": DetectorOverride(disabled=True),
            "harmful_content": DetectorOverride(rules={"SEXUAL": DISABLED}),
        },
    ),
    "images are read anyway": ({"image": {"action": "", "topics": ["weapons"], "threshold": 0.3}}, {}),
    "images off": ({"image": {"disabled": True, "action": "block"}}, {"image": DetectorOverride(disabled=True)}),
}


def read(overrides: Any, vocabulary: Any = TEXT_GUARD) -> RequestChanges:
    check = Checker()
    changes = read_overrides(check, {"overrides": overrides}, vocabulary)
    check.finish()
    return changes


def mistakes(overrides: Any, vocabulary: Any = TEXT_GUARD) -> list[dict[str, str]]:
    with pytest.raises(ValidationFailed) as failed:
        read(overrides, vocabulary)
    return [problem.as_dict() for problem in failed.value.problems]


@pytest.mark.parametrize(("overrides", "expected"), READ.values(), ids=READ.keys())
def test_overrides_become_changes(overrides: dict[str, Any], expected: dict[str, DetectorOverride]) -> None:
    changes = read(overrides)
    assert changes.overrides is not None
    assert changes.overrides.detectors == expected
    assert changes.overrides.ignore_recipe is overrides.get("ignore_recipe", False)


def test_without_overrides_nothing_changes() -> None:
    assert read_overrides(Checker(), {}, TEXT_GUARD) == RequestChanges()


def test_thresholds_of_kinds_are_sensitivities_of_the_request() -> None:
    changes = read({"selfharm": {"threshold": 0.25}, "topic": {"topics": ["weapons"], "threshold": 0.8}})
    assert changes.sensitivity.by_category == {"SELF_HARM": 0.25, "WEAPONS": 0.8}


def test_no_topics_named_means_all_of_them() -> None:
    changes = read({"topic": {"action": "report", "topics": []}})
    assert changes.overrides is not None
    assert set(changes.overrides.detectors) == {"harmful_content", "prompt_attack", "topic", "sentiment", "gibberish"}


def test_added_detectors_run_in_the_vendors_order() -> None:
    changes = read(
        {"topic": {"topics": ["politics"]}, "malicious_entity": {}, "pii_entity": {}, "prompt_injection": {}}
    )
    assert changes.overrides is not None
    assert list(changes.overrides.detectors) == ["prompt_attack", "tool_call", "pii", "malicious_entity", "topic"]


def test_the_other_endpoint_has_other_names() -> None:
    changes = read(
        {
            "ignore_recipe": False,
            "malicious_prompt": {"action": "report"},
            "confidential_and_pii_entity": {"us_ssn": "mask"},
            "secret_and_key_entity": {"disabled": True},
            "code": {"action": "block"},
            "language": {"action": "report"},
        },
        GUARD,
    )
    assert changes.overrides is not None
    assert changes.overrides.detectors == {
        "prompt_attack": DetectorOverride(default=REPORT),
        "tool_call": DetectorOverride(default=REPORT),
        "pii": DetectorOverride(rules={"US_SSN": Rule(RuleAction.MASK)}),
        "secrets": DetectorOverride(disabled=True),
        "language": DetectorOverride(default=REPORT),
        "code": DetectorOverride(default=BLOCK),
    }
    assert changes.named == {
        "prompt_injection",
        "pii_entity",
        "secrets_detection",
        "code_detection",
        "language_detection",
    }


@pytest.mark.parametrize("name", ["pii_entity", "prompt_injection", "selfharm", "roleplay", "gibberish", "sentiment"])
def test_the_other_endpoint_refuses_names_that_are_not_its_own(name: str) -> None:
    (mistake,) = mistakes({name: {}}, GUARD)
    assert (mistake["code"], mistake["source"]) == ("UnexpectedProperty", f"/overrides/{name}")


MISTAKES: dict[str, tuple[Any, str, str]] = {
    "no object": ([], "InvalidObject", "/overrides"),
    "null": (None, "InvalidObject", "/overrides"),
    "unknown detector": ({"pii": {}}, "UnexpectedProperty", "/overrides/pii"),
    "detector is no object": ({"pii_entity": True}, "InvalidObject", "/overrides/pii_entity"),
    "unknown rule": ({"pii_entity": {"shoe_size": "mask"}}, "UnexpectedProperty", "/overrides/pii_entity/shoe_size"),
    "action is null": ({"pii_entity": {"us_ssn": None}}, "InvalidString", "/overrides/pii_entity/us_ssn"),
    "slash in a rule's name": ({"pii_entity": {"fin/nric": 1}}, "InvalidString", "/overrides/pii_entity/fin~1nric"),
    "defang is not for entities": ({"pii_entity": {"url": "defang"}}, "NotEnumMember", "/overrides/pii_entity/url"),
    "mask is not for links": (
        {"malicious_entity": {"url": "mask"}},
        "NotEnumMember",
        "/overrides/malicious_entity/url",
    ),
    "flag as string": (
        {"prompt_injection": {"disabled": "yes"}},
        "InvalidBool",
        "/overrides/prompt_injection/disabled",
    ),
    "ignore_recipe as number": ({"ignore_recipe": 1}, "InvalidBool", "/overrides/ignore_recipe"),
    "empty action where it has no meaning": (
        {"prompt_injection": {"action": ""}},
        "NotEnumMember",
        "/overrides/prompt_injection/action",
    ),
    "threshold where there is none": (
        {"gibberish": {"threshold": 0.5}},
        "UnexpectedProperty",
        "/overrides/gibberish/threshold",
    ),
    "threshold too high": ({"selfharm": {"threshold": 1.01}}, "NotWithinRange", "/overrides/selfharm/threshold"),
    "threshold below": ({"topic": {"threshold": -0.1}}, "NotWithinRange", "/overrides/topic/threshold"),
    "threshold as string": ({"topic": {"threshold": "0.5"}}, "InvalidNumber", "/overrides/topic/threshold"),
    "threshold as flag": (
        {"code_detection": {"threshold": True}},
        "InvalidNumber",
        "/overrides/code_detection/threshold",
    ),
    "topics as string": ({"topic": {"topics": "weapons"}}, "InvalidArray", "/overrides/topic/topics"),
    "a topic as number": ({"topic": {"topics": ["weapons", 3]}}, "InvalidString", "/overrides/topic/topics/1"),
    "an unknown topic": ({"topic": {"topics": ["chess"]}}, "NotEnumMember", "/overrides/topic/topics/0"),
    "languages as string": (
        {"language_detection": {"languages": "en"}},
        "InvalidArray",
        "/overrides/language_detection/languages",
    ),
    "custom rules as object": ({"custom_entity": {"rules": {}}}, "InvalidArray", "/overrides/custom_entity/rules"),
    "custom rule without name": (
        {"custom_entity": {"rules": [{"action": "mask"}]}},
        "FieldRequired",
        "/overrides/custom_entity/rules/0/name",
    ),
    "custom rule is no object": (
        {"custom_entity": {"rules": ["STAFF"]}},
        "InvalidObject",
        "/overrides/custom_entity/rules/0",
    ),
}


@pytest.mark.parametrize(("overrides", "code", "source"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_pointed_out(overrides: Any, code: str, source: str) -> None:
    assert [(mistake["code"], mistake["source"]) for mistake in mistakes(overrides)] == [(code, source)]


def test_a_wrong_action_is_told_in_the_vendors_words() -> None:
    assert mistakes({"pii_entity": {"us_ssn": "vaporise"}}) == [
        {
            "code": "NotEnumMember",
            "detail": "'vaporise' is not one of: disabled, report, block, mask, partial_masking, replacement, hash, fpe",  # noqa: E501
            "source": "/overrides/pii_entity/us_ssn",
        }
    ]


def test_every_mistake_is_told_at_once() -> None:
    found = mistakes({"pii": {}, "topic": {"threshold": 2}, "pii_entity": {"us_ssn": 1}})
    assert [item["code"] for item in found] == ["UnexpectedProperty", "InvalidString", "NotWithinRange"]


def test_a_flood_of_mistakes_is_cut_short() -> None:
    assert len(mistakes({f"detector_{number}": {} for number in range(1000)})) == 50
