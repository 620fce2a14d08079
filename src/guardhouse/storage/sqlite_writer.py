"""Appends rows in one visit to one thread.

Through the asynchronous driver a transaction is eight visits, and each may wait for a thread that is judging to let go
of the interpreter. Evaluations wait for these commits, so they take the short way.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert
from sqlalchemy.dialects.sqlite import dialect

from guardhouse.errors import StorageUnavailable
from guardhouse.storage.database import WriteRefused

Rows = Sequence[tuple[Table, Sequence[dict[str, Any]]]]


class SqliteWriter:
    """One connection in one thread, opened with the first rows."""

    def __init__(self, path: Path, *, pragmas: Sequence[str]) -> None:
        self._path = path
        self._pragmas = pragmas
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-writer")
        self._connection: sqlite3.Connection | None = None
        self._statements: dict[str, str] = {}

    async def write(self, rows: Rows) -> None:
        """Commits all the rows, or none. Raises `WriteRefused`, `StorageUnavailable`."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write, rows)

    async def close(self) -> None:
        """Closes the connection after what is being written. May be opened again."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)

    def _write(self, rows: Rows) -> None:
        with sqlite_errors():
            connection = self._connection or self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                for table, values in rows:
                    connection.executemany(self._statement(table, values[0]), values)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        for pragma in self._pragmas:
            connection.execute(f"PRAGMA {pragma}")
        self._connection = connection
        return connection

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _statement(self, table: Table, row: dict[str, Any]) -> str:
        """All rows of a table have the same columns, so one statement serves them all."""
        if table.name not in self._statements:
            compiled = insert(table).compile(dialect=dialect(paramstyle="named"), column_keys=list(row))
            self._statements[table.name] = str(compiled)
        return self._statements[table.name]


@contextmanager
def sqlite_errors() -> Iterator[None]:
    """Turns what the driver raises into ours, without values."""
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, OverflowError, UnicodeError) as error:
        raise WriteRefused(f"the store refused: {type(error).__name__}") from None
    except sqlite3.Error as error:
        raise StorageUnavailable(f"the store is out of reach: {error}") from None
