from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from service_support import RECIPE, make_guard, make_request
from store_support import eventually

from guardhouse.detectors.custom.entities import CustomEntityDetector
from guardhouse.errors import (
    ConfigurationError,
    DetectorFailed,
    Forbidden,
    StorageUnavailable,
    Unavailable,
    UnknownRecipe,
)
from guardhouse.model.activity import ActivityRecord
from guardhouse.model.evaluation import Action, Outcome
from guardhouse.model.key import ApiKey, KeyRole
from guardhouse.model.policy import Blocking, Policy, Scope, StoreText
from guardhouse.model.recipe import DetectorOverride, DetectorSetting, Overrides, Recipe, Rule, RuleAction
from guardhouse.service.app import Services, open_services
from guardhouse.settings import Settings
from guardhouse.storage.base import ActivityQuery
from guardhouse.storage.store import store_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("text", "action"), [("hello", Action.ALLOW), ("an attack", Action.DENY)], ids=["allow", "deny"]
)
async def test_the_answer_is_in_the_log_when_it_is_given(
    services: Services, settings: Settings, key: ApiKey, text: str, action: Action
) -> None:
    evaluation = await services.evaluate(make_request(text), key)
    assert evaluation.action is action
    other = store_of(settings)
    record = await other.activity.get(evaluation.id)
    await other.close()
    assert record is not None
    assert record.evaluation.action is action
    assert record.key_id == key.id
    assert record.texts == {"text": text}
    assert set(evaluation.timings_ms) - set(record.evaluation.timings_ms) == {"record"}
    assert "wait" in record.evaluation.timings_ms


async def test_no_value_is_stored_unless_the_policy_says_so(
    services: Services, key: ApiKey, settings: Settings
) -> None:
    evaluation = await services.evaluate(make_request("my secret is kept"), key)
    assert evaluation.reports[0].findings[0].finding.value == "secret", "the caller gets it whole"
    await services.policies.set(Scope("debug"), Policy(store_text=StoreText.FULL))
    await services.policies.set(Scope("quiet"), Policy(store_text=StoreText.NONE))
    full = await services.evaluate(make_request("my secret is kept", scope=Scope("debug")), key)
    none = await services.evaluate(make_request("my secret is kept", scope=Scope("quiet")), key)
    records = [await services.activity.get(item.id) for item in (evaluation, full, none)]
    assert [record and dict(record.texts) for record in records] == [
        {"text": "my <SECRET> is kept"},
        {"text": "my secret is kept"},
        {},
    ]
    values = [record and record.evaluation.reports[0].findings[0].finding.value for record in records]
    assert values == ["", "secret", ""]


SKIPPING = replace(RECIPE, name="skipping", detectors=tuple(reversed(RECIPE.detectors)))
LACKING = replace(RECIPE, name="lacking", detectors=RECIPE.detectors[1:])


@pytest.mark.parametrize("recipe", [SKIPPING, LACKING], ids=lambda recipe: recipe.name)
async def test_stored_texts_are_masked_also_where_the_recipe_did_not_look(
    services: Services, key: ApiKey, recipe: Recipe
) -> None:
    await services.recipes.save(recipe)
    evaluation = await services.evaluate(make_request("an attack and a secret", recipe=recipe.name), key)
    assert evaluation.flagged == ("ATTACK",), "what blocks first ends it"
    record = await services.activity.get(evaluation.id)
    assert record is not None
    assert record.texts == {"text": "an attack and a <SECRET>"}
    assert record.evaluation.flagged == ("ATTACK",)


async def test_a_text_that_could_not_be_looked_through_is_not_kept(services: Services, key: ApiKey) -> None:
    def crash(*_: object) -> list[object]:
        raise ValueError

    services.guard.detectors["secrets"].find = crash  # type: ignore[method-assign,assignment]
    evaluation = await services.evaluate(make_request("a secret"), key)
    record = await services.activity.get(evaluation.id)
    assert record is not None
    assert record.texts == {}


async def test_own_entities_are_masked_after_a_block_as_the_recipe_and_the_request_describe_them(
    settings: Settings,
) -> None:
    entities = DetectorSetting(
        "custom_entity", Rule(RuleAction.MASK), options={"entities": [{"name": "BADGE", "pattern": "B-[0-9]{4}"}]}
    )
    recipe = replace(RECIPE, detectors=(DetectorSetting("secrets", Rule(RuleAction.BLOCK)), entities))
    guard = make_guard(settings, CustomEntityDetector())
    async with await open_services(settings, guard=guard) as services:
        await services.recipes.save(recipe)
        key, _ = await services.keys.create(name="caller", role=KeyRole.EVALUATOR)
        own = {"entities": [{"name": "BADGE", "pattern": "C-[0-9]{4}"}]}
        overrides = Overrides({"custom_entity": DetectorOverride(options=own)})
        texts = []
        for request in (make_request("secret B-1234"), replace(make_request("secret C-1234"), overrides=overrides)):
            record = await services.activity.get((await services.evaluate(request, key)).id)
            assert record is not None
            texts.append(record.texts["text"])
        assert texts == ["<SECRET> <BADGE>", "<SECRET> <BADGE>"]


async def test_an_evaluation_runs_under_the_policy_of_its_scope(services: Services, key: ApiKey) -> None:
    await services.policies.set(Scope("shop", "prod"), Policy(blocking=Blocking.MONITOR, recipe="words"))
    request = make_request("an attack", scope=Scope("shop", "prod"), recipe=None)
    evaluation = await services.evaluate(request, key)
    assert (evaluation.action, evaluation.blocked) == (Action.DENY, False)
    assert evaluation.recipe == "words"
    assert evaluation.policy_revision == (await services.policies.snapshot()).revision
    elsewhere = await services.evaluate(make_request("an attack", scope=Scope("shop")), key)
    assert elsewhere.blocked


async def test_a_bound_key_speaks_for_its_service_only(services: Services) -> None:
    await services.policies.set(Scope("shop"), Policy(blocking=Blocking.MONITOR))
    key, _ = await services.keys.create(name="shop", role=KeyRole.EVALUATOR, service="shop")
    evaluation = await services.evaluate(make_request("an attack", scope=Scope(None, "prod")), key)
    assert not evaluation.blocked, "the policy of the key's service holds when the request names none"
    record = await services.activity.get(evaluation.id)
    assert record is not None
    assert (record.service, record.env) == ("shop", "prod")
    with pytest.raises(Forbidden, match="another service"):
        await services.evaluate(make_request(scope=Scope("desk")), key)
    assert await services.activity.count() == 1


async def test_a_key_that_may_only_read_may_not_evaluate(services: Services) -> None:
    key, _ = await services.keys.create(name="auditor", role=KeyRole.AUDITOR)
    with pytest.raises(Forbidden):
        await services.evaluate(make_request(), key)
    assert await services.activity.count() == 0


async def test_a_request_that_makes_no_sense_is_the_callers_mistake(services: Services, key: ApiKey) -> None:
    with pytest.raises(UnknownRecipe):
        await services.evaluate(make_request(recipe="nonsense"), key)


async def test_hostile_text_is_judged_and_stored(services: Services, key: ApiKey) -> None:
    text = "attack \0 \ud800 \U0001f600 " + "x" * 100
    evaluation = await services.evaluate(make_request(text, scope=Scope("a\0\udfff" * 300, "\0")), key)
    assert evaluation.action is Action.DENY
    record = await services.activity.get(evaluation.id)
    assert record is not None
    assert (record.texts["text"], record.env) == (text, "\0")


async def test_what_cannot_be_recorded_is_not_answered(services: Services, key: ApiKey) -> None:
    async def fail(records: Sequence[ActivityRecord]) -> None:
        raise StorageUnavailable("the store is out of reach: disk full")

    services._log._append = fail
    with pytest.raises(StorageUnavailable, match="disk full"):
        await services.evaluate(make_request("an attack"), key)


async def test_a_detector_that_breaks_is_an_outcome_and_recorded(services: Services, key: ApiKey) -> None:
    def crash(*_: object) -> list[object]:
        raise ValueError("planted secret")

    services.guard.detectors["attacks"].find = crash  # type: ignore[method-assign,assignment]
    evaluation = await services.evaluate(make_request("hello"), key)
    assert evaluation.action is Action.DENY, "fail mode is closed where blocking is on"
    record = await services.activity.get(evaluation.id)
    assert record is not None
    report = record.evaluation.report("attacks")
    assert report is not None
    assert report.outcome is Outcome.FAILED
    assert "planted" not in str(record)


async def test_an_engine_that_breaks_never_allows(
    services: Services, key: ApiKey, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RecursionError("planted secret")

    services.guard.judge = crash  # type: ignore[method-assign,assignment]
    with pytest.raises(DetectorFailed, match="RecursionError"):
        await services.evaluate(make_request("planted secret"), key)
    assert "RecursionError" in caplog.text
    assert "planted" not in caplog.text


async def test_too_many_at_once_are_refused_and_the_rest_is_answered_and_recorded(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, threads=1, max_queued=3)
    guard = make_guard(settings)
    hold = threading.Event()
    guard.detectors["attacks"].hold = hold  # type: ignore[attr-defined]
    async with await open_services(settings, guard=guard) as services:
        await services.recipes.save(RECIPE)
        key, _ = await services.keys.create(name="caller", role=KeyRole.EVALUATOR)
        asked = [asyncio.create_task(services.evaluate(make_request(), key)) for _ in range(8)]
        await eventually(lambda: sum(task.done() for task in asked) == 5)
        assert services.queue_depth == 3
        hold.set()
        results = await asyncio.gather(*asked, return_exceptions=True)
        refused = [result for result in results if isinstance(result, Unavailable)]
        assert len(refused) == 5
        assert await services.activity.count() == 3


async def test_closing_finishes_what_was_accepted(settings: Settings) -> None:
    services = await open_services(settings, guard=make_guard(settings))
    await services.recipes.save(RECIPE)
    key, _ = await services.keys.create(name="caller", role=KeyRole.EVALUATOR)
    results = await asyncio.gather(*(services.evaluate(make_request(f"{n}"), key) for n in range(20)))
    await services.close()
    await services.close()
    store = store_of(settings)
    page = await store.activity.query(ActivityQuery())
    await store.close()
    assert {record.id for record in page.records} == {result.id for result in results}


async def test_without_judging_there_is_no_verdict(settings: Settings, key: ApiKey) -> None:
    async with await open_services(replace(settings), judging=False) as services:
        with pytest.raises(ConfigurationError, match="without judging"):
            await services.evaluate(make_request(), key)
        assert services.queue_depth == 0
