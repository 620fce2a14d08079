"""Reading the activity log, and keeping it within its bounds."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from guardhouse.errors import Unavailable
from guardhouse.model.activity import ActivityRecord
from guardhouse.model.key import ApiKey
from guardhouse.storage.base import ActivityPage, ActivityQuery, ActivityStore

logger = logging.getLogger("guardhouse.activity")

SWEEP_EVERY_S = 60.0
_SWEEP_ROWS = 500
_PAUSE_S = 0.05
"""Between two deletions, so that evaluations' records come in between."""


class Activity:
    """The activity log of one store, read only. A key that is bound to a service sees that service's records."""

    def __init__(self, store: ActivityStore) -> None:
        self._store = store

    async def get(self, record_id: str, *, key: ApiKey | None = None) -> ActivityRecord | None:
        """The record of one evaluation, None when there is none or `key` may not see it."""
        record = await self._store.get(record_id)
        if record is not None and key is not None and key.service not in (None, record.service):
            return None
        return record

    async def query(self, query: ActivityQuery | None = None, *, key: ApiKey | None = None) -> ActivityPage:
        """Matching records, newest first."""
        bound = _bound(query or ActivityQuery(), key)
        return ActivityPage(()) if bound is None else await self._store.query(bound)

    async def count(self, query: ActivityQuery | None = None, *, key: ApiKey | None = None) -> int:
        """How many records match."""
        bound = _bound(query or ActivityQuery(), key)
        return 0 if bound is None else await self._store.count(bound)


def _bound(query: ActivityQuery, key: ApiKey | None) -> ActivityQuery | None:
    """The query within what `key` may see; None when that is nothing."""
    if key is None or key.service is None:
        return query
    if query.services and key.service not in query.services:
        return None
    return replace(query, services=(key.service,))


class Retention:
    """Deletes what is too old or too much, a little at a time. Zero days or rows is no bound."""

    def __init__(
        self,
        store: ActivityStore,
        *,
        days: int,
        rows: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._days = days
        self._rows = rows
        self._now = now

    async def sweep(self) -> int:
        """Deletes all that is over the bounds now; returns how many records."""
        if not self._days and not self._rows:
            return 0
        before = self._now() - timedelta(days=self._days) if self._days else None
        total = 0
        while True:
            gone = await self._store.prune(before=before, keep_rows=self._rows or None, limit=_SWEEP_ROWS)
            total += gone
            if gone < _SWEEP_ROWS:
                return total
            await asyncio.sleep(_PAUSE_S)

    async def run(self) -> None:
        """Sweeps for ever, at uneven times so that workers do not all come at once."""
        while True:
            await asyncio.sleep(SWEEP_EVERY_S * random.uniform(0.5, 1.5))  # noqa: S311 (spreads load, no secret)
            try:
                gone = await self.sweep()
            except Unavailable as error:
                logger.warning("retention could not sweep: %s", error.detail)
                continue
            if gone:
                logger.info("retention deleted %d records", gone)
