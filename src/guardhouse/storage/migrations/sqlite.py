"""The schema on SQLite, step by step. Append only."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from guardhouse.storage.migrations import Step, run_statements


async def create_keys(connection: AsyncConnection) -> None:
    """API keys; a name belongs to one unrevoked key."""
    await run_statements(
        connection,
        "CREATE TABLE keys (id TEXT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, role TEXT NOT NULL, "
        "service TEXT, may_unredact BOOLEAN NOT NULL, created_us BIGINT NOT NULL, expires_us BIGINT, "
        "revoked_us BIGINT)",
        "CREATE UNIQUE INDEX keys_digest ON keys (digest)",
        "CREATE UNIQUE INDEX keys_live_name ON keys (name) WHERE revoked_us IS NULL",
    )


async def create_policies(connection: AsyncConnection) -> None:
    """Policies, recipes and the numbered changes made to them."""
    await run_statements(
        connection,
        "CREATE TABLE policies (scope TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
        "CREATE TABLE recipes (name TEXT PRIMARY KEY NOT NULL, document TEXT NOT NULL)",
        "CREATE TABLE revisions (number BIGINT PRIMARY KEY NOT NULL, time_us BIGINT NOT NULL, what TEXT NOT NULL, "
        "subject TEXT NOT NULL, document TEXT)",
    )


async def create_activity(connection: AsyncConnection) -> None:
    """The activity log, and its findings and tools for look-ups."""
    await run_statements(
        connection,
        "CREATE TABLE activity (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, "
        "time_us BIGINT NOT NULL, action INTEGER NOT NULL, blocked BOOLEAN NOT NULL, service TEXT NOT NULL, "
        "env TEXT NOT NULL, dialect TEXT NOT NULL, key_id TEXT NOT NULL, document TEXT NOT NULL)",
        "CREATE UNIQUE INDEX activity_id ON activity (id)",
        "CREATE INDEX activity_time ON activity (time_us)",
        "CREATE INDEX activity_action ON activity (action, time_us)",
        "CREATE INDEX activity_service ON activity (service, env, time_us)",
        "CREATE TABLE findings (activity_id TEXT NOT NULL, time_us BIGINT NOT NULL, detector TEXT NOT NULL, "
        "kind TEXT NOT NULL, confidence FLOAT NOT NULL, path TEXT NOT NULL, "
        "span_start BIGINT, span_end BIGINT, rule_action TEXT NOT NULL, blocked BOOLEAN NOT NULL)",
        "CREATE INDEX findings_activity ON findings (activity_id)",
        "CREATE INDEX findings_kind ON findings (kind, time_us)",
        "CREATE TABLE activity_tools (activity_id TEXT NOT NULL, time_us BIGINT NOT NULL, tool TEXT NOT NULL)",
        "CREATE INDEX activity_tools_activity ON activity_tools (activity_id)",
        "CREATE INDEX activity_tools_tool ON activity_tools (tool, time_us)",
    )


async def create_configurations(connection: AsyncConnection) -> None:
    """Service configurations; changes to them are numbered with those of policies and recipes."""
    await run_statements(
        connection,
        "CREATE TABLE configurations (id TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, "
        "created_us BIGINT NOT NULL, updated_us BIGINT NOT NULL, document TEXT NOT NULL)",
    )


async def create_answers(connection: AsyncConnection) -> None:
    """Answers that other processes may be asked for, sealed, for a short while."""
    await run_statements(
        connection,
        "CREATE TABLE answers (id TEXT PRIMARY KEY NOT NULL, expires_us BIGINT NOT NULL, sealed TEXT NOT NULL)",
        "CREATE INDEX answers_expires ON answers (expires_us)",
    )


STEPS: tuple[Step, ...] = (create_keys, create_policies, create_activity, create_configurations, create_answers)
