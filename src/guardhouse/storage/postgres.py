"""The shared back end: PostgreSQL, for replicas on several machines."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from guardhouse.errors import ConfigurationError, MissingExtra
from guardhouse.storage.database import Database
from guardhouse.storage.migrations.postgres import STEPS

STATEMENT_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 5.0
_SCHEMA_LOCK = 0x6775617264686F01
_CHANGE_LOCK = 0x6775617264686F02
"""Advisory lock numbers ("guardho" + 1, 2): any constants that no other program in the database uses."""


class PostgresDatabase(Database):
    """Commits are durable as the server is configured (`synchronous_commit` is set on for every write)."""

    name = "postgresql"
    steps = STEPS

    def __init__(self, url: str) -> None:
        if find_spec("asyncpg") is None:
            raise MissingExtra("postgres", "a PostgreSQL store")
        parsed, connect_args = _read_url(url)
        engine = create_async_engine(
            parsed,
            pool_size=4,
            max_overflow=4,
            pool_pre_ping=True,
            pool_timeout=STATEMENT_TIMEOUT_S,
            hide_parameters=True,
            connect_args=connect_args,
        )
        super().__init__(engine)

    async def begin_reading(self, connection: AsyncConnection) -> None:
        """One snapshot for all statements of the transaction."""
        await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def begin_writing(self, connection: AsyncConnection) -> None:
        """A server that was set to commit asynchronously must not do so here."""
        await connection.execute(text("SET LOCAL synchronous_commit = on"))

    async def lock_changes(self, connection: AsyncConnection) -> None:
        """Held until the transaction ends."""
        await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _CHANGE_LOCK})

    async def lock_schema(self, connection: AsyncConnection) -> None:
        """Held until the transaction ends."""
        await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _SCHEMA_LOCK})


def _read_url(url: str) -> tuple[URL, dict[str, Any]]:
    """The URL without its query, and what the driver is given besides. `sslmode` and the like are as in libpq."""
    arguments: dict[str, Any] = {"timeout": CONNECT_TIMEOUT_S, "command_timeout": STATEMENT_TIMEOUT_S}
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError("database_url is not a URL like postgresql://user:password@host:5432/name") from None
    if parsed.port is not None and not 0 < parsed.port <= 65535:
        raise ConfigurationError(f"database_url has the port {parsed.port}, which does not exist")
    for name, value in parsed.query.items():
        if name in ("ssl", "sslmode"):
            arguments["ssl"] = value
        elif name == "application_name":
            arguments["server_settings"] = {name: value}
        elif name == "prepared_statement_cache_size":  # 0 behind a pooler that gives each transaction another server
            arguments[name] = int(str(value)) if str(value).isdecimal() else 0
        else:
            raise ConfigurationError(f"database_url has a parameter {name!r} that is not known")
    return parsed.set(query={}), arguments
