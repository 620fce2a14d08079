from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cli_support import Terminal
from store_support import make_finding, make_record

from guardhouse.cli.common import with_services
from guardhouse.model.activity import ActivityRecord, Unredaction
from guardhouse.model.evaluation import Action
from guardhouse.service.app import Services
from guardhouse.settings import Settings

NOW = datetime.now(UTC)


@pytest.fixture
def filled(terminal: Terminal) -> Terminal:
    records: list[ActivityRecord] = [
        make_record("e1", time=NOW - timedelta(hours=5), action=Action.DENY, findings=(make_finding(),), service=""),
        make_record(
            "u1",
            time=NOW - timedelta(hours=1),
            evaluation=None,
            unredaction=Unredaction({"PERSON": 2, "US_SSN": 1}, "key_abc", 4),
            dialect="pangea",
        ),
        make_record("u2", time=NOW, evaluation=None, unredaction=Unredaction({}, "key_abc", 4), key_id="key_two"),
    ]

    async def fill(services: Services) -> None:
        await services.store.activity.append(records)

    with_services(Settings(data_dir=terminal.data_dir, plugins=False), fill)
    return terminal


def rows(terminal: Terminal, *options: str) -> list[str]:
    head, *lines = terminal.out("activity", *options).splitlines()
    assert head.split() == ["TIME", "WHAT", "SERVICE", "DIALECT", "KEY", "ID", "RESULT"]
    return [" ".join(line.split()[2:]) for line in lines]


def test_the_log_is_listed_newest_first(filled: Terminal) -> None:
    assert rows(filled) == [
        "unredaction shop native key_two u2 nothing (key version 4)",
        "unredaction shop pangea key_one u1 2 PERSON, 1 US_SSN (key version 4)",
        "evaluation none native key_one e1 DENY EMAIL_ADDRESS",
    ]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (("--what", "unredaction"), ["u2", "u1"]),
        (("--what", "evaluation"), ["e1"]),
        (("--hours", "2"), ["u2", "u1"]),
        (("--key", "key_two"), ["u2"]),
        (("--service", "shop", "--limit", "1"), ["u2"]),
        (("--service", "none"), []),
    ],
    ids=str,
)
def test_records_are_chosen(filled: Terminal, options: tuple[str, ...], ids: list[str]) -> None:
    assert [record["id"] for record in filled.json("activity", *options)] == ids
    assert len(rows(filled, *options)) == len(ids)
