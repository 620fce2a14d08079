"""All use cases over one store, opened and closed together."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from guardhouse.engine.guard import Guard
from guardhouse.errors import ConfigurationError, StorageUnavailable
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.key import ApiKey
from guardhouse.model.policy import StoreText
from guardhouse.model.request import EvaluationRequest
from guardhouse.redaction.keys import load_key_ring
from guardhouse.service.activity import Activity, Retention
from guardhouse.service.answers import SharedAnswers
from guardhouse.service.configurations import Configurations
from guardhouse.service.evaluate import Evaluator
from guardhouse.service.keys import Keys
from guardhouse.service.lanes import Lanes
from guardhouse.service.policies import Policies
from guardhouse.service.recipes import Recipes
from guardhouse.service.unredact import Unredacted, Unredactions
from guardhouse.settings import Settings
from guardhouse.storage.base import Store
from guardhouse.storage.group_commit import GroupCommit
from guardhouse.storage.store import store_of

READY_CACHE_S = 1.0
_READY_TIMEOUT_S = 3.0
_Part = TypeVar("_Part")


async def open_services(settings: Settings, *, guard: Guard | None = None, judging: bool = True) -> Services:
    """Opens the store, brings its schema up to date and loads the model. Close what it returns.

    Without `judging` the model stays unloaded, nothing runs in the background and `evaluate` raises: for the care of
    keys, policies and recipes. Raises `StorageUnavailable`, `ConfigurationError`.
    """
    services = Services(settings, store_of(settings), guard=guard)
    try:
        await services.open(judging=judging)
    except BaseException:
        await services.close()
        raise
    return services


class Services:
    """What server, console and command line call. Made by `open_services`; an asynchronous context manager."""

    def __init__(self, settings: Settings, store: Store, *, guard: Guard | None = None) -> None:
        self.settings = settings
        self.store = store
        self.keys = Keys(store.keys)
        self.policies = Policies(
            store.policies,
            known_categories=self.known_categories,
            default_store_text=StoreText(settings.store_text),
        )
        self.recipes = Recipes(store.policies, self.policies, check=lambda recipe: self.guard.check_recipe(recipe))
        self.configurations = Configurations(store.policies, self.policies)
        self.activity = Activity(store.activity)
        self.answers = SharedAnswers(store.answers)
        self._guard = guard
        self._log = GroupCommit(store.activity.append)
        self._lanes: Lanes | None = None
        self._evaluator: Evaluator | None = None
        self._unredactions: Unredactions | None = None
        self._retention: asyncio.Task[None] | None = None
        self._ready: tuple[float, dict[str, str]] = (float("-inf"), {})

    @property
    def guard(self) -> Guard:
        """The engine; made on first use where `open` did not load it."""
        if self._guard is None:
            keys = load_key_ring(self.settings.data_dir, self.settings.redaction_key)
            self._guard = Guard(settings=self.settings, redaction_key=keys)
        return self._guard

    async def open(self, *, judging: bool) -> None:
        """See `open_services`."""
        await self.store.open()
        if not judging:
            return
        await asyncio.to_thread(self.guard.load)
        self._lanes = Lanes(
            threads=self.settings.threads, max_queued=self.settings.max_queued, deadline_s=self.settings.deadline_s
        )
        self._log.start()
        self._evaluator = Evaluator(self.guard, self.policies, self._lanes, self._log)
        self._unredactions = Unredactions(self.guard, self._lanes, self._log)
        await self.policies.snapshot()
        if self.settings.workers > 1 or self.settings.database_url:
            self.answers.start()
        retention = Retention(self.store.activity, days=self.settings.retention_days, rows=self.settings.retention_rows)
        self._retention = asyncio.get_running_loop().create_task(retention.run(), name="retention")

    async def evaluate(self, request: EvaluationRequest, key: ApiKey) -> Evaluation:
        """Judges the request in the worker's threads; its record is durable when this returns.

        `timings_ms` also has `wait` (for a thread) and `record`. Raises `Forbidden` when the key may not evaluate or
        belongs to another service, `UnknownRecipe` and `InvalidInput` for the request, `Unavailable` when too much is
        waiting, `StorageUnavailable` when it could not be recorded, `DetectorFailed` for a fault of ours.
        """
        return await self._judging(self._evaluator).evaluate(request, key)

    async def unredact(
        self,
        data: Any,
        fpe_context: object,
        key: ApiKey,
        *,
        service: str | None = None,
        dialect: str = "native",
        size: int = 0,
    ) -> Unredacted:
        """`data` with the originals of a redaction put back; its record is durable when this returns.

        `size` is about its characters. Raises `Forbidden` when the key may not un-redact or belongs to another service,
        `InvalidContext`, and as `evaluate` does when there is too much to do or it could not be recorded.
        """
        return await self._judging(self._unredactions).data(
            data, fpe_context, key, service=service, dialect=dialect, size=size
        )

    async def originals(
        self,
        fpe_context: object,
        key: ApiKey,
        *,
        service: str | None = None,
        dialect: str = "native",
        size: int = 0,
    ) -> Unredacted:
        """All originals that the context can give, by what was put in their place; recorded and raising as
        `unredact`."""
        return await self._judging(self._unredactions).originals(
            fpe_context, key, service=service, dialect=dialect, size=size
        )

    async def unredact_each(
        self,
        items: Sequence[tuple[Any, object]],
        key: ApiKey,
        *,
        service: str | None = None,
        dialect: str = "native",
        size: int = 0,
    ) -> list[Unredacted]:
        """The same as `unredact` for several pairs of data and context, in one piece of work and a record for each.

        `size` is about all their characters. An `InvalidInput` has the pair's place in front of its path.
        """
        return await self._judging(self._unredactions).each(items, key, service=service, dialect=dialect, size=size)

    async def ready(self) -> dict[str, str]:
        """`ok`, or what is wrong, for `store` and `model`. At most `READY_CACHE_S` old."""
        asked, answer = self._ready
        if time.monotonic() - asked < READY_CACHE_S:
            return answer
        answer = {"store": await self._store_state(), "model": "ok" if self._evaluator is not None else "not loaded"}
        self._ready = (time.monotonic(), answer)
        return answer

    @property
    def queue_depth(self) -> int:
        """Evaluations waiting or running in this process."""
        return 0 if self._lanes is None else self._lanes.waiting

    def known_categories(self) -> Collection[str]:
        """Every category that a detector can report or an operator's recipe names."""
        return frozenset(kind for detector in self.guard.detectors.values() for kind in detector.kinds)

    async def close(self) -> None:
        """Writes what is waiting, then gives everything back. May be called twice."""
        if self._retention is not None:
            self._retention.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._retention
        if self._lanes is not None:
            await asyncio.to_thread(self._lanes.close)
        if self._guard is not None:
            await asyncio.to_thread(self._guard.close)
        await self._log.close()
        await self.answers.close()
        await self.store.close()

    @staticmethod
    def _judging(part: _Part | None) -> _Part:
        if part is None:
            raise ConfigurationError("these services were opened without judging")
        return part

    async def _store_state(self) -> str:
        try:
            async with asyncio.timeout(_READY_TIMEOUT_S):
                await self.store.ping()
        except TimeoutError:
            return "does not answer"
        except StorageUnavailable as error:
            return error.detail
        return "ok"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
