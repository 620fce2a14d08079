"""Sealed answers in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select

from guardhouse.storage.base import SealedAnswer
from guardhouse.storage.clock import from_us, to_us
from guardhouse.storage.database import Database
from guardhouse.storage.tables import answers


class SqlAnswers:
    """See `storage.base.AnswerStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, given: Sequence[SealedAnswer]) -> None:
        """Adds them, at least one, in one commit, or none."""
        rows = [{"id": item.id, "expires_us": to_us(item.expires), "sealed": item.sealed} for item in given]
        await self._database.append([(answers, rows)])

    async def prune(self, *, now: datetime, keep_rows: int) -> None:
        """Deletes what is too old or too much; see the contract."""
        async with self._database.writing() as connection:
            await connection.execute(delete(answers).where(answers.c.expires_us < to_us(now)))
            newest = select(answers.c.expires_us).order_by(answers.c.expires_us.desc()).offset(keep_rows).limit(1)
            last = (await connection.execute(newest)).scalar_one_or_none()
            if last is not None:
                await connection.execute(delete(answers).where(answers.c.expires_us <= last))

    async def find(self, answer_id: str, *, now: datetime) -> SealedAnswer | None:
        """The answer, unless it has expired."""
        chosen = select(answers).where(answers.c.id == answer_id, answers.c.expires_us >= to_us(now))
        async with self._database.reading() as connection:
            row = (await connection.execute(chosen)).first()
        return None if row is None else SealedAnswer(row.id, from_us(row.expires_us), row.sealed)
