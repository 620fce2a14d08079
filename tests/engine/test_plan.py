"""What becomes of a recipe under overrides and a policy on sensitive data."""

import pytest

from guardhouse.engine.plan import build_plan
from guardhouse.errors import InvalidInput, UnknownName
from guardhouse.model.policy import SensitiveData
from guardhouse.model.recipe import DetectorOverride, DetectorSetting, Overrides, Recipe, Rule, RuleAction
from guardhouse.redaction import guardhouse_operators
from guardhouse.testing import FakeDetector

OPERATORS = {operator.action: operator for operator in guardhouse_operators()}
DETECTORS = {
    name: FakeDetector(name, words={"x": ("US_SSN", 0.9), "y": ("EMAIL_ADDRESS", 0.9)})
    for name in ("prompt_attack", "pii", "secrets", "topic")
}
BLOCK, REPORT, MASK, REPLACE, DISABLED = (
    Rule(RuleAction(name)) for name in ("block", "report", "mask", "replace", "disabled")
)
RECIPE = Recipe(
    "r",
    "R",
    "",
    (
        DetectorSetting("prompt_attack", BLOCK),
        DetectorSetting("pii", DISABLED, rules={"US_SSN": MASK}),
        DetectorSetting("secrets", REPORT),
    ),
)


def plan(overrides=None, sensitive_data=None, recipe=RECIPE):
    return build_plan(recipe, overrides, sensitive_data, detectors=DETECTORS, operators=OPERATORS, shared={})


def settings(**kwargs):
    return {step.setting.detector: step.setting for step in plan(**kwargs).steps}


def change(**detectors):
    return Overrides({name: DetectorOverride(**members) for name, members in detectors.items()})


def test_a_recipe_runs_in_its_order():
    assert [step.setting.detector for step in plan().steps] == ["prompt_attack", "pii", "secrets"]


def test_an_override_can_switch_a_detector_off():
    assert list(settings(overrides=change(pii={"disabled": True}))) == ["prompt_attack", "secrets"]


def test_an_override_of_one_kind_leaves_the_others():
    pii = settings(overrides=change(pii={"rules": {"EMAIL_ADDRESS": REPLACE}}))["pii"]
    assert pii.rules == {"US_SSN": MASK, "EMAIL_ADDRESS": REPLACE}
    assert pii.default == DISABLED


def test_an_override_of_the_action_holds_where_the_recipe_had_one():
    changed = settings(overrides=change(pii={"default": BLOCK}, secrets={"default": BLOCK}))
    assert changed["pii"].rule_for("US_SSN") == BLOCK
    assert changed["pii"].rule_for("EMAIL_ADDRESS") == DISABLED
    assert changed["secrets"].rule_for("ANY") == BLOCK


def test_naming_a_detector_the_recipe_lacks_adds_it():
    added = settings(overrides=change(topic={"threshold": 0.7}))["topic"]
    assert (added.default, added.threshold) == (REPORT, 0.7)


def test_an_added_detector_takes_its_place_in_the_order():
    recipe = Recipe("r", "R", "", (DetectorSetting("prompt_attack", BLOCK), DetectorSetting("topic", REPORT)))
    overrides = change(secrets={"default": BLOCK}, pii={"default": REPORT})
    order = [step.setting.detector for step in plan(overrides, recipe=recipe).steps]
    assert order == ["prompt_attack", "pii", "secrets", "topic"]


def test_naming_only_kinds_looks_for_these_only():
    overrides = Overrides({"pii": DetectorOverride(rules={"US_SSN": MASK})}, ignore_recipe=True)
    assert list(settings(overrides=overrides)) == ["pii"]
    assert settings(overrides=overrides)["pii"].rule_for("EMAIL_ADDRESS") == DISABLED


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (None, {"pii": MASK, "secrets": REPORT}),
        (SensitiveData.OFF, {}),
        (SensitiveData.SCAN, {"pii": REPORT, "secrets": REPORT}),
        (SensitiveData.REDACT, {"pii": MASK, "secrets": REPLACE}),
    ],
)
def test_the_policy_on_sensitive_data(word, expected):
    found = settings(sensitive_data=word)
    assert found.pop("prompt_attack").default == BLOCK
    assert {name: setting.rule_for("US_SSN") for name, setting in found.items()} == expected


def test_a_block_survives_the_policy_on_sensitive_data():
    recipe = Recipe("r", "R", "", (DetectorSetting("pii", BLOCK),))
    for word in (SensitiveData.SCAN, SensitiveData.REDACT):
        assert settings(sensitive_data=word, recipe=recipe)["pii"].default == BLOCK


def test_an_edit_that_nobody_serves_becomes_a_replacement():
    recipe = Recipe("r", "R", "", (DetectorSetting("pii", Rule(RuleAction.FPE, {"alphabet": "numeric"})),))
    served = {action: operator for action, operator in OPERATORS.items() if action is not RuleAction.FPE}
    made = build_plan(recipe, None, None, detectors=DETECTORS, operators=served, shared={})
    assert made.steps[0].setting.default == REPLACE


@pytest.mark.parametrize(
    ("setting", "error", "path"),
    [
        pytest.param(DetectorSetting("nobody", REPORT), UnknownName, ("detectors", "nobody"), id="detector"),
        pytest.param(
            DetectorSetting("pii", REPORT, rules={"SHOE_SIZE": MASK}),
            UnknownName,
            ("detectors", "pii", "rules", "SHOE_SIZE"),
            id="kind",
        ),
        pytest.param(
            DetectorSetting("pii", REPORT, options={"depth": 1}),
            UnknownName,
            ("detectors", "pii", "options", "depth"),
            id="option",
        ),
        pytest.param(
            DetectorSetting("pii", Rule(RuleAction.MASK, {"depth": 1})),
            InvalidInput,
            ("detectors", "pii", "parameters", "depth"),
            id="parameter",
        ),
        pytest.param(
            DetectorSetting("pii", Rule(RuleAction.MASK, {"masking_char": ""})),
            InvalidInput,
            ("detectors", "pii", "parameters", "masking_char"),
            id="parameter-value",
        ),
    ],
)
def test_what_does_not_exist_is_refused_with_its_path(setting, error, path):
    with pytest.raises(error) as caught:
        plan(recipe=Recipe("r", "R", "", (setting,)))
    assert caught.value.path == path
