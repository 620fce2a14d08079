"""Give originals back and record it: no original is answered whose giving out is not in the activity log."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from guardhouse.engine.guard import Guard
from guardhouse.errors import Forbidden
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
        return await self._run(
            lambda restorer: restorer.document(data), fpe_context, key, service=service, dialect=dialect, size=size
        )

    async def originals(
        self, fpe_context: object, key: ApiKey, *, service: str | None, dialect: str, size: int
    ) -> Unredacted:
        """All originals of the context, durable in the activity log. See `Services.originals`."""
        return await self._run(
            Restorer.originals, fpe_context, key, service=service, dialect=dialect, size=size, is_list=True
        )

    async def _run(
        self,
        work: Callable[[Restorer], Any],
        fpe_context: object,
        key: ApiKey,
        *,
        service: str | None,
        dialect: str,
        size: int,
        is_list: bool = False,
    ) -> Unredacted:
        if not key.allows(Permission.UNREDACT):
            raise Forbidden("this key may not un-redact")
        if key.service is not None and service not in (None, key.service):
            raise Forbidden("this key belongs to another service")
        tenant = key.service or service

        def restored(_: float) -> tuple[Any, Unredaction]:
            restorer = self._guard.restorer(fpe_context, service=tenant)
            result = work(restorer)
            redaction_key, version = restorer.key
            return result, Unredaction(dict(sorted(restorer.given.items())), redaction_key, version, is_list)

        result, unredaction = await self._lanes.run(size, restored)
        record = ActivityRecord(
            id=self._new_id(),
            time=self._now(),
            key_id=key.id,
            dialect=dialect,
            service=tenant or "",
            env="",
            evaluation=None,
            unredaction=unredaction,
        )
        await self._log.add(record)
        return Unredacted(record.id, result)
