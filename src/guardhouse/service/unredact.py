"""Give originals back and record it: no original is answered whose giving out is not in the activity log."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from guardhouse.engine.guard import Guard
from guardhouse.errors import Forbidden, InvalidInput
from guardhouse.model.activity import ActivityRecord, Unredaction
from guardhouse.model.key import ApiKey, Permission
from guardhouse.redaction.unredact import Restorer
from guardhouse.service.lanes import Lanes
from guardhouse.storage.group_commit import GroupCommit


@dataclass(frozen=True, slots=True)
class Unredacted:
    """`data` with its originals, or all originals by what was put in their place; `id` is that of the record."""

    id: str
    data: Any = field(repr=False)


class Unredactions:
    """Runs un-redactions in threads, and records who was given how much of what."""

    def __init__(
        self,
        guard: Guard,
        lanes: Lanes,
        log: GroupCommit,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._guard = guard
        self._lanes = lanes
        self._log = log
        self._now = now
        self._new_id = new_id

    async def data(
        self, data: Any, fpe_context: object, key: ApiKey, *, service: str | None, dialect: str, size: int
    ) -> Unredacted:
        """`data` with the originals, durable in the activity log. See `Services.unredact`."""
        work = [(_document(data), fpe_context)]
        (done,) = await self._run(work, key, service=service, dialect=dialect, size=size)
        return done

    async def each(
        self, items: Sequence[tuple[Any, object]], key: ApiKey, *, service: str | None, dialect: str, size: int
    ) -> list[Unredacted]:
        """The same for pairs of data and context, a record for each. See `Services.unredact_each`."""
        work = [(_document(data), context) for data, context in items]
        return await self._run(work, key, service=service, dialect=dialect, size=size, say_place=True)

    async def originals(
        self, fpe_context: object, key: ApiKey, *, service: str | None, dialect: str, size: int
    ) -> Unredacted:
        """All originals of the context, durable in the activity log. See `Services.originals`."""
        work = [(Restorer.originals, fpe_context)]
        (done,) = await self._run(work, key, service=service, dialect=dialect, size=size, is_list=True)
        return done

    async def _run(
        self,
        work: Sequence[tuple[Callable[[Restorer], Any], object]],
        key: ApiKey,
        *,
        service: str | None,
        dialect: str,
        size: int,
        is_list: bool = False,
        say_place: bool = False,
    ) -> list[Unredacted]:
        if not key.allows(Permission.UNREDACT):
            raise Forbidden("this key may not un-redact")
        if key.service is not None and service not in (None, key.service):
            raise Forbidden("this key belongs to another service")
        tenant = key.service or service

        def restored(_: float) -> list[tuple[Any, Unredaction]]:
            out = []
            for place, (one, fpe_context) in enumerate(work):
                try:
                    restorer = self._guard.restorer(fpe_context, service=tenant)
                    result = one(restorer)
                except InvalidInput as error:
                    error.path = (place, *error.path) if say_place else error.path
                    raise
                redaction_key, version = restorer.key
                given = dict(sorted(restorer.given.items()))
                out.append((result, Unredaction(given, redaction_key, version, is_list)))
            return out

        done = await self._lanes.run(size, restored)
        records = [self._record(unredaction, key, tenant, dialect) for _, unredaction in done]
        await asyncio.gather(*map(self._log.add, records))
        return [Unredacted(record.id, result) for record, (result, _) in zip(records, done, strict=True)]

    def _record(self, unredaction: Unredaction, key: ApiKey, tenant: str | None, dialect: str) -> ActivityRecord:
        return ActivityRecord(
            id=self._new_id(),
            time=self._now(),
            key_id=key.id,
            dialect=dialect,
            service=tenant or "",
            env="",
            evaluation=None,
            unredaction=unredaction,
        )


def _document(data: Any) -> Callable[[Restorer], Any]:
    return lambda restorer: restorer.document(data)
