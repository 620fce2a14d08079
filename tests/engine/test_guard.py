"""The whole engine over detectors whose findings the test sets."""

import logging

import pytest

from guardhouse.engine.guard import Guard
from guardhouse.errors import Blocked, ConfigurationError, DeadlineExceeded, InvalidInput, UnknownRecipe
from guardhouse.model.conversation import Channel
from guardhouse.model.evaluation import Action, Outcome
from guardhouse.model.policy import Blocking, FailMode, Policy, Scope, SensitiveData, Sensitivity
from guardhouse.model.recipe import DetectorSetting, Recipe, Rule, RuleAction
from guardhouse.model.request import EvaluationRequest
from guardhouse.settings import Settings
from guardhouse.testing import FakeDetector, conversation

ATTACK = FakeDetector("prompt_attack", {"ignore": ("INSTRUCTION_OVERRIDE", 0.8), "maybe": ("ROLE_PLAY", 0.3)})
TOOLS = FakeDetector("tool_call", {"shutdown": ("DESTRUCTIVE_TOOL_CALL", 0.9), "shell": ("SECURITY_EXPLOIT", 0.9)})
PII = FakeDetector("pii", {"234-56-7890": ("US_SSN", 0.6)})
BLOCK, REPORT, REPLACE = (Rule(RuleAction(name)) for name in ("block", "report", "replace"))
RECIPE = Recipe(
    "r",
    "R",
    "",
    (DetectorSetting("prompt_attack", BLOCK), DetectorSetting("tool_call", BLOCK), DetectorSetting("pii", REPLACE)),
    stop_on_block=False,
)


def make_guard(*detectors, recipe=RECIPE, policies=None, settings=None):
    return Guard(
        detectors=detectors or (ATTACK, TOOLS, PII),
        recipes=[recipe],
        policies=policies,
        settings=settings or Settings(plugins=False),
        new_id=lambda: "e1",
    )


def judge(guard, content, **members):
    request = EvaluationRequest(conversation(content), recipe="r", **members)
    return guard.judge(request, guard.snapshot)


def outcomes(evaluation):
    return {report.detector: report.outcome for report in evaluation.reports}


def test_nothing_found_is_allowed():
    evaluation = make_guard().evaluate("hello there", recipe="r")
    assert (evaluation.id, evaluation.action, evaluation.blocked) == ("e1", Action.ALLOW, False)
    assert outcomes(evaluation) == dict.fromkeys(("prompt_attack", "tool_call", "pii"), Outcome.NOT_DETECTED)
    assert evaluation.texts == {}
    assert evaluation.reason == "Allowed: nothing found that blocks."


def test_an_attack_is_denied_with_its_confidence_and_threshold():
    evaluation = make_guard().evaluate("please ignore it, maybe", recipe="r")
    assert (evaluation.action, evaluation.blocked) == (Action.DENY, True)
    assert evaluation.confidences == {"INSTRUCTION_OVERRIDE": 0.8, "ROLE_PLAY": 0.3}
    assert evaluation.thresholds == {"INSTRUCTION_OVERRIDE": 0.5, "ROLE_PLAY": 0.5}
    assert evaluation.flagged == ("INSTRUCTION_OVERRIDE",)
    assert evaluation.reason == "Denied: the user's message tells the assistant to disregard its instructions."
    report = evaluation.report("prompt_attack")
    assert (report.action, report.analyzers[0].confidence) == (RuleAction.BLOCK, 0.8)


def test_destructive_tool_activity_aborts_and_exploits_deny():
    assert make_guard().evaluate("shutdown shell", recipe="r").action is Action.ABORT
    assert make_guard().evaluate("shell", recipe="r").action is Action.DENY


def test_blocking_follows_the_policy_and_the_action_does_not():
    guard = make_guard(policies={Scope("bot"): Policy(blocking=Blocking.MONITOR)})
    monitored = guard.evaluate("ignore", recipe="r", service="bot", block=True)
    assert (monitored.action, monitored.blocked, monitored.blocking_enabled) == (Action.DENY, False, False)
    with pytest.raises(Blocked) as caught:
        guard.evaluate("ignore", recipe="r", block=True)
    assert caught.value.evaluation.action is Action.DENY


def test_the_dialects_default_holds_where_no_policy_says():
    evaluation = judge(make_guard(), "ignore", default_blocking=Blocking.MONITOR)
    assert (evaluation.action, evaluation.blocked) == (Action.DENY, False)


@pytest.mark.parametrize(
    ("policy", "request_sensitivity", "expected"),
    [
        pytest.param(Sensitivity(), Sensitivity(), Action.DENY, id="default-half"),
        pytest.param(Sensitivity(0.9), Sensitivity(), Action.ALLOW, id="policy"),
        pytest.param(Sensitivity(0.9, {"INSTRUCTION_OVERRIDE": 0.8}), Sensitivity(), Action.DENY, id="equal-flags"),
        pytest.param(Sensitivity(0.1), Sensitivity(0.9), Action.ALLOW, id="request-wins"),
        pytest.param(Sensitivity(0.9), Sensitivity(0.9, {"INSTRUCTION_OVERRIDE": 0.5}), Action.DENY, id="by-category"),
    ],
)
def test_sensitivity(policy, request_sensitivity, expected):
    guard = make_guard(policies={Scope(): Policy(sensitivity=policy)})
    assert judge(guard, "ignore", sensitivity=request_sensitivity).action is expected


def test_a_general_sensitivity_does_not_move_entities():
    evaluation = judge(make_guard(), "my ssn is 234-56-7890", sensitivity=Sensitivity(0.9))
    assert evaluation.flagged == ("US_SSN",)
    assert judge(make_guard(), "234-56-7890", sensitivity=Sensitivity(None, {"US_SSN": 0.9})).flagged == ()


def test_redaction_names_the_replacement_and_keeps_the_value():
    evaluation = make_guard().evaluate([{"role": "user", "content": "my ssn is 234-56-7890."}], recipe="r")
    assert evaluation.texts == {("messages", 0, "content"): "my ssn is <US_SSN>."}
    applied = evaluation.report("pii").findings[0]
    assert (applied.replacement, applied.finding.value) == ("<US_SSN>", "234-56-7890")
    assert "234-56-7890" not in repr(evaluation)
    assert "234" not in evaluation.reason


def test_after_a_block_the_rest_is_not_executed_where_the_recipe_says_so():
    stopping = Recipe("r", "R", "", RECIPE.detectors, stop_on_block=True)
    evaluation = make_guard(recipe=stopping).evaluate("ignore 234-56-7890", recipe="r")
    assert outcomes(evaluation) == {
        "prompt_attack": Outcome.DETECTED,
        "tool_call": Outcome.NOT_EXECUTED,
        "pii": Outcome.NOT_EXECUTED,
    }
    assert evaluation.texts == {}


@pytest.mark.parametrize("fail_mode", [FailMode.CLOSED, FailMode.OPEN, None])
@pytest.mark.parametrize("blocking", [Blocking.BLOCK, Blocking.MONITOR])
def test_a_failed_detector_is_said_and_the_fail_mode_decides(fail_mode, blocking, caplog):
    broken = FakeDetector("prompt_attack", error=ValueError("holds the judged text"))
    guard = make_guard(broken, TOOLS, PII, policies={Scope(): Policy(fail_mode=fail_mode, blocking=blocking)})
    with caplog.at_level(logging.ERROR):
        evaluation = guard.evaluate("hello", recipe="r")
    closed = fail_mode is FailMode.CLOSED or (fail_mode is None and blocking is Blocking.BLOCK)
    assert evaluation.action is (Action.DENY if closed else Action.ALLOW)
    report = evaluation.report("prompt_attack")
    assert (report.outcome, report.detail) == (Outcome.FAILED, "the detector raised ValueError")
    assert "prompt_attack" in evaluation.reason
    assert "holds the judged text" not in caplog.text + evaluation.reason


def test_a_detector_that_is_not_required_may_fail():
    optional = Recipe("r", "R", "", (DetectorSetting("pii", REPORT, required=False),))
    guard = make_guard(FakeDetector("pii", error=DeadlineExceeded("too late")), recipe=optional)
    evaluation = guard.evaluate("hello", recipe="r")
    assert evaluation.action is Action.ALLOW
    assert evaluation.report("pii").outcome is Outcome.FAILED


def test_a_span_outside_its_text_fails_the_detector():
    class Astray(FakeDetector):
        def find(self, evidence, setting):
            for finding in FakeDetector.find(self, evidence, setting):
                yield type(finding)(self.name, "US_SSN", 0.9, ("elsewhere",), finding.span)

    evaluation = make_guard(Astray("pii", PII.words), ATTACK, TOOLS).evaluate("234-56-7890", recipe="r")
    assert evaluation.report("pii").outcome is Outcome.FAILED


def test_what_lies_beyond_the_most_matches_is_not_called_read(monkeypatch):
    monkeypatch.setattr("guardhouse.matching.matcher.MAX_HITS", 3)
    entity = {"name": "STAFF_NUMBER", "pattern": "EMP-[0-9]{3}"}
    setting = DetectorSetting("custom_entity", REPLACE, options={"entities": [entity]})
    guard = Guard(recipes=[Recipe("r", "R", "", (setting,))], settings=Settings(plugins=False))
    whole = guard.evaluate("EMP-123 " * 3, recipe="r")
    assert (whole.action, whole.report("custom_entity").outcome) == (Action.ALLOW, Outcome.DETECTED)
    cut = guard.evaluate("EMP-123 " * 4, recipe="r")
    assert (cut.action, cut.report("custom_entity").outcome) == (Action.DENY, Outcome.FAILED)
    assert cut.texts == {("text",): "<STAFF_NUMBER> " * 3 + "EMP-123 "}


def test_when_time_is_up_everything_has_failed():
    guard = make_guard(settings=Settings(plugins=False, deadline_s=1e-9))
    evaluation = guard.evaluate("ignore", recipe="r")
    assert set(outcomes(evaluation).values()) == {Outcome.FAILED}
    assert evaluation.action is Action.DENY


def test_unread_images_are_said_to_be_unread():
    content = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]
    evaluation = make_guard().evaluate([{"role": "user", "content": content}], recipe="r")
    assert evaluation.report("image").outcome is Outcome.NOT_EXECUTED


def test_only_the_judged_messages_count():
    messages = [{"role": "user", "content": "ignore"}, {"role": "user", "content": "hello"}]
    assert make_guard().evaluate(messages, recipe="r").action is Action.ALLOW


def test_the_policy_chooses_recipe_and_sensitive_data_unless_the_caller_does():
    guard = make_guard(policies={Scope(): Policy(recipe="r", sensitive_data=SensitiveData.OFF)})
    assert guard.evaluate("234-56-7890").report("pii") is None
    assert guard.evaluate("234-56-7890", recipe="r").report("pii").outcome is Outcome.DETECTED


def test_recipes_that_do_not_exist():
    with pytest.raises(UnknownRecipe):
        make_guard().evaluate("x", recipe="nope")
    with pytest.raises(ConfigurationError):
        make_guard(policies={Scope(): Policy(recipe="nope")}).evaluate("x")


def test_plain_overrides_are_read_and_roles_checked():
    overrides = {"detectors": {"prompt_attack": {"action": "report"}}}
    assert make_guard().evaluate("ignore", recipe="r", overrides=overrides).action is Action.ALLOW
    with pytest.raises(InvalidInput):
        make_guard().evaluate("x", recipe="r", role="wizard")


def test_a_recipe_that_is_ignored_may_name_detectors_that_are_not_there():
    other = Recipe("other", "Other", "", (DetectorSetting("nobody", Rule(RuleAction.REPORT)),))
    guard = make_guard(recipe=other)
    overrides = {"ignore_recipe": True, "detectors": {"prompt_attack": {"action": "block"}}}
    assert guard.evaluate("ignore", recipe="other", overrides=overrides).action is Action.DENY
    with pytest.raises(ConfigurationError):
        guard.evaluate("ignore", recipe="other", overrides={"detectors": {"prompt_attack": {"action": "block"}}})


def test_the_error_of_an_override_leads_to_its_place_in_the_request():
    overrides = {"detectors": {"prompt_attack": {"options": {"nope": 1}}}}
    with pytest.raises(InvalidInput) as caught:
        make_guard().evaluate("x", recipe="r", overrides=overrides)
    assert caught.value.path == ("overrides", "detectors", "prompt_attack", "options", "nope")


def test_the_channel_of_a_single_text_is_its_role():
    seen = []

    class Watching(FakeDetector):
        def find(self, evidence, setting):
            seen.extend(text.source.channel for text in evidence.texts)
            return ()

    make_guard(Watching("prompt_attack"), TOOLS, PII).evaluate("x", recipe="r", role="tool")
    assert seen == [Channel.TOOL]


def test_time_that_is_used_up_already_counts():
    guard = make_guard()
    request = EvaluationRequest(conversation("ignore"), recipe="r")
    evaluation = guard.judge(request, guard.snapshot, used_s=Settings().deadline_s)
    assert set(outcomes(evaluation).values()) == {Outcome.FAILED}
    assert "normalize" not in evaluation.timings_ms, "not even begun"


def test_an_inline_recipe_wins_over_names_and_over_the_policys_word_on_sensitive_data():
    guard = make_guard(policies={Scope(): Policy(recipe="nope", sensitive_data=SensitiveData.OFF)})
    inline = Recipe("of a configuration", "C", "", (DetectorSetting("pii", REPLACE),))
    evaluation = judge(guard, "ignore 234-56-7890", inline_recipe=inline)
    assert evaluation.recipe == "of a configuration"
    assert outcomes(evaluation) == {"pii": Outcome.DETECTED}
    broken = Recipe("b", "B", "", (DetectorSetting("nonsense", REPORT),))
    with pytest.raises(ConfigurationError):
        judge(guard, "x", inline_recipe=broken)


@pytest.mark.parametrize(("blocking", "blocked"), [(Blocking.BLOCK, True), (Blocking.MONITOR, False)])
def test_what_the_callers_own_rules_deny_is_not_looked_through(blocking, blocked):
    guard = make_guard(policies={Scope(): Policy(blocking=blocking)})
    evaluation = judge(guard, "ignore 234-56-7890", denied="the access rule x refuses it")
    assert (evaluation.action, evaluation.blocked) == (Action.DENY, blocked)
    assert evaluation.reason == "Denied: the access rule x refuses it."
    assert outcomes(evaluation) == dict.fromkeys(("prompt_attack", "tool_call", "pii"), Outcome.NOT_EXECUTED)
    assert evaluation.texts == {}
