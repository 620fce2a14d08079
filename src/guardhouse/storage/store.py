"""The store of the settings: the same SQL over either back end."""

from __future__ import annotations

from guardhouse.settings import Settings
from guardhouse.storage.activity import SqlActivity
from guardhouse.storage.answers import SqlAnswers
from guardhouse.storage.database import Database
from guardhouse.storage.keys import SqlKeys
from guardhouse.storage.policies import SqlPolicies

SQLITE_FILE = "guardhouse.db"


class SqlStore:
    """See `storage.base.Store`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.keys = SqlKeys(database)
        self.policies = SqlPolicies(database)
        self.activity = SqlActivity(database)
        self.answers = SqlAnswers(database)

    @property
    def name(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._database.name

    async def open(self) -> None:
        """Connects and brings the schema up to date."""
        await self._database.open()

    async def ping(self) -> None:
        """Returns when the store answers."""
        await self._database.ping()

    async def schema_version(self) -> int:
        """Number of the last migration applied."""
        return await self._database.schema_version()

    @property
    def known_version(self) -> int:
        """Number of the last migration that this version knows."""
        return len(self._database.steps)

    async def close(self) -> None:
        """Gives all connections back."""
        await self._database.close()


def store_of(settings: Settings) -> SqlStore:
    """The store that the settings name, not yet opened. Each back end's driver is imported only when it is used."""
    if settings.database_url:
        from guardhouse.storage.postgres import PostgresDatabase

        return SqlStore(PostgresDatabase(settings.sqlalchemy_url))
    from guardhouse.storage.sqlite import SqliteDatabase

    return SqlStore(SqliteDatabase(settings.data_dir / SQLITE_FILE))


def is_made(settings: Settings) -> bool:
    """True when there is a store to open without making one: a database server's, or the file in the data folder."""
    return bool(settings.database_url) or (settings.data_dir / SQLITE_FILE).is_file()
