"""Numbered steps that make and change the schema: appended to, never edited. One list per back end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from guardhouse.errors import ConfigurationError
from guardhouse.storage.clock import to_us
from guardhouse.storage.tables import migrations

Step = Callable[[AsyncConnection], Awaitable[None]]

_CREATE = (
    "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_us BIGINT NOT NULL)"
)


async def migrate(connection: AsyncConnection, steps: Sequence[Step]) -> list[str]:
    """Applies the steps that are not yet applied and returns their names. Step n of the list has the number n + 1.

    The caller holds a lock that no other process can hold and commits afterwards. Raises `ConfigurationError` for a
    schema that knows more steps than this version.
    """
    await connection.exec_driver_sql(_CREATE)
    done = await applied_version(connection)
    if done > len(steps):
        raise ConfigurationError(
            f"the store was made by a newer version: it has schema {done}, this version knows {len(steps)}"
        )
    names = []
    for number, step in enumerate(steps[done:], done + 1):
        await step(connection)
        name = step.__name__
        await connection.execute(
            insert(migrations).values(number=number, name=name, applied_us=to_us(datetime.now(UTC)))
        )
        names.append(name)
    return names


async def applied_version(connection: AsyncConnection) -> int:
    """Number of the last step applied; the table must exist."""
    return int((await connection.execute(select(func.coalesce(func.max(migrations.c.number), 0)))).scalar_one())


async def run_statements(connection: AsyncConnection, *statements: str) -> None:
    """Runs SQL of the back end, statement by statement."""
    for statement in statements:
        await connection.exec_driver_sql(statement)
