"""Policies, recipes, service configurations and their revisions in SQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from guardhouse.errors import Conflict, InvalidInput, NotFound, StorageUnavailable
from guardhouse.model.codec import policy_from_dict, policy_to_dict, recipe_from_dict, recipe_to_dict
from guardhouse.model.configuration import Configuration
from guardhouse.model.policy import Policy, Scope
from guardhouse.model.recipe import Recipe
from guardhouse.storage.base import Revision, StoredPolicies
from guardhouse.storage.clock import from_us, to_us
from guardhouse.storage.database import Database
from guardhouse.storage.tables import configurations, policies, recipes, revisions


class SqlPolicies:
    """See `storage.base.PolicyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def revision(self) -> int:
        """Number of the last change, 0 before any."""
        async with self._database.reading() as connection:
            return await _last_revision(connection)

    async def load(self) -> StoredPolicies:
        """All of it, as it stood at one revision."""
        async with self._database.reading() as connection:
            revision = await _last_revision(connection)
            policy_rows = (await connection.execute(select(policies))).all()
            recipe_rows = (await connection.execute(select(recipes).order_by(recipes.c.name))).all()
            configuration_rows = (await connection.execute(select(configurations))).all()
        try:
            return StoredPolicies(
                revision,
                {parse_scope(row.scope): policy_from_dict(json.loads(row.document)) for row in policy_rows},
                {row.name: recipe_from_dict(json.loads(row.document)) for row in recipe_rows},
                {row.id: _configuration(row) for row in configuration_rows},
            )
        except (InvalidInput, ValueError) as error:
            raise StorageUnavailable(f"a stored policy or recipe cannot be read by this version: {error}") from None

    async def change_policy(self, scope: Scope, change: Callable[[Policy], Policy], *, at: datetime) -> int:
        """Puts `change(stored or empty policy)` in place and returns the new revision; see the contract."""
        key = render_scope(scope)
        async with self._database.changing() as connection:
            row = (await connection.execute(select(policies.c.document).where(policies.c.scope == key))).first()
            before = Policy() if row is None else policy_from_dict(json.loads(row.document))
            after = change(before)
            if after == before:
                return await _last_revision(connection)
            await connection.execute(delete(policies).where(policies.c.scope == key))
            document = None
            if after != Policy():
                document = _dump(policy_to_dict(after))
                await connection.execute(insert(policies).values(scope=key, document=document))
            return await _revise(connection, "policy", key, document, at)

    async def put_recipe(self, recipe: Recipe, *, at: datetime) -> int:
        """Stores or replaces a recipe; returns the new revision."""
        document = _dump(recipe_to_dict(recipe))
        async with self._database.changing() as connection:
            await connection.execute(delete(recipes).where(recipes.c.name == recipe.name))
            await connection.execute(insert(recipes).values(name=recipe.name, document=document))
            return await _revise(connection, "recipe", recipe.name, document, at)

    async def delete_recipe(self, name: str, *, at: datetime) -> int:
        """Returns the new revision. Raises `NotFound` when there is no such recipe."""
        async with self._database.changing() as connection:
            result = await connection.execute(delete(recipes).where(recipes.c.name == name))
            if result.rowcount == 0:
                raise NotFound(f"there is no recipe {name!r} in the store")
            return await _revise(connection, "recipe", name, None, at)

    async def put_configuration(self, configuration: Configuration, *, replaces: datetime | None) -> int:
        """Stores a new configuration or replaces one; returns the new revision. See the contract."""
        table, document = configurations, _dump(dict(configuration.document))
        values = {
            "id": configuration.id,
            "kind": configuration.kind,
            "name": _dump(configuration.name),
            "created_us": to_us(configuration.created),
            "updated_us": to_us(configuration.updated),
            "document": document,
        }
        async with self._database.changing() as connection:
            before = (await connection.execute(select(table).where(table.c.id == configuration.id))).first()
            if before is None and replaces is not None:
                raise NotFound(f"there is no configuration {configuration.id!r}")
            if before is not None:
                if before.kind != configuration.kind:
                    raise NotFound(f"there is no configuration {configuration.id!r} of this kind")
                if replaces is None or before.updated_us != to_us(replaces):
                    raise Conflict(f"the configuration {configuration.id!r} was changed meanwhile")
                values["created_us"] = before.created_us
                await connection.execute(delete(table).where(table.c.id == configuration.id))
            await connection.execute(insert(table).values(values))
            return await _revise(connection, "configuration", configuration.id, document, configuration.updated)

    async def delete_configuration(self, configuration_id: str, *, kind: str, at: datetime) -> int:
        """Returns the new revision. Raises `NotFound` when there is none of that id and kind."""
        table = configurations
        async with self._database.changing() as connection:
            chosen = delete(table).where(table.c.id == configuration_id, table.c.kind == kind)
            if (await connection.execute(chosen)).rowcount == 0:
                raise NotFound(f"there is no configuration {configuration_id!r}")
            return await _revise(connection, "configuration", configuration_id, None, at)

    async def revisions(self, *, limit: int = 100) -> list[Revision]:
        """The last changes, newest first."""
        statement = select(revisions).order_by(revisions.c.number.desc()).limit(limit)
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        return [Revision(row.number, from_us(row.time_us), row.what, row.subject, row.document is None) for row in rows]


def _configuration(row: Row[Any]) -> Configuration:
    return Configuration(
        row.id,
        row.kind,
        json.loads(row.name),
        from_us(row.created_us),
        from_us(row.updated_us),
        json.loads(row.document),
    )


def render_scope(scope: Scope) -> str:
    """The scope as a key that tells None from the empty string: `["shop", null]`."""
    return _dump([scope.service, scope.env])


def parse_scope(key: str) -> Scope:
    """The inverse of `render_scope`."""
    service, env = json.loads(key)
    return Scope(service, env)


def _dump(data: Any) -> str:
    # ASCII only: escapes carry what a column cannot hold (NUL on PostgreSQL, lone surrogates on both).
    return json.dumps(data, ensure_ascii=True, separators=(",", ":"))


async def _last_revision(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(func.coalesce(func.max(revisions.c.number), 0)))).scalar_one())


async def _revise(connection: AsyncConnection, what: str, subject: str, document: str | None, at: datetime) -> int:
    number = await _last_revision(connection) + 1
    values = {"number": number, "time_us": to_us(at), "what": what, "subject": subject, "document": document}
    await connection.execute(insert(revisions).values(values))
    return number
