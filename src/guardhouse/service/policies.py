"""Policies: one snapshot for all requests, never older than a second, and the changes to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime

from guardhouse.engine.catalog import builtin_recipes
from guardhouse.engine.policy import resolve_policy
from guardhouse.errors import InvalidInput, UnknownName, UnknownRecipe
from guardhouse.model.codec import normalize_kind
from guardhouse.model.policy import EffectivePolicy, Policy, PolicySnapshot, Scope, Sensitivity, StoreText
from guardhouse.model.recipe import Recipe
from guardhouse.storage.base import PolicyStore, Revision, StoredPolicies

REFRESH_S = 1.0
"""How old a snapshot may be when a request takes it."""
FIELDS = tuple(item.name for item in fields(Policy))
_LONGEST_SCOPE = 200


class Policies:
    """The policies of one store. `known_categories` gives every category that a threshold can be set for."""

    def __init__(
        self,
        store: PolicyStore,
        *,
        known_categories: Callable[[], Collection[str]],
        default_store_text: StoreText = StoreText.REDACTED,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._known_categories = known_categories
        self._default_store_text = default_store_text
        self._now = now
        self._clock = clock
        self._stored = StoredPolicies(-1, {}, {})
        self._snapshot = PolicySnapshot(-1, {}, {})
        self._checked_at = float("-inf")
        self._lock = asyncio.Lock()

    async def snapshot(self) -> PolicySnapshot:
        """All policies and recipes at one revision, with every change made at least a second ago by any process."""
        if self._clock() - self._checked_at < REFRESH_S:
            return self._snapshot
        async with self._lock:
            if self._clock() - self._checked_at >= REFRESH_S:
                await self._refresh()
        return self._snapshot

    async def stored(self) -> StoredPolicies:
        """What the store itself holds, without the built-in recipes, as fresh as `snapshot`."""
        await self.snapshot()
        return self._stored

    async def all(self) -> Mapping[Scope, Policy]:
        """The policy of every scope that has one."""
        return (await self.stored()).policies

    async def effective(self, scope: Scope) -> EffectivePolicy:
        """What holds for `scope` after inheritance."""
        return self.resolve(await self.snapshot(), scope)

    def resolve(self, snapshot: PolicySnapshot, scope: Scope) -> EffectivePolicy:
        """What holds for `scope` under `snapshot`."""
        return resolve_policy(snapshot, scope, store_text=self._default_store_text)

    async def set(self, scope: Scope, policy: Policy) -> int:
        """Sets the fields that `policy` sets; the others, and other categories and tools, stay. Returns the revision.

        Raises `UnknownName` for a category and `UnknownRecipe` for a recipe that does not exist.
        """
        _check_scope(scope)
        await self.refresh()
        self._check_categories(policy.sensitivity.by_category)
        if policy.recipe is not None and policy.recipe not in self._snapshot.recipes:
            raise UnknownRecipe(policy.recipe)
        return await self._change(scope, lambda before: merge(before, policy))

    async def unset(self, scope: Scope, fields: Collection[str] | None = None) -> int:
        """Makes these fields inherit again, all of them without `fields`. Returns the revision."""
        for name in fields or ():
            if name not in FIELDS:
                raise UnknownName(f"a policy has no field {name!r}; it has {', '.join(FIELDS)}", path=(name,))
        cleared = {item: getattr(Policy(), item) for item in (FIELDS if fields is None else fields)}
        return await self._change(scope, lambda before: replace(before, **cleared))

    async def revisions(self, *, limit: int = 100) -> list[Revision]:
        """The last changes of policies and recipes, newest first."""
        return await self._store.revisions(limit=limit)

    async def refresh(self) -> None:
        """Reads the store now: after a change by this very process."""
        async with self._lock:
            await self._refresh()

    async def _change(self, scope: Scope, change: Callable[[Policy], Policy]) -> int:
        revision = await self._store.change_policy(scope, change, at=self._now())
        await self.refresh()
        return revision

    async def _refresh(self) -> None:
        asked_at = self._clock()
        if await self._store.revision() != self._stored.revision:
            self._stored = await self._store.load()
            # An operator's recipe wins over a built-in one that a later version brought under the same name.
            recipes = {**builtin_recipes(), **self._stored.recipes}
            self._snapshot = PolicySnapshot(self._stored.revision, self._stored.policies, recipes)
        self._checked_at = asked_at

    def _check_categories(self, names: Collection[str]) -> None:
        known = {*self._known_categories(), *_own_categories(self._stored.recipes.values())} if names else ()
        for name in names:
            if name not in known:
                raise UnknownName(f"there is no category {name!r}", path=("sensitivity", name))


def _own_categories(recipes: Iterable[Recipe]) -> Iterable[str]:
    """The kinds that operators made up themselves: those they gave a rule, and their custom entities."""
    for recipe in recipes:
        for setting in recipe.detectors:
            yield from setting.rules
            entities = setting.options.get("entities", ())
            yield from (normalize_kind(str(entity["name"])) for entity in entities if "name" in entity)


def merge(before: Policy, change: Policy) -> Policy:
    """`before` with all that `change` sets; categories and tools by name."""
    single = {
        name: value
        for name in FIELDS
        if name not in ("sensitivity", "tool_policies") and (value := getattr(change, name)) is not None
    }
    default = change.sensitivity.default
    return replace(
        before,
        **single,
        sensitivity=Sensitivity(
            before.sensitivity.default if default is None else default,
            {**before.sensitivity.by_category, **change.sensitivity.by_category},
        ),
        tool_policies={**before.tool_policies, **change.tool_policies},
    )


def _check_scope(scope: Scope) -> None:
    for what, value in (("service", scope.service), ("env", scope.env)):
        if value is not None and not 0 < len(value) <= _LONGEST_SCOPE:
            raise InvalidInput(f"{what} is 1 to {_LONGEST_SCOPE} characters", path=(what,), code="bad_format")
