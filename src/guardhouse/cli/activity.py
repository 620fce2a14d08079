"""`guardhouse activity`: what was judged, and what was un-redacted for whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from guardhouse.cli.common import json_option, print_json, print_table, service_option, with_services, with_settings
from guardhouse.model.activity import ActivityRecord, RecordKind
from guardhouse.model.codec import record_to_dict

if TYPE_CHECKING:
    from guardhouse.settings import Settings


@click.command()
@click.option("--what", type=click.Choice([item.value for item in RecordKind]), help="Only records of this.")
@service_option
@click.option("--key", "key_id", metavar="ID", help="Only what was asked with this key.")
@click.option("--hours", type=click.FloatRange(min=0, max=876_000), metavar="N", help="Only of the last N hours.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@json_option
@with_settings
def activity(
    settings: Settings,
    what: str | None,
    service: str | None,
    key_id: str | None,
    hours: float | None,
    limit: int,
    as_json: bool,
) -> None:
    """List the activity log, newest first: evaluations, and un-redactions with the number of originals by kind."""
    from guardhouse.storage.base import ActivityQuery

    query = ActivityQuery(
        since=None if hours is None else datetime.now(UTC) - timedelta(hours=hours),
        what=None if what is None else RecordKind(what),
        services=() if service is None else (service,),
        key_ids=() if key_id is None else (key_id,),
        limit=limit,
    )
    page = with_services(settings, lambda services: services.activity.query(query))
    if as_json:
        print_json([record_to_dict(record) for record in page.records])
        return
    head = ("TIME", "WHAT", "SERVICE", "DIALECT", "KEY", "ID", "RESULT")
    print_table(head, [_row(record) for record in page.records])


def _row(record: ActivityRecord) -> tuple[str, ...]:
    time = record.time.strftime("%Y-%m-%d %H:%M:%S")
    return (time, record.what.value, record.service or "none", record.dialect, record.key_id, record.id, _told(record))


def _told(record: ActivityRecord) -> str:
    if record.unredaction is not None:
        kinds = ", ".join(f"{count} {kind}" for kind, count in record.unredaction.kinds.items())
        return f"{kinds or 'nothing'} (key version {record.unredaction.key_version})"
    if record.evaluation is None:
        return ""
    return " ".join((record.evaluation.action.name, *record.evaluation.flagged))
