"""The tables as queries see them. Migrations make them; a test holds the two equal."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, MetaData, Table, Text

metadata = MetaData()

keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("service", Text),
    Column("may_unredact", Boolean, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("revoked_us", BigInteger),
)

policies = Table(
    "policies",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("document", Text, nullable=False),
)

recipes = Table(
    "recipes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("document", Text, nullable=False),
)

configurations = Table(
    "configurations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
)

revisions = Table(
    "revisions",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("time_us", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("document", Text),
)

answers = Table(
    "answers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("expires_us", BigInteger, nullable=False),
    Column("sealed", Text, nullable=False),
)

activity = Table(
    "activity",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", Text, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("action", Integer, nullable=False),
    Column("blocked", Boolean, nullable=False),
    Column("service", Text, nullable=False),
    Column("env", Text, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("document", Text, nullable=False),
)

findings = Table(
    "findings",
    metadata,
    Column("activity_id", Text, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("detector", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("path", Text, nullable=False),
    Column("span_start", BigInteger),
    Column("span_end", BigInteger),
    Column("rule_action", Text, nullable=False),
    Column("blocked", Boolean, nullable=False),
)

activity_tools = Table(
    "activity_tools",
    metadata,
    Column("activity_id", Text, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("tool", Text, nullable=False),
)

migrations = Table(
    "migrations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("applied_us", BigInteger, nullable=False),
)
