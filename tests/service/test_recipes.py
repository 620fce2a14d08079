from __future__ import annotations

from dataclasses import replace

import pytest
from service_support import RECIPE

from guardhouse.engine.catalog import builtin_recipes
from guardhouse.errors import Conflict, InvalidInput, NotFound, UnknownName
from guardhouse.model.policy import Policy, Scope
from guardhouse.model.recipe import DetectorSetting, Rule, RuleAction
from guardhouse.service.app import Services
from guardhouse.service.recipes import describe_scope

pytestmark = pytest.mark.anyio

MINE = replace(RECIPE, name="mine")


async def test_own_recipes_stand_beside_the_built_in_ones(services: Services) -> None:
    revision = await services.recipes.save(MINE)
    names = [recipe.name for recipe in await services.recipes.list()]
    assert names == sorted([*builtin_recipes(), "mine", "words"])
    assert await services.recipes.get("mine") == MINE
    assert not await services.recipes.is_builtin("mine")
    assert await services.recipes.is_builtin("default")
    assert (await services.policies.snapshot()).revision == revision


async def test_saving_again_replaces(services: Services) -> None:
    await services.recipes.save(MINE)
    changed = replace(MINE, title="Changed")
    await services.recipes.save(changed)
    assert await services.recipes.get("mine") == changed


async def test_built_in_recipes_cannot_be_changed_or_deleted(services: Services) -> None:
    with pytest.raises(Conflict, match="another name"):
        await services.recipes.save(replace(MINE, name="default"))
    with pytest.raises(Conflict, match="built in"):
        await services.recipes.delete("default")
    assert await services.recipes.get("default") == builtin_recipes()["default"]


@pytest.mark.parametrize(
    ("setting", "error", "says"),
    [
        (DetectorSetting("nonsense", Rule(RuleAction.BLOCK)), UnknownName, "detector 'nonsense'"),
        (
            DetectorSetting("secrets", Rule(RuleAction.BLOCK), rules={"NONSENSE": Rule(RuleAction.BLOCK)}),
            UnknownName,
            "rule 'NONSENSE'",
        ),
        (DetectorSetting("secrets", Rule(RuleAction.BLOCK), options={"nonsense": 1}), UnknownName, "option 'nonsense'"),
        (DetectorSetting("secrets", Rule(RuleAction.MASK, {"nonsense": 1})), InvalidInput, "parameter 'nonsense'"),
    ],
    ids=["detector", "rule", "option", "parameter"],
)
async def test_what_cannot_run_is_not_stored(
    services: Services, setting: DetectorSetting, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        await services.recipes.save(replace(MINE, detectors=(setting,)))
    with pytest.raises(NotFound):
        await services.recipes.get("mine")


async def test_a_recipe_that_a_policy_names_stays(services: Services) -> None:
    await services.recipes.save(MINE)
    await services.policies.set(Scope("shop", "prod"), Policy(recipe="mine"))
    with pytest.raises(Conflict, match="service 'shop' in env 'prod'"):
        await services.recipes.delete("mine")
    await services.policies.unset(Scope("shop", "prod"))
    await services.recipes.delete("mine")
    with pytest.raises(NotFound):
        await services.recipes.delete("mine")


async def test_an_own_recipe_wins_over_one_that_a_later_version_brings(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await services.recipes.save(MINE)
    brought = {**builtin_recipes(), "mine": replace(MINE, title="Brought along")}
    for module in ("policies", "recipes"):
        monkeypatch.setattr(f"guardhouse.service.{module}.builtin_recipes", lambda: brought)
    await services.policies.set(Scope(), Policy(recipe="mine"))
    assert await services.recipes.get("mine") == MINE
    await services.recipes.delete("mine")
    assert (await services.recipes.get("mine")).title == "Brought along"


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        (Scope(), "the organisation"),
        (Scope("shop"), "service 'shop'"),
        (Scope(env="prod"), "env 'prod'"),
        (Scope("shop", "prod"), "service 'shop' in env 'prod'"),
    ],
    ids=str,
)
def test_scopes_in_words(scope: Scope, words: str) -> None:
    assert describe_scope(scope) == words
