"""The activity log in SQL: a document per record, and beside it what is asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, func, or_, select

from guardhouse.errors import InvalidInput
from guardhouse.model.activity import ActivityRecord, LogFields, RecordKind, Unredaction
from guardhouse.model.codec import evaluation_from_dict, evaluation_to_dict
from guardhouse.model.conversation import render_path
from guardhouse.storage.base import ActivityPage, ActivityQuery
from guardhouse.storage.clock import from_us, to_us
from guardhouse.storage.database import Database
from guardhouse.storage.tables import activity, activity_tools, findings

MAX_LIMIT = 1000
NO_ACTION = -1
"""In the column `action` of a record that is of no evaluation."""
_COLUMN_LENGTH = 200
"""Code points of a caller's name that can be searched for; longer ones would not fit into an index entry."""


class SqlActivity:
    """See `storage.base.ActivityStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, records: Sequence[ActivityRecord]) -> None:
        """Writes all of them in one commit, or none."""
        rows = (
            (activity, [_row(record) for record in records]),
            (findings, [row for record in records for row in _finding_rows(record)]),
            (activity_tools, [row for record in records for row in _tool_rows(record)]),
        )
        await self._database.append([(table, values) for table, values in rows if values])

    async def get(self, record_id: str) -> ActivityRecord | None:
        """The record of one evaluation."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(activity).where(activity.c.id == column_text(record_id)))).first()
        return None if row is None else _record(row)

    async def query(self, query: ActivityQuery) -> ActivityPage:
        """Matching records, newest first."""
        if not 1 <= query.limit <= MAX_LIMIT:
            raise InvalidInput(f"limit must be 1..{MAX_LIMIT}", path=("limit",), code="out_of_range")
        conditions = _conditions(query)
        if query.cursor:
            time_us, seq = _parse_cursor(query.cursor)
            earlier = and_(activity.c.time_us == time_us, activity.c.seq < seq)
            conditions.append(or_(activity.c.time_us < time_us, earlier))
        statement = (
            select(activity)
            .where(*conditions)
            .order_by(activity.c.time_us.desc(), activity.c.seq.desc())
            .limit(query.limit + 1)
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement)).all()
        more = len(rows) > query.limit
        rows = rows[: query.limit]
        cursor = f"{rows[-1].time_us}.{rows[-1].seq}" if more else ""
        return ActivityPage(tuple(_record(row) for row in rows), cursor)

    async def count(self, query: ActivityQuery) -> int:
        """How many records match."""
        statement = select(func.count()).select_from(activity).where(*_conditions(query))
        async with self._database.reading() as connection:
            return int((await connection.execute(statement)).scalar_one())

    async def prune(self, *, before: datetime | None, keep_rows: int | None, limit: int = 500) -> int:
        """Deletes at most `limit` of the oldest records; see the contract."""
        async with self._database.writing() as connection:
            rules: list[ColumnElement[bool]] = []
            if before is not None:
                rules.append(activity.c.time_us < to_us(before))
            if keep_rows is not None:
                newest = select(activity.c.seq).order_by(activity.c.seq.desc()).offset(keep_rows).limit(1)
                last = (await connection.execute(newest)).scalar_one_or_none()
                if last is not None:
                    rules.append(activity.c.seq <= last)
            if not rules:
                return 0
            chosen = select(activity.c.id).where(or_(*rules)).order_by(activity.c.time_us, activity.c.seq).limit(limit)
            ids = list((await connection.execute(chosen)).scalars())
            if ids:
                await connection.execute(delete(findings).where(findings.c.activity_id.in_(ids)))
                await connection.execute(delete(activity_tools).where(activity_tools.c.activity_id.in_(ids)))
                await connection.execute(delete(activity).where(activity.c.id.in_(ids)))
            return len(ids)


def column_text(value: str) -> str:
    """`value` as both back ends can store and index it: bounded, NUL and lone surrogates replaced."""
    return value[:_COLUMN_LENGTH].encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def _row(record: ActivityRecord) -> dict[str, Any]:
    evaluation = record.evaluation
    document = {
        "evaluation": None if evaluation is None else evaluation_to_dict(evaluation),
        "log_fields": asdict(record.log_fields),
        "texts": dict(record.texts),
        "tools": list(record.tools),
        "service": record.service,
        "env": record.env,
        **({} if record.unredaction is None else {"unredaction": asdict(record.unredaction)}),
    }
    return {
        "id": record.id,
        "time_us": to_us(record.time),
        "action": NO_ACTION if evaluation is None else int(evaluation.action),
        "blocked": evaluation is not None and evaluation.blocked,
        "service": column_text(record.service),
        "env": column_text(record.env),
        "dialect": record.dialect,
        "key_id": record.key_id,
        # ASCII only: escapes carry what a column cannot hold (NUL on PostgreSQL, lone surrogates on both).
        "document": json.dumps(document, ensure_ascii=True, separators=(",", ":")),
    }


def _finding_rows(record: ActivityRecord) -> list[dict[str, Any]]:
    return [
        {
            "activity_id": record.id,
            "time_us": to_us(record.time),
            "detector": applied.finding.detector,
            "kind": column_text(applied.finding.kind),
            "confidence": applied.finding.confidence,
            "path": column_text(render_path(applied.finding.path)),
            "span_start": applied.finding.span.start if applied.finding.span else None,
            "span_end": applied.finding.span.end if applied.finding.span else None,
            "rule_action": applied.action.value,
            "blocked": applied.blocked,
        }
        for report in (record.evaluation.reports if record.evaluation is not None else ())
        for applied in report.findings
    ]


def _tool_rows(record: ActivityRecord) -> list[dict[str, Any]]:
    names = dict.fromkeys(column_text(tool) for tool in record.tools)
    return [{"activity_id": record.id, "time_us": to_us(record.time), "tool": name} for name in names]


def _record(row: Row[Any]) -> ActivityRecord:
    document = json.loads(row.document)
    return ActivityRecord(
        id=row.id,
        time=from_us(row.time_us),
        key_id=row.key_id,
        dialect=row.dialect,
        service=document["service"],
        env=document["env"],
        evaluation=None if document["evaluation"] is None else evaluation_from_dict(document["evaluation"]),
        log_fields=LogFields(**document["log_fields"]),
        texts=document["texts"],
        tools=tuple(document["tools"]),
        unredaction=Unredaction(**document["unredaction"]) if "unredaction" in document else None,
    )


def _conditions(query: ActivityQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.since is not None:
        conditions.append(activity.c.time_us >= to_us(query.since))
    if query.until is not None:
        conditions.append(activity.c.time_us < to_us(query.until))
    if query.actions:
        conditions.append(activity.c.action.in_([int(action) for action in query.actions]))
    if query.what is not None:
        is_evaluation = query.what is RecordKind.EVALUATION
        conditions.append(activity.c.action >= 0 if is_evaluation else activity.c.action == NO_ACTION)
    if query.blocked is not None:
        conditions.append(activity.c.blocked == query.blocked)
    for column, wanted in (
        (activity.c.service, query.services),
        (activity.c.env, query.envs),
        (activity.c.dialect, query.dialects),
        (activity.c.key_id, query.key_ids),
    ):
        if wanted:
            conditions.append(column.in_([column_text(value) for value in wanted]))
    for owner, column, wanted in (
        (findings.c.activity_id, findings.c.kind, query.kinds),
        (activity_tools.c.activity_id, activity_tools.c.tool, query.tools),
    ):
        if wanted:
            named = select(owner).where(column.in_([column_text(value) for value in wanted]))
            conditions.append(activity.c.id.in_(named))
    return conditions


def _parse_cursor(cursor: str) -> tuple[int, int]:
    time_us, _, seq = cursor.partition(".")
    # 18 digits hold any time and number there can be, and both back ends' integers hold 18 digits.
    if not all(part.isascii() and part.isdigit() and len(part) <= 18 for part in (time_us, seq)):
        raise InvalidInput("the cursor is not one that was given out", path=("cursor",))
    return int(time_us), int(seq)
