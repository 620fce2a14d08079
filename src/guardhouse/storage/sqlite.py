"""The embedded back end: one SQLite file, shared by all worker processes of a machine."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from guardhouse.errors import StorageUnavailable
from guardhouse.storage.database import Database
from guardhouse.storage.migrations.sqlite import STEPS
from guardhouse.storage.sqlite_writer import Rows, SqliteWriter
from guardhouse.storage.turnstile import Turnstile

BUSY_TIMEOUT_S = 10.0
"""How long a write waits for another process's write."""


class SqliteDatabase(Database):
    """WAL, so that readers never wait; `synchronous=FULL`, so that a commit survives a crash of the machine."""

    name = "sqlite"
    steps = STEPS

    def __init__(self, path: Path) -> None:
        self.path = path
        engine = create_async_engine(f"sqlite+aiosqlite:///{path}", pool_size=4, max_overflow=4, hide_parameters=True)
        event.listen(engine.sync_engine, "connect", _set_up_connection)
        event.listen(engine.sync_engine, "begin", _begin)
        super().__init__(engine)
        self._turnstile = Turnstile(path, timeout_s=BUSY_TIMEOUT_S)
        self._writer = SqliteWriter(path, pragmas=_pragmas())

    async def prepare(self) -> None:
        """Makes the folder (0700) and the file (0600) when missing."""
        await asyncio.to_thread(_prepare_file, self.path)

    async def append(self, rows: Rows) -> None:
        """Inserts all the rows in one transaction, in the writer's own thread."""
        async with self.turn():
            await self._writer.write(rows)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One writer of one process at a time, in the order of their coming."""
        async with self._turnstile.turn():
            yield

    async def close(self) -> None:
        """Gives all connections back."""
        await self._writer.close()
        await super().close()
        self._turnstile.close()

    async def begin_reading(self, connection: AsyncConnection) -> None:
        """A deferred transaction: its first read fixes what it sees."""
        await connection.begin()

    async def begin_writing(self, connection: AsyncConnection) -> None:
        """Takes the one write lock at once, so that a later upgrade cannot fail half way."""
        await connection.execution_options(write=True)
        await connection.begin()

    async def lock_changes(self, connection: AsyncConnection) -> None:
        """Nothing to do: a write transaction is alone already."""

    async def lock_schema(self, connection: AsyncConnection) -> None:
        """Nothing to do: a write transaction is alone already."""


def _pragmas() -> tuple[str, ...]:
    return (f"busy_timeout={int(BUSY_TIMEOUT_S * 1000)}", "synchronous=FULL", "temp_store=MEMORY")


def _set_up_connection(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself: `_begin` does
    cursor = connection.cursor()
    for pragma in _pragmas():
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _prepare_file(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        _switch_to_wal(path)
    except (OSError, sqlite3.Error) as error:
        raise StorageUnavailable(f"the database {str(path)!r} cannot be used: {error}") from None


def _switch_to_wal(path: Path) -> None:
    # Changing the journal mode does not honour the busy timeout, and several processes may start at once.
    give_up = time.monotonic() + BUSY_TIMEOUT_S
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S)
    try:
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.02)
    finally:
        connection.close()
