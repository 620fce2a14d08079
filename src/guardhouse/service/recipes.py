"""Recipes: the built-in ones, read-only, and the operator's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from guardhouse.engine.catalog import builtin_recipes
from guardhouse.errors import Conflict, NotFound
from guardhouse.model.policy import Scope
from guardhouse.model.recipe import Recipe
from guardhouse.service.policies import Policies
from guardhouse.storage.base import PolicyStore


class Recipes:
    """The recipes of one store beside the built-in ones. `check` raises `InvalidInput` for what cannot be run."""

    def __init__(
        self,
        store: PolicyStore,
        policies: Policies,
        *,
        check: Callable[[Recipe], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._policies = policies
        self._check = check
        self._now = now

    async def list(self) -> list[Recipe]:
        """All recipes that requests can name, by name."""
        recipes = (await self._policies.snapshot()).recipes
        return [recipes[name] for name in sorted(recipes)]

    async def get(self, name: str) -> Recipe:
        """Raises `NotFound`."""
        recipe = (await self._policies.snapshot()).recipes.get(name)
        if recipe is None:
            raise NotFound(f"there is no recipe {name!r}")
        return recipe

    async def is_builtin(self, name: str) -> bool:
        """True when the package brings it and the store does not replace it."""
        return name in builtin_recipes() and name not in (await self._policies.stored()).recipes

    async def save(self, recipe: Recipe) -> int:
        """Stores or replaces an operator's recipe and returns the revision.

        Raises `Conflict` for a built-in name, `UnknownName`, `InvalidInput` or `InvalidPattern` for what cannot run.
        """
        if await self.is_builtin(recipe.name):
            raise Conflict(
                f"the recipe {recipe.name!r} is built in and cannot be changed; import it under another name"
            )
        self._check(recipe)
        revision = await self._store.put_recipe(recipe, at=self._now())
        await self._policies.refresh()
        return revision

    async def delete(self, name: str) -> int:
        """Removes an operator's recipe and returns the revision.

        Raises `NotFound`, and `Conflict` for a built-in recipe or while a policy names it.
        """
        if await self.is_builtin(name):
            raise Conflict(f"the recipe {name!r} is built in and cannot be deleted")
        await self._policies.refresh()
        if name not in builtin_recipes():
            for scope, policy in (await self._policies.all()).items():
                if policy.recipe == name:
                    raise Conflict(f"the policy of {describe_scope(scope)} names the recipe {name!r}")
        revision = await self._store.delete_recipe(name, at=self._now())
        await self._policies.refresh()
        return revision


def describe_scope(scope: Scope) -> str:
    """The scope in words: `service 'shop' in env 'prod'`, or `the organisation`."""
    service = f"service {scope.service!r}" if scope.service is not None else ""
    env = f"env {scope.env!r}" if scope.env is not None else ""
    return " in ".join(part for part in (service, env) if part) or "the organisation"
