"""Reasons say what, where and why, and never quote."""

import pytest

from guardhouse.engine.explain import explain
from guardhouse.model.conversation import Channel, SourceText, TextForm
from guardhouse.model.evaluation import Action, AppliedFinding, DetectorReport, Outcome
from guardhouse.model.finding import Finding
from guardhouse.model.policy import FailMode
from guardhouse.model.recipe import RuleAction

PATH = ("messages", 0, "content")


def applied(detector, kind, *, blocked=True, path=PATH):
    action = RuleAction.BLOCK if blocked else RuleAction.REPORT
    return AppliedFinding(Finding(detector, kind, 0.9, path, value="secret text"), 0.5, action, blocked)


def say(action, reports, channel=Channel.USER, *, form=TextForm.CONTENT, tool="", failed=False, mode=FailMode.CLOSED):
    source = SourceText("secret text", PATH, channel, 0, form, tool)
    return explain(action, reports, {PATH: source}, failed_required=failed, fail_mode=mode)


def report(*findings, detector="prompt_attack"):
    return DetectorReport(detector, Outcome.DETECTED, findings)


@pytest.mark.parametrize(
    ("channel", "form", "tool", "expected"),
    [
        (Channel.USER, TextForm.CONTENT, "", "the user's message"),
        (Channel.TOOL, TextForm.CONTENT, "search", "a tool result"),
        (Channel.DOCUMENT, TextForm.CONTENT, "", "a document"),
        (Channel.ASSISTANT, TextForm.ARGUMENTS, "shell.run", "the call of shell.run"),
        (Channel.ASSISTANT, TextForm.ARGUMENTS, "say: secret text!", "a tool call"),
    ],
)
def test_the_subject_is_the_channel_and_tool_names_must_be_plain(channel, form, tool, expected):
    reason = say(Action.DENY, [report(applied("prompt_attack", "JAILBREAK"))], channel, form=form, tool=tool)
    assert reason == f"Denied: {expected} tries to talk the assistant out of its rules."


@pytest.mark.parametrize(
    ("detector", "kind", "expected"),
    [
        ("pii", "US_SSN", "the user's message holds personal data (US_SSN)"),
        ("secrets", "GITHUB_TOKEN", "the user's message holds a secret (GITHUB_TOKEN)"),
        ("malicious_entity", "IP_ADDRESS", "the user's message names a malicious ip address"),
        ("custom_entity", "STAFF_NUMBER", "the user's message holds STAFF_NUMBER"),
    ],
)
def test_what_is_only_reported_is_told_too(detector, kind, expected):
    reason = say(Action.ALLOW, [report(applied(detector, kind, blocked=False), detector=detector)])
    assert reason == f"Allowed: nothing found that blocks. Also found: {expected}."


def test_long_lists_are_cut():
    findings = [applied("pii", f"KIND_{index}") for index in range(9)]
    assert say(Action.DENY, [report(*findings)]).endswith(", and 3 more.")


def test_a_finding_of_no_known_text_speaks_of_the_conversation():
    assert "the conversation" in say(Action.DENY, [report(applied("x", "Y", path=("elsewhere",)))])


@pytest.mark.parametrize(
    ("action", "mode", "meaning"),
    [
        (Action.DENY, FailMode.CLOSED, "the policy denies then"),
        (Action.ALLOW, FailMode.OPEN, "the policy lets pass"),
    ],
)
def test_what_was_not_checked_is_said(action, mode, meaning):
    failed = DetectorReport("pii", Outcome.FAILED, detail="the detector raised ValueError")
    reason = say(action, [failed], failed=True, mode=mode)
    verdict = "Denied" if action is Action.DENY else "Allowed"
    assert reason == f"{verdict}. Not checked, because it failed: pii; {meaning}."
