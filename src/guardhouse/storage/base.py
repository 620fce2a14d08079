"""What a store is: three parts behind one protocol, the same on every back end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from guardhouse.model.activity import ActivityRecord, RecordKind
from guardhouse.model.configuration import Configuration
from guardhouse.model.evaluation import Action
from guardhouse.model.key import ApiKey
from guardhouse.model.policy import Policy, Scope
from guardhouse.model.recipe import Recipe


@dataclass(frozen=True, slots=True)
class StoredPolicies:
    """Policies, the operator's own recipes and service configurations as they stood at one revision."""

    revision: int
    policies: Mapping[Scope, Policy]
    recipes: Mapping[str, Recipe]
    configurations: Mapping[str, Configuration] = field(default_factory=dict)
    """By id."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One change. `subject` is a rendered scope, a recipe's name or a configuration's id; `removed` tells that nothing
    is left of it."""

    number: int
    time: datetime
    what: str
    """`policy`, `recipe` or `configuration`."""
    subject: str
    removed: bool


@dataclass(frozen=True, slots=True)
class ActivityQuery:
    """Which records are wanted; members that are empty or None do not restrict.

    `since` is included, `until` is not. `cursor` is `ActivityPage.next_cursor` of the page before. `limit` is 1..1000.
    An un-redaction has neither an action nor findings or tools: `actions`, `kinds` and `tools` pass it over.
    """

    since: datetime | None = None
    until: datetime | None = None
    what: RecordKind | None = None
    actions: tuple[Action, ...] = ()
    blocked: bool | None = None
    services: tuple[str, ...] = ()
    envs: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()
    key_ids: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    cursor: str = ""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """Records, newest first. `next_cursor` is empty on the last page."""

    records: tuple[ActivityRecord, ...]
    next_cursor: str = ""


class KeyStore(Protocol):
    """API keys. Names are unique among keys that are not revoked."""

    async def add(self, key: ApiKey) -> None:
        """Stores a new key. Raises `Conflict` when an unrevoked key has its name."""
        ...

    async def by_digest(self, digest: str) -> ApiKey | None: ...

    async def all(self) -> list[ApiKey]:
        """Every key ever made, oldest first."""
        ...

    async def any(self) -> bool:
        """True when there is at least one key, live or not."""
        ...

    async def revoke(self, key_id: str, at: datetime) -> None:
        """Marks it revoked; a key that is revoked already keeps its first time."""
        ...


class PolicyStore(Protocol):
    """Policies, recipes and service configurations. Every change makes the next revision in its own transaction."""

    async def revision(self) -> int:
        """Number of the last change, 0 before any; one look-up in an index."""
        ...

    async def load(self) -> StoredPolicies:
        """All of it, as it stood at one revision."""
        ...

    async def change_policy(self, scope: Scope, change: Callable[[Policy], Policy], *, at: datetime) -> int:
        """Puts `change(stored or empty policy)` in place and returns the new revision.

        Changes are made one after the other, whatever process makes them: none is lost.
        A policy that says nothing is removed. When nothing changes, no revision is made.
        """
        ...

    async def put_recipe(self, recipe: Recipe, *, at: datetime) -> int:
        """Stores or replaces a recipe; returns the new revision."""
        ...

    async def delete_recipe(self, name: str, *, at: datetime) -> int:
        """Returns the new revision. Raises `NotFound` when there is no such recipe."""
        ...

    async def put_configuration(self, configuration: Configuration, *, replaces: datetime | None) -> int:
        """Stores a new configuration, or puts it in the place of the one of its id; returns the new revision.

        `replaces` is when that one was last changed, as the caller saw it, None for a new one. Raises `NotFound` when
        there is none of that id and kind, `Conflict` when it was changed meanwhile or an id is taken.
        """
        ...

    async def delete_configuration(self, configuration_id: str, *, kind: str, at: datetime) -> int:
        """Returns the new revision. Raises `NotFound` when there is none of that id and kind."""
        ...

    async def revisions(self, *, limit: int = 100) -> list[Revision]:
        """The last changes, newest first."""
        ...


class ActivityStore(Protocol):
    """The activity log: appended to, read, and pruned from its old end; never edited."""

    async def append(self, records: Sequence[ActivityRecord]) -> None:
        """Writes all of them in one commit, or none. When it returns they survive a crash."""
        ...

    async def get(self, record_id: str) -> ActivityRecord | None: ...

    async def query(self, query: ActivityQuery) -> ActivityPage:
        """Raises `InvalidInput` for a cursor or limit that makes no sense."""
        ...

    async def count(self, query: ActivityQuery) -> int:
        """How many records match, whatever the limit and cursor."""
        ...

    async def prune(self, *, before: datetime | None, keep_rows: int | None, limit: int = 500) -> int:
        """Deletes at most `limit` of the oldest records older than `before`, or beyond the newest `keep_rows`.

        Returns how many are gone; fewer than `limit` means there is nothing left to prune.
        """
        ...


@dataclass(frozen=True, slots=True)
class SealedAnswer:
    """An answer as the store has it: only who was answered can open `sealed`."""

    id: str
    expires: datetime
    sealed: str = field(repr=False)


class AnswerStore(Protocol):
    """Answers for a short while, for processes that did not give them."""

    async def put(self, given: Sequence[SealedAnswer]) -> None:
        """Adds them, at least one, in one commit, or none."""
        ...

    async def prune(self, *, now: datetime, keep_rows: int) -> None:
        """Deletes what has expired at `now` or is beyond the `keep_rows` that expire last."""
        ...

    async def find(self, answer_id: str, *, now: datetime) -> SealedAnswer | None: ...


class Store(Protocol):
    """One back end. Its methods raise `StorageUnavailable` when it cannot be reached or refuses."""

    @property
    def name(self) -> str:
        """`sqlite` or `postgresql`."""
        ...

    @property
    def keys(self) -> KeyStore: ...

    @property
    def policies(self) -> PolicyStore: ...

    @property
    def activity(self) -> ActivityStore: ...

    @property
    def answers(self) -> AnswerStore: ...

    async def open(self) -> None:
        """Connects and brings the schema up to date; any number of processes may do so at once."""
        ...

    async def ping(self) -> None:
        """Returns when the store answers."""
        ...

    async def schema_version(self) -> int:
        """Number of the last migration applied."""
        ...

    async def close(self) -> None: ...
