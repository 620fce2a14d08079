"""API keys in SQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from guardhouse.errors import Conflict
from guardhouse.model.key import ApiKey, KeyRole
from guardhouse.storage.clock import from_us, to_us
from guardhouse.storage.database import Database
from guardhouse.storage.tables import keys


class SqlKeys:
    """See `storage.base.KeyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, key: ApiKey) -> None:
        """Stores a new key. Raises `Conflict` when an unrevoked key has its name."""
        values = {
            "id": key.id,
            "name": key.name,
            "digest": key.digest,
            "role": key.role.value,
            "service": key.service,
            "may_unredact": key.may_unredact,
            "created_us": to_us(key.created),
            "expires_us": None if key.expires is None else to_us(key.expires),
            "revoked_us": None if key.revoked is None else to_us(key.revoked),
        }
        async with self._database.writing() as connection:
            try:
                await connection.execute(insert(keys).values(values))
            except IntegrityError:
                raise Conflict(f"there is a key named {key.name!r} already; revoke it or take another name") from None

    async def by_digest(self, digest: str) -> ApiKey | None:
        """The key with this digest, revoked and expired ones too."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(keys).where(keys.c.digest == digest))).first()
        return None if row is None else _key(row)

    async def all(self) -> list[ApiKey]:
        """Every key ever made, oldest first."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(keys).order_by(keys.c.created_us, keys.c.id))).all()
        return [_key(row) for row in rows]

    async def any(self) -> bool:
        """True when there is at least one key, live or not."""
        async with self._database.reading() as connection:
            return (await connection.execute(select(keys.c.id).limit(1))).first() is not None

    async def revoke(self, key_id: str, at: datetime) -> None:
        """Marks it revoked; a key that is revoked already keeps its first time."""
        statement = update(keys).where(keys.c.id == key_id, keys.c.revoked_us.is_(None)).values(revoked_us=to_us(at))
        async with self._database.writing() as connection:
            await connection.execute(statement)


def _key(row: Row[Any]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        digest=row.digest,
        role=KeyRole(row.role),
        created=from_us(row.created_us),
        expires=None if row.expires_us is None else from_us(row.expires_us),
        revoked=None if row.revoked_us is None else from_us(row.revoked_us),
        service=row.service,
        may_unredact=bool(row.may_unredact),
    )
