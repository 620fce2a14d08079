"""Records and stores for the tests of storage, service and command line."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from guardhouse.model.activity import ActivityRecord, LogFields
from guardhouse.model.evaluation import Action, AppliedFinding, DetectorReport, Evaluation, Outcome, Redaction
from guardhouse.model.finding import AnalyzerResponse, Finding, Span
from guardhouse.model.key import ApiKey, KeyRole
from guardhouse.model.recipe import RuleAction

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
START = datetime(2026, 1, 1, tzinfo=UTC)


def make_postgres_database() -> str:
    """The URL of a new, empty database. Skips, saying why, without a server; in continuous integration that fails."""
    name = f"guardhouse_test_{secrets.token_hex(6)}"
    try:
        asyncio.run(run_postgres(POSTGRES, f"CREATE DATABASE {name}"))
    except (ImportError, OSError, TimeoutError) as error:
        reason = f"no PostgreSQL at {POSTGRES}: {type(error).__name__}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return POSTGRES.rpartition("/")[0] + f"/{name}"


def drop_postgres_database(url: str) -> None:
    """Removes what `make_postgres_database` made, whoever is still connected."""
    name = url.rpartition("/")[2]
    asyncio.run(run_postgres(POSTGRES, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


async def run_postgres(url: str, *statements: str) -> None:
    """Runs statements one by one, each in its own transaction."""
    import asyncpg

    connection = await asyncpg.connect(url, timeout=3)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def make_key(name: str = "one", **changes: object) -> ApiKey:
    """A live evaluator's key."""
    values: dict[str, object] = {
        "id": f"key_{name}",
        "name": name,
        "digest": f"digest of {name}",
        "role": KeyRole.EVALUATOR,
        "created": START,
        "expires": START + timedelta(days=90),
    }
    return ApiKey(**{**values, **changes})  # type: ignore[arg-type]


def make_finding(
    kind: str = "EMAIL_ADDRESS", *, value: str = "bob@example.com", span: Span | None = None
) -> AppliedFinding:
    """An applied finding of the pii detector at the start of `text`."""
    finding = Finding("pii", kind, 0.9, ("text",), span or Span(0, len(value)), value, "pattern", {"check": "shape"})
    return AppliedFinding(finding, 0.5, RuleAction.MASK, blocked=False, replacement="*" * len(value))


def make_evaluation(
    record_id: str = "one",
    action: Action = Action.ALLOW,
    *,
    findings: tuple[AppliedFinding, ...] = (),
    blocked: bool = False,
) -> Evaluation:
    """An evaluation by one detector."""
    return Evaluation(
        id=record_id,
        action=action,
        reason="Allowed: nothing found that blocks.",
        blocked=blocked,
        blocking_enabled=True,
        recipe="default",
        reports=(
            DetectorReport(
                "pii",
                Outcome.DETECTED if findings else Outcome.NOT_DETECTED,
                findings,
                RuleAction.MASK if findings else None,
                (AnalyzerResponse("pattern", 0.9),) if findings else (),
            ),
        ),
        confidences={"EMAIL_ADDRESS": 0.9},
        thresholds={"EMAIL_ADDRESS": 0.5},
        redactions=tuple(
            Redaction(
                ("text",), item.finding.span or Span(0, 0), Span(0, 3), "pii", "EMAIL_ADDRESS", item.action, "***"
            )
            for item in findings
        ),
        texts={("text",): "***"} if findings else {},
        timings_ms={"total": 1.5},
        policy_revision=3,
    )


def make_record(
    record_id: str = "one", *, minutes: float = 0.0, action: Action = Action.ALLOW, **changes: object
) -> ActivityRecord:
    """A record made `minutes` after `START`."""
    findings = changes.pop("findings", ())
    blocked = bool(changes.pop("blocked", False))
    values: dict[str, object] = {
        "id": record_id,
        "time": START + timedelta(minutes=minutes),
        "key_id": "key_one",
        "dialect": "native",
        "service": "shop",
        "env": "prod",
        "evaluation": make_evaluation(record_id, action, findings=findings, blocked=blocked),  # type: ignore[arg-type]
        "log_fields": LogFields(source="tests", model="m1"),
        "texts": {"text": "<EMAIL_ADDRESS> writes"},
        "tools": (),
    }
    return ActivityRecord(**{**values, **changes})  # type: ignore[arg-type]


async def settle() -> None:
    """Lets every task that can run now run."""
    for _ in range(5):
        await asyncio.sleep(0)


async def eventually(claim: Callable[[], bool], *, within_s: float = 30) -> None:
    """Returns as soon as `claim` holds."""
    async with asyncio.timeout(within_s):
        while not claim():  # noqa: ASYNC110 (what is waited for happens in threads and other processes)
            await asyncio.sleep(0.005)
