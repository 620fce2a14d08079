"""Which scope's word holds."""

import pytest

from guardhouse.engine.policy import resolve_policy
from guardhouse.model.policy import (
    Blocking,
    Policy,
    PolicySnapshot,
    Scope,
    SensitiveData,
    Sensitivity,
    StoreText,
    ToolPolicy,
)

POLICIES = {
    Scope(): Policy(
        blocking=Blocking.MONITOR,
        sensitive_data=SensitiveData.SCAN,
        sensitivity=Sensitivity(0.5, {"ROLE_PLAY": 0.9}),
        tool_policies={"shell": ToolPolicy.BLOCK},
    ),
    Scope(env="prod"): Policy(blocking=Blocking.BLOCK, sensitivity=Sensitivity(None, {"JAILBREAK": 0.3})),
    Scope(service="bot"): Policy(sensitivity=Sensitivity(0.4), tool_policies={"shell": ToolPolicy.ALLOW}),
    Scope("bot", "prod"): Policy(sensitive_data=SensitiveData.REDACT, recipe="mine"),
}


def resolve(scope):
    return resolve_policy(PolicySnapshot(3, POLICIES, {}), scope)


@pytest.mark.parametrize(
    ("scope", "blocking", "sensitive_data", "sensitivity", "recipe"),
    [
        (Scope(), Blocking.MONITOR, SensitiveData.SCAN, 0.5, None),
        (Scope(env="prod"), Blocking.BLOCK, SensitiveData.SCAN, 0.5, None),
        (Scope("other", "prod"), Blocking.BLOCK, SensitiveData.SCAN, 0.5, None),
        (Scope("bot"), Blocking.MONITOR, SensitiveData.SCAN, 0.4, None),
        (Scope("bot", "dev"), Blocking.MONITOR, SensitiveData.SCAN, 0.4, None),
        (Scope("bot", "prod"), Blocking.BLOCK, SensitiveData.REDACT, 0.4, "mine"),
    ],
)
def test_the_most_specific_scope_wins_field_by_field(scope, blocking, sensitive_data, sensitivity, recipe):
    policy = resolve(scope)
    assert policy.blocking is blocking
    assert policy.sensitive_data is sensitive_data
    assert policy.sensitivity.default == sensitivity
    assert policy.recipe == recipe
    assert policy.revision == 3


def test_names_merge_over_the_scopes():
    policy = resolve(Scope("bot", "prod"))
    assert policy.sensitivity.by_category == {"ROLE_PLAY": 0.9, "JAILBREAK": 0.3}
    assert policy.tool_policies == {"shell": ToolPolicy.ALLOW}


def test_without_policies_nothing_is_said():
    policy = resolve_policy(PolicySnapshot(0, {}, {}), Scope("a", "b"), store_text=StoreText.NONE)
    assert (policy.blocking, policy.sensitive_data, policy.fail_mode) == (None, None, None)
    assert policy.store_text is StoreText.NONE
