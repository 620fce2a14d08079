"""The codec loses nothing, keeps values out when told to, and says where a document is wrong."""

import json

import pytest

from guardhouse.errors import InvalidInput
from guardhouse.model import codec
from guardhouse.model.evaluation import Action, AppliedFinding, DetectorReport, Evaluation, Outcome, Redaction
from guardhouse.model.finding import AnalyzerResponse, Finding, Span
from guardhouse.model.policy import Blocking, FailMode, Policy, SensitiveData, Sensitivity, StoreText, ToolPolicy
from guardhouse.model.recipe import DetectorOverride, DetectorSetting, Overrides, Recipe, Rule, RuleAction

PATH = ("messages", 0, "content")


def make_evaluation() -> Evaluation:
    finding = Finding("pii", "US_SSN", 0.9, PATH, Span(3, 14), "234-56-7890", "patterns", {"check": "ranges"})
    applied = AppliedFinding(finding, 0.5, RuleAction.REPLACE, blocked=False, replacement="<US_SSN>")
    return Evaluation(
        id="e1",
        action=Action.ABORT,
        reason="Aborted.",
        blocked=True,
        blocking_enabled=True,
        recipe="default",
        reports=(
            DetectorReport(
                "pii", Outcome.DETECTED, (applied,), RuleAction.REPLACE, (AnalyzerResponse("patterns", 0.9),)
            ),
            DetectorReport("secrets", Outcome.FAILED, detail="the detector raised ValueError"),
        ),
        confidences={"US_SSN": 0.9},
        thresholds={"US_SSN": 0.5},
        redactions=(Redaction(PATH, Span(3, 14), Span(3, 11), "pii", "US_SSN", RuleAction.REPLACE, "<US_SSN>"),),
        texts={PATH: "my <US_SSN>"},
        timings_ms={"total": 1.5},
        policy_revision=7,
    )


def test_an_evaluation_survives_json_unchanged():
    evaluation = make_evaluation()
    data = json.loads(json.dumps(codec.evaluation_to_dict(evaluation)))
    assert codec.evaluation_from_dict(data) == evaluation


def test_without_values_nothing_matched_or_replaced_is_left():
    text = json.dumps(codec.evaluation_to_dict(make_evaluation(), values=False))
    assert "234-56-7890" not in text
    assert "<US_SSN>" not in text
    assert codec.evaluation_from_dict(json.loads(text)).reports[0].findings[0].finding.span == Span(3, 14)


def test_a_recipe_survives_a_round_trip():
    recipe = Recipe(
        name="mine",
        title="Mine",
        description="All kinds of members.",
        stop_on_block=False,
        detectors=(
            DetectorSetting("prompt_attack", Rule(RuleAction.BLOCK), threshold=0.7, required=False),
            DetectorSetting(
                "pii",
                Rule(RuleAction.DISABLED),
                rules={"US_SSN": Rule(RuleAction.MASK, {"masking_char": "#"}, block=True)},
                options={"regions": ["US"]},
            ),
        ),
    )
    assert codec.recipe_from_dict(json.loads(json.dumps(codec.recipe_to_dict(recipe)))) == recipe


def test_a_policy_survives_a_round_trip_and_leaves_out_what_is_inherited():
    policy = Policy(
        blocking=Blocking.BLOCK,
        sensitivity=Sensitivity(0.4, {"ROLE_PLAY": 0.9}),
        sensitive_data=SensitiveData.REDACT,
        recipe="mine",
        evaluation_context="A bank's help desk.",
        tool_policies={"shell": ToolPolicy.BLOCK},
        fail_mode=FailMode.OPEN,
        store_text=StoreText.NONE,
    )
    assert codec.policy_from_dict(json.loads(json.dumps(codec.policy_to_dict(policy)))) == policy
    assert codec.policy_to_dict(Policy(blocking=Blocking.MONITOR)) == {"blocking": "monitor"}


def test_overrides_are_read():
    overrides = codec.overrides_from_dict(
        {
            "ignore_recipe": True,
            "detectors": {"pii": {"rules": {"us-ssn": "mask"}, "threshold": 1}, "topic": {"disabled": True}},
        }
    )
    assert overrides == Overrides(
        ignore_recipe=True,
        detectors={
            "pii": DetectorOverride(rules={"US_SSN": Rule(RuleAction.MASK)}, threshold=1.0),
            "topic": DetectorOverride(disabled=True),
        },
    )
    rule = Rule(RuleAction.PARTIAL_MASK, {"unmasked_from_right": 2}, block=True)
    whole = Overrides(
        {
            "pii": DetectorOverride(False, rule, {"US_SSN": rule}, 0.0, {"countries": ["US"]}),
            "topic": DetectorOverride(),
        }
    )
    for value in (overrides, whole, Overrides()):
        assert codec.overrides_from_dict(json.loads(json.dumps(codec.overrides_to_dict(value)))) == value


@pytest.mark.parametrize(
    ("data", "path", "code"),
    [
        pytest.param([], (), "wrong_type", id="no-object"),
        pytest.param({}, ("name",), "missing", id="no-name"),
        pytest.param({"name": "Bad Name"}, ("name",), "bad_format", id="bad-name"),
        pytest.param({"name": "a", "extra": 1}, ("extra",), "unknown_member", id="unknown-member"),
        pytest.param({"name": "a", "detectors": {}}, ("detectors",), "wrong_type", id="detectors-no-array"),
        pytest.param(
            {"name": "a", "detectors": [{"detector": "pii", "action": "vaporise"}]},
            ("detectors", 0, "action"),
            "not_in_enum",
            id="unknown-action",
        ),
        pytest.param(
            {"name": "a", "detectors": [{"detector": "pii", "threshold": 1.5}]},
            ("detectors", 0, "threshold"),
            "out_of_range",
            id="threshold-range",
        ),
        pytest.param(
            {"name": "a", "detectors": [{"detector": "pii", "threshold": True}]},
            ("detectors", 0, "threshold"),
            "wrong_type",
            id="threshold-bool",
        ),
        pytest.param(
            {"name": "a", "detectors": [{"detector": "pii"}, {"detector": "pii"}]},
            ("detectors",),
            "conflict",
            id="detector-twice",
        ),
        pytest.param(
            {"name": "a", "detectors": [{"detector": "pii", "rules": []}]},
            ("detectors", 0, "rules"),
            "wrong_type",
            id="rules-no-object",
        ),
    ],
)
def test_a_wrong_recipe_says_where(data, path, code):
    with pytest.raises(InvalidInput) as caught:
        codec.recipe_from_dict(data)
    assert (caught.value.path, caught.value.code) == (path, code)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ({"blocking": "sometimes"}, ("blocking",)),
        ({"sensitivity": 2}, ("sensitivity",)),
        ({"sensitivity": {"by_category": {"a": -1}}}, ("sensitivity", "by_category", "a")),
        ({"evaluation_context": "x" * 1001}, ("evaluation_context",)),
        ({"tool_policies": {"shell": "maybe"}}, ("tool_policies", "shell")),
        ({"tool_policies": []}, ("tool_policies",)),
        ({"colour": "red"}, ("colour",)),
    ],
)
def test_a_wrong_policy_says_where(data, path):
    with pytest.raises(InvalidInput) as caught:
        codec.policy_from_dict(data)
    assert caught.value.path == path


def test_log_fields_take_strings_only():
    assert codec.log_fields_from_data({"model": "m-1"}).model == "m-1"
    with pytest.raises(InvalidInput) as caught:
        codec.log_fields_from_data({"model": 1})
    assert caught.value.path == ("log_fields", "model")


@pytest.mark.parametrize("name", ["instruction-override", "INSTRUCTION_OVERRIDE", " Instruction override "])
def test_kinds_are_normalised(name):
    assert codec.normalize_kind(name) == "INSTRUCTION_OVERRIDE"
