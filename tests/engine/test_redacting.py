"""Redaction by itself: what is edited, what comes back, and that half a redaction is none."""

import pytest
from service_support import NoClassifier

from guardhouse.detectors.custom.entities import CustomEntityDetector
from guardhouse.detectors.pii.detector import PiiDetector
from guardhouse.engine.guard import Guard
from guardhouse.errors import (
    ConfigurationError,
    DetectorFailed,
    InvalidContext,
    InvalidInput,
    UnknownName,
    UnknownRecipe,
)
from guardhouse.model.recipe import DetectorSetting, Recipe, Rule, RuleAction
from guardhouse.settings import Settings
from guardhouse.testing import FakeDetector

SSN = "234-56-7890"
TEXT = f"SSN {SSN} of Ann"
PII = FakeDetector("pii", {SSN: ("US_SSN", 0.9), "Ann": ("PERSON", 0.9)})


def make_guard(*detectors):
    return Guard(detectors=detectors or (PII,), settings=Settings(plugins=False), redaction_key=bytes(32))


def test_texts_and_messages_come_back_in_their_form():
    guard = make_guard()
    assert guard.redact(TEXT, action="mask", kinds=["PERSON"]).content == f"SSN {SSN} of ***"
    messages = [{"role": "user", "content": TEXT, "x": 1}, {"role": "user", "content": "hello"}]
    hidden = guard.redact(messages, action="fpe", kinds=["US_SSN", "PERSON"], service="shop")
    assert hidden.count == 2
    assert SSN not in str(hidden.content)
    assert guard.unredact(hidden.content, hidden.fpe_context, service="shop") == messages
    with pytest.raises(InvalidContext):
        guard.unredact(hidden.content, hidden.fpe_context)


def test_a_detector_that_fails_gives_nothing_back():
    with pytest.raises(DetectorFailed, match="pii"):
        make_guard(FakeDetector("pii", PII.words, error=ValueError("x"))).redact(TEXT, kinds=["US_SSN"])


# --- the operator's own kinds -------------------------------------------------------------------------------------

STAFF = "S-204417"
OWN = f"Ask {STAFF} of Zenith, SSN {SSN}."


def operators_guard(action="replace", **entity):
    """A guard with a recipe that has an entity of the operator's, and a plug-in."""
    entities = [{"name": "staff_number", "pattern": "S-[0-9]{6}", **entity}]
    own = DetectorSetting("custom_entity", Rule(RuleAction(action)), options={"entities": entities})
    recipe = Recipe("own", "Own", "", (DetectorSetting("pii", Rule(RuleAction.REPLACE)), own))
    plugin = FakeDetector("names_of_ours", {"Zenith": ("PROJECT_NAME", 0.9)})
    detectors = (
        PiiDetector(),
        CustomEntityDetector(),
        plugin,
        FakeDetector("prompt_attack", {"Ask": ("JAILBREAK", 0.9)}),
    )
    settings = Settings(plugins=False)
    return Guard(detectors=detectors, settings=settings, recipes=[recipe], classifier=NoClassifier())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"kinds": ["STAFF_NUMBER"]}, OWN.replace(STAFF, "<STAFF_NUMBER>")),
        ({"kinds": ["staff-number"], "action": "mask"}, OWN.replace(STAFF, "********")),
        ({"kinds": ["PROJECT_NAME"]}, OWN.replace("Zenith", "<PROJECT_NAME>")),
        (
            {"kinds": ["STAFF_NUMBER", "US_SSN", "PROJECT_NAME"], "action": "replace", "parameters": {"value": "#"}},
            "Ask # of #, SSN #.",
        ),
        ({"kinds": [], "rules": {"STAFF_NUMBER": "mask"}}, OWN.replace(STAFF, "********")),
        ({"rules": {"staff_number": "mask"}}, "Ask ******** of Zenith, SSN <US_SSN>."),
        ({"action": "mask"}, "Ask ******** of Zenith, SSN ***********."),
        ({}, "Ask <STAFF_NUMBER> of Zenith, SSN <US_SSN>."),
    ],
    ids=str,
)
def test_kinds_of_operators_and_plug_ins_can_be_named(options, expected):
    assert operators_guard().redact(OWN, recipe="own", **options).content == expected


def test_an_entity_that_is_only_reported_is_edited_where_an_action_is_given():
    guard = operators_guard(action="report")
    assert guard.redact(OWN, recipe="own").content == OWN.replace(SSN, "<US_SSN>")
    assert guard.redact(OWN, recipe="own", action="mask").content == "Ask ******** of Zenith, SSN ***********."
    assert guard.redact(OWN, recipe="own", kinds=["STAFF_NUMBER"]).content == OWN.replace(STAFF, "<STAFF_NUMBER>")


def test_the_recipe_says_how_sure_an_entity_must_be():
    guard = operators_guard(context=["badge"])
    assert guard.redact(OWN, recipe="own", kinds=["STAFF_NUMBER"]).content == OWN
    near = f"badge {STAFF}"
    assert guard.redact(near, recipe="own", kinds=["STAFF_NUMBER"]).content == "badge <STAFF_NUMBER>"


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"kinds": ["US_SSN", "STAFF_NUMBER"]}, ("kinds", 1)),
        ({"recipe": "own", "kinds": ["STAFF_NUMBERS"]}, ("kinds", 0)),
        ({"recipe": "own", "kinds": ["JAILBREAK"]}, ("kinds", 0)),
        ({"recipe": "own", "kinds": [], "rules": {"NOTHING": "mask"}}, ("rules", "NOTHING")),
        ({"recipe": "own", "rules": {"NOTHING": "mask"}}, ("rules", "NOTHING")),
    ],
    ids=["another-recipe", "mistyped", "no-data", "rule-alone", "rule"],
)
def test_kinds_that_do_not_exist_are_the_callers_mistake(options, path):
    with pytest.raises(UnknownName) as refused:
        operators_guard().redact(OWN, **options)
    assert refused.value.path == path


def test_a_recipe_that_does_not_exist_is_told_before_its_kinds():
    with pytest.raises(UnknownRecipe):
        operators_guard().redact(OWN, recipe="none", kinds=["STAFF_NUMBER"])


def test_entities_that_cannot_be_read_are_the_operators_mistake():
    with pytest.raises(ConfigurationError, match="entities"):
        operators_guard(pattern="(").redact(OWN, recipe="own", kinds=["STAFF_NUMBER"])


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"action": "report"}, InvalidInput),
        ({"parameters": {"value": "x"}}, InvalidInput),
        ({"kinds": ["NOTHING"]}, UnknownName),
        ({"action": "fpe", "kinds": ["PERSON"], "fpe_context": "x"}, InvalidContext),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(options, error):
    with pytest.raises(error):
        make_guard().redact(TEXT, **options)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Ana Lima lives at 12 Harrow Lane, Leeds LS1 4AP and was born on 3 May 1981. Her DNI is 12345678Z.",
            "<PERSON> lives at <LOCATION> and was born on <DATE_OF_BIRTH>. Her DNI is <NIF>.",
        ),
        ("The quick brown fox jumps over the lazy dog on Monday.", None),
    ],
    ids=["a person", "nobody"],
)
def test_anonymize_takes_out_what_points_to_a_person(text, expected):
    guard = Guard(settings=Settings(plugins=False))
    assert guard.redact(text, recipe="anonymize").content == (expected or text)
