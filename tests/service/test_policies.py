from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from service_support import RECIPE, StillClock
from store_support import START

from guardhouse.engine.catalog import builtin_recipes
from guardhouse.errors import InvalidInput, StorageUnavailable, UnknownName, UnknownRecipe
from guardhouse.model.policy import (
    Blocking,
    FailMode,
    Policy,
    Scope,
    SensitiveData,
    Sensitivity,
    StoreText,
    ToolPolicy,
)
from guardhouse.model.recipe import DetectorSetting, Rule, RuleAction
from guardhouse.service.policies import Policies, merge
from guardhouse.storage.policies import SqlPolicies
from guardhouse.storage.store import SqlStore

pytestmark = pytest.mark.anyio

BLOCK = Policy(blocking=Blocking.BLOCK)
MONITOR = Policy(blocking=Blocking.MONITOR)


class CountingPolicies(SqlPolicies):
    """The real store, counting reads."""

    asked = 0
    loaded = 0

    async def revision(self) -> int:
        self.asked += 1
        return await super().revision()

    async def load(self) -> object:  # type: ignore[override]
        self.loaded += 1
        return await super().load()


@pytest.fixture
async def counting(store: SqlStore) -> CountingPolicies:
    return CountingPolicies(store._database)


def make(store: SqlPolicies, clock: StillClock, **options: object) -> Policies:
    return Policies(store, known_categories=lambda: {"JAILBREAK", "SECRET"}, clock=clock, **options)  # type: ignore[arg-type]


@pytest.fixture
async def policies(counting: CountingPolicies, clock: StillClock) -> Policies:
    return make(counting, clock)


async def test_an_empty_store_gives_the_built_in_recipes_at_revision_zero(policies: Policies) -> None:
    snapshot = await policies.snapshot()
    assert (snapshot.revision, dict(snapshot.policies)) == (0, {})
    assert snapshot.recipes == builtin_recipes()


async def test_a_change_by_another_process_is_seen_within_a_second(
    policies: Policies, counting: CountingPolicies, clock: StillClock
) -> None:
    other = make(counting, clock)
    before = await policies.snapshot()
    await other.set(Scope("shop"), BLOCK)
    clock.seconds += 0.99
    assert await policies.snapshot() is before
    clock.seconds += 0.01
    after = await policies.snapshot()
    assert (after.revision, dict(after.policies)) == (1, {Scope("shop"): BLOCK})


async def test_the_store_is_asked_once_a_second_and_read_only_after_changes(
    policies: Policies, counting: CountingPolicies, clock: StillClock
) -> None:
    for _ in range(20):
        await asyncio.gather(*(policies.snapshot() for _ in range(5)))
        clock.seconds += 0.25
    assert counting.asked == 5
    assert counting.loaded == 1


async def test_a_snapshot_keeps_its_recipes_while_nothing_changes(policies: Policies, clock: StillClock) -> None:
    before = await policies.snapshot()
    clock.seconds += 5
    assert await policies.snapshot() is before


async def test_a_local_change_is_seen_at_once(policies: Policies) -> None:
    await policies.snapshot()
    assert await policies.set(Scope(), BLOCK) == 1
    assert (await policies.effective(Scope("any"))).blocking is Blocking.BLOCK


async def test_a_store_out_of_reach_is_not_passed_over(policies: Policies, store: SqlStore, clock: StillClock) -> None:
    await policies.snapshot()
    clock.seconds += 2

    async def fail() -> int:
        raise StorageUnavailable("the store is out of reach")

    policies._store.revision = fail  # type: ignore[method-assign]
    with pytest.raises(StorageUnavailable):
        await policies.snapshot()


@pytest.mark.parametrize(
    ("scope", "blocking", "sensitive_data", "sensitivity"),
    [
        (Scope(), Blocking.MONITOR, SensitiveData.SCAN, {"SECRET": 0.1}),
        (Scope(env="prod"), Blocking.BLOCK, SensitiveData.SCAN, {"SECRET": 0.2}),
        (Scope("shop"), Blocking.MONITOR, SensitiveData.REDACT, {"SECRET": 0.1, "JAILBREAK": 0.3}),
        (Scope("shop", "prod"), Blocking.BLOCK, SensitiveData.OFF, {"SECRET": 0.2, "JAILBREAK": 0.4}),
        (Scope("shop", "test"), Blocking.MONITOR, SensitiveData.REDACT, {"SECRET": 0.1, "JAILBREAK": 0.3}),
        (Scope("desk", "prod"), Blocking.BLOCK, SensitiveData.SCAN, {"SECRET": 0.2}),
    ],
    ids=str,
)
async def test_inheritance(
    policies: Policies, scope: Scope, blocking: Blocking, sensitive_data: SensitiveData, sensitivity: dict[str, float]
) -> None:
    await policies.set(
        Scope(),
        Policy(
            blocking=Blocking.MONITOR,
            sensitive_data=SensitiveData.SCAN,
            sensitivity=Sensitivity(by_category={"SECRET": 0.1}),
        ),
    )
    await policies.set(Scope(env="prod"), Policy(Blocking.BLOCK, Sensitivity(by_category={"SECRET": 0.2})))
    await policies.set(
        Scope("shop"),
        Policy(sensitive_data=SensitiveData.REDACT, sensitivity=Sensitivity(by_category={"JAILBREAK": 0.3})),
    )
    await policies.set(
        Scope("shop", "prod"),
        Policy(sensitive_data=SensitiveData.OFF, sensitivity=Sensitivity(by_category={"JAILBREAK": 0.4})),
    )
    effective = await policies.effective(scope)
    assert effective.revision == 4
    assert effective.blocking is blocking
    assert effective.sensitive_data is sensitive_data
    assert effective.sensitivity.by_category == sensitivity


async def test_the_setting_counts_where_no_policy_says_what_is_stored(
    counting: CountingPolicies, clock: StillClock
) -> None:
    policies = make(counting, clock, default_store_text=StoreText.NONE)
    assert (await policies.effective(Scope())).store_text is StoreText.NONE
    await policies.set(Scope(), Policy(store_text=StoreText.FULL))
    assert (await policies.effective(Scope())).store_text is StoreText.FULL


async def test_setting_leaves_what_it_does_not_name(policies: Policies) -> None:
    await policies.set(Scope(), Policy(Blocking.BLOCK, Sensitivity(0.4, {"SECRET": 0.1}), recipe="default"))
    await policies.set(Scope(), Policy(sensitivity=Sensitivity(by_category={"JAILBREAK": 0.2})))
    assert await policies.all() == {
        Scope(): Policy(Blocking.BLOCK, Sensitivity(0.4, {"SECRET": 0.1, "JAILBREAK": 0.2}), recipe="default")
    }


async def test_unsetting_lets_inherit_again(policies: Policies) -> None:
    await policies.set(Scope(), Policy(Blocking.BLOCK, fail_mode=FailMode.OPEN))
    assert await policies.unset(Scope(), ["fail_mode"]) == 2
    assert await policies.all() == {Scope(): BLOCK}
    assert await policies.unset(Scope()) == 3
    assert await policies.all() == {}
    assert await policies.unset(Scope()) == 3, "nothing was left to change"


@pytest.mark.parametrize(
    ("scope", "policy", "error"),
    [
        (Scope(), Policy(sensitivity=Sensitivity(by_category={"NONSENSE": 0.5})), UnknownName),
        (Scope(), Policy(recipe="nonsense"), UnknownRecipe),
        (Scope(""), BLOCK, InvalidInput),
        (Scope(env="x" * 201), BLOCK, InvalidInput),
    ],
    ids=["category", "recipe", "empty-service", "long-env"],
)
async def test_what_makes_no_sense_is_not_stored(
    policies: Policies, scope: Scope, policy: Policy, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await policies.set(scope, policy)
    assert (await policies.snapshot()).revision == 0


async def test_a_field_that_does_not_exist_cannot_be_unset(policies: Policies) -> None:
    with pytest.raises(UnknownName, match="nonsense"):
        await policies.unset(Scope(), ["blocking", "nonsense"])


async def test_a_recipe_made_a_moment_ago_by_another_process_can_be_named(
    policies: Policies, counting: CountingPolicies
) -> None:
    await policies.snapshot()
    await counting.put_recipe(RECIPE, at=START)
    await policies.set(Scope(), Policy(recipe="words"))
    assert (await policies.effective(Scope())).recipe == "words"
    assert (await policies.snapshot()).recipes["words"] == RECIPE
    assert [item.what for item in await policies.revisions()] == ["policy", "recipe"]


def test_merging_every_field() -> None:
    change = Policy(
        blocking=Blocking.BLOCK,
        sensitivity=Sensitivity(0.1, {"A": 0.2}),
        sensitive_data=SensitiveData.OFF,
        recipe="r",
        evaluation_context="c",
        tool_policies={"t": ToolPolicy.ALLOW},
        fail_mode=FailMode.OPEN,
        store_text=StoreText.FULL,
    )
    assert merge(Policy(), change) == change
    assert merge(change, Policy()) == change
    assert merge(change, Policy(tool_policies={"u": ToolPolicy.BLOCK})).tool_policies == {
        "t": ToolPolicy.ALLOW,
        "u": ToolPolicy.BLOCK,
    }


async def test_an_operators_own_entities_are_categories_too(policies: Policies, counting: CountingPolicies) -> None:
    options = {"entities": [{"name": "employee_id", "pattern": "E[0-9]{6}"}]}
    setting = DetectorSetting("custom_entity", Rule(RuleAction.REPORT), {"BADGE": Rule(RuleAction.MASK)}, None, options)
    await counting.put_recipe(replace(RECIPE, detectors=(setting,)), at=START)
    sensitivity = Sensitivity(by_category={"EMPLOYEE_ID": 0.9, "BADGE": 0.8})
    await policies.set(Scope(), Policy(sensitivity=sensitivity))
    assert (await policies.effective(Scope())).sensitivity == sensitivity
