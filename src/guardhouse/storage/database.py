"""A connection pool with three kinds of transaction, and the errors of drivers turned into ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ClassVar

from sqlalchemy import Table, insert, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from guardhouse.errors import StorageUnavailable
from guardhouse.storage.migrations import Step, applied_version, migrate


class WriteRefused(StorageUnavailable):
    """The store works, but does not take this very content."""


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turns what a driver raises into `StorageUnavailable`, without statements or values."""
    try:
        yield
    except (IntegrityError, DataError) as error:
        raise WriteRefused(_describe(error)) from None
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise StorageUnavailable(_describe(error)) from None


def _describe(error: BaseException) -> str:
    cause: BaseException = error
    if isinstance(error, DBAPIError) and error.orig is not None:
        cause = error.orig.__cause__ or error.orig
    # Only errors of connecting and of the engine room ("database is locked") are sure to quote no stored value.
    connecting = isinstance(error, DBAPIError) and error.statement is None
    if connecting or isinstance(error, OperationalError) or not isinstance(error, SQLAlchemyError):
        return f"the store is out of reach: {cause or type(cause).__name__}"
    return f"the store refused: {type(cause).__name__}"


class Database:
    """One back end's engine. Subclasses make it and say how transactions begin."""

    name: ClassVar[str]
    steps: ClassVar[Sequence[Step]]

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def open(self) -> None:
        """Brings the schema up to date under a lock."""
        await self.prepare()
        async with self.migrating() as connection:
            await migrate(connection, self.steps)

    async def prepare(self) -> None:
        """What must be there before the first connection."""

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one state of the store and writes nothing."""
        with storage_errors():
            async with self._engine.connect() as connection:
                await self.begin_reading(connection)
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed, durably, when the block ends without an error."""
        with storage_errors():
            async with self.turn(), self._engine.connect() as connection:
                await self.begin_writing(connection)
                yield connection
                await connection.commit()

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[AsyncConnection]:
        """As `writing`, and no other process is inside such a block at the same time."""
        async with self.writing() as connection:
            await self.lock_changes(connection)
            yield connection

    @asynccontextmanager
    async def migrating(self) -> AsyncIterator[AsyncConnection]:
        """As `changing`, for the schema."""
        async with self.writing() as connection:
            await self.lock_schema(connection)
            yield connection

    async def append(self, rows: Sequence[tuple[Table, Sequence[dict[str, Any]]]]) -> None:
        """Inserts all the rows, at least one per table, in one transaction."""
        async with self.writing() as connection:
            for table, values in rows:
                await connection.execute(insert(table).inline(), values)  # nobody needs the numbers back

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Held around every write, for a back end whose writers should take turns."""
        yield

    async def begin_reading(self, connection: AsyncConnection) -> None:
        raise NotImplementedError

    async def begin_writing(self, connection: AsyncConnection) -> None:
        raise NotImplementedError

    async def lock_changes(self, connection: AsyncConnection) -> None:
        raise NotImplementedError

    async def lock_schema(self, connection: AsyncConnection) -> None:
        raise NotImplementedError

    async def ping(self) -> None:
        """Returns when the store answers."""
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))

    async def schema_version(self) -> int:
        """Number of the last migration applied."""
        async with self.reading() as connection:
            return await applied_version(connection)

    async def close(self) -> None:
        """Gives all connections back."""
        with storage_errors():
            await self._engine.dispose()
