"""Service configurations: kept for the dialects that have them, changed as policies are and seen as soon."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from guardhouse.errors import Conflict, InvalidInput, NotFound
from guardhouse.model.configuration import Configuration
from guardhouse.service.policies import Policies
from guardhouse.storage.base import PolicyStore

MOST = 200
"""Configurations of all kinds: every process holds them all."""
LIMIT_BYTES = 256 * 1024
LONGEST_NAME = 200
_RANDOM_BYTES = 20  # 160 bits are exactly 32 base32 letters


def new_name() -> str:
    """32 random letters of `a-z2-7`."""
    return base64.b32encode(secrets.token_bytes(_RANDOM_BYTES)).decode("ascii").lower()


class Configurations:
    """The service configurations of one store. What a document means is the dialect's affair."""

    def __init__(
        self, store: PolicyStore, policies: Policies, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._policies = policies
        self._now = now

    async def all(self) -> Mapping[str, Configuration]:
        """Every configuration by id, with every change made at least a second ago by any process. Until something
        changes it is one and the same object."""
        return (await self._policies.stored()).configurations

    async def current(self) -> Mapping[str, Configuration]:
        """The same, read anew: before a change."""
        await self._policies.refresh()
        return await self.all()

    async def create(self, configuration_id: str, kind: str, name: str, document: Mapping[str, Any]) -> Configuration:
        """Raises `Conflict` when there are too many, `InvalidInput` for a name or document that is too long."""
        if len(await self.current()) >= MOST:
            raise Conflict(f"there are {MOST} configurations already; delete one first")
        _check(name, document)
        now = self._now()
        made = Configuration(configuration_id, kind, name, now, now, document)
        await self._store.put_configuration(made, replaces=None)
        await self._policies.refresh()
        return made

    async def update(self, before: Configuration, *, name: str, document: Mapping[str, Any]) -> Configuration:
        """Puts name and document in the place of `before`'s.

        Raises `NotFound` when it is gone, `Conflict` when it was changed since `before`, `InvalidInput` as `create`.
        """
        _check(name, document)
        # Never the time of the state before it, however coarse the clock.
        updated = max(self._now(), before.updated + timedelta(microseconds=1))
        made = replace(before, name=name, updated=updated, document=document)
        await self._store.put_configuration(made, replaces=before.updated)
        await self._policies.refresh()
        return made

    async def delete(self, configuration_id: str, kind: str) -> Configuration:
        """The configuration as it was. Raises `NotFound`."""
        before = (await self.current()).get(configuration_id)
        if before is None or before.kind != kind:
            raise NotFound(f"there is no configuration {configuration_id!r}")
        await self._store.delete_configuration(configuration_id, kind=kind, at=self._now())
        await self._policies.refresh()
        return before


def _check(name: str, document: Mapping[str, Any]) -> None:
    if not 0 < len(name) <= LONGEST_NAME:
        raise InvalidInput(f"a name is 1 to {LONGEST_NAME} characters", path=("name",), code="too_long")
    if len(json.dumps(document)) > LIMIT_BYTES:
        raise InvalidInput(f"a configuration has at most {LIMIT_BYTES} bytes", code="too_long")
