"""Judge and record: nothing is answered that is not in the activity log."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from guardhouse.engine.collect import judged_texts
from guardhouse.engine.guard import Guard
from guardhouse.errors import Forbidden
from guardhouse.model.activity import ActivityRecord
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.key import ApiKey, Permission
from guardhouse.model.policy import EffectivePolicy, PolicySnapshot, Scope, StoreText
from guardhouse.model.request import EvaluationRequest
from guardhouse.service.lanes import Lanes
from guardhouse.service.masking import sensitive_reading
from guardhouse.service.policies import Policies
from guardhouse.service.records import record_of
from guardhouse.storage.group_commit import GroupCommit


class Evaluator:
    """Runs a guard in threads under the policies of a store, and records what it says."""

    def __init__(
        self,
        guard: Guard,
        policies: Policies,
        lanes: Lanes,
        log: GroupCommit,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._guard = guard
        self._policies = policies
        self._lanes = lanes
        self._log = log
        self._now = now

    async def evaluate(self, request: EvaluationRequest, key: ApiKey) -> Evaluation:
        """The evaluation, durable in the activity log. See `Services.evaluate`."""
        request = replace(request, scope=_scope_of(request.scope, key))
        snapshot = await self._policies.snapshot()
        policy = self._policies.resolve(snapshot, request.scope)
        characters = sum(len(source.value) for source in judged_texts(request.conversation))
        evaluation, record = await self._lanes.run(
            characters,
            lambda waited_ms: self._judge(request, key, snapshot, policy, waited_ms),
            has_images=self._guard.reads_images(request.conversation),
        )
        started = time.monotonic()
        await self._log.add(record)
        return _with_timing(evaluation, "record", (time.monotonic() - started) * 1000)

    def _judge(
        self,
        request: EvaluationRequest,
        key: ApiKey,
        snapshot: PolicySnapshot,
        policy: EffectivePolicy,
        waited_ms: float,
    ) -> tuple[Evaluation, ActivityRecord]:
        evaluation = _with_timing(self._guard.judge(request, snapshot, policy=policy), "wait", waited_ms)
        reading = None
        if policy.store_text is StoreText.REDACTED:
            reading = sensitive_reading(self._guard, request, evaluation, snapshot, policy)
        return evaluation, record_of(evaluation, request, key, policy.store_text, time=self._now(), reading=reading)


def _scope_of(scope: Scope, key: ApiKey) -> Scope:
    """The scope under which the request runs: a bound key speaks for its service only, also when none is named."""
    if not key.allows(Permission.EVALUATE):
        raise Forbidden("this key may not evaluate")
    if key.service is None:
        return scope
    if scope.service not in (None, key.service):
        raise Forbidden("this key belongs to another service")
    return replace(scope, service=key.service)


def _with_timing(evaluation: Evaluation, stage: str, duration_ms: float) -> Evaluation:
    return replace(evaluation, timings_ms={**evaluation.timings_ms, stage: round(duration_ms, 3)})
