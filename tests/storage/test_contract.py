"""One contract, every back end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from store_support import START, make_finding, make_key, make_record

from guardhouse.errors import Conflict, InvalidInput, NotFound
from guardhouse.model.activity import LogFields, RecordKind, Unredaction
from guardhouse.model.configuration import Configuration
from guardhouse.model.evaluation import Action
from guardhouse.model.finding import Span
from guardhouse.model.key import KeyRole
from guardhouse.model.policy import (
    Blocking,
    FailMode,
    Policy,
    Scope,
    SensitiveData,
    Sensitivity,
    StoreText,
    ToolPolicy,
)
from guardhouse.model.recipe import DetectorSetting, Recipe, Rule, RuleAction
from guardhouse.settings import Settings
from guardhouse.storage.base import ActivityQuery, SealedAnswer
from guardhouse.storage.database import WriteRefused
from guardhouse.storage.store import SqlStore, store_of

pytestmark = pytest.mark.anyio

RECIPE = Recipe(
    "mine",
    "Mine",
    "Masks mail addresses.",
    (
        DetectorSetting(
            "pii",
            Rule(RuleAction.REPORT),
            rules={"EMAIL_ADDRESS": Rule(RuleAction.MASK, {"character": "#"}, block=True)},
            threshold=0.4,
            options={"regions": ["US"]},
            required=False,
        ),
    ),
    stop_on_block=False,
)
FULL_POLICY = Policy(
    blocking=Blocking.BLOCK,
    sensitivity=Sensitivity(0.3, {"JAILBREAK": 0.7}),
    sensitive_data=SensitiveData.REDACT,
    recipe="default",
    evaluation_context="A shop's assistant.",
    tool_policies={"shell": ToolPolicy.BLOCK},
    fail_mode=FailMode.OPEN,
    store_text=StoreText.NONE,
)


# --- the store as a whole --------------------------------------------------------------------------------------------


async def test_it_answers_and_says_its_schema(store: SqlStore) -> None:
    await store.ping()
    assert await store.schema_version() == 5


async def test_opening_again_changes_nothing(store: SqlStore, settings: Settings) -> None:
    await store.keys.add(make_key())
    again = store_of(settings)
    await again.open()
    assert [key.name for key in await again.keys.all()] == ["one"]
    await again.close()


# --- keys ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(make_key(), id="plain"),
        pytest.param(make_key(expires=None), id="never-expires"),
        pytest.param(make_key(role=KeyRole.ADMIN, service="shop", may_unredact=True), id="all-members"),
        pytest.param(make_key(created=START + timedelta(microseconds=1)), id="microseconds"),
    ],
)
async def test_a_key_comes_back_as_it_was(store: SqlStore, key: object) -> None:
    await store.keys.add(key)  # type: ignore[arg-type]
    assert await store.keys.by_digest("digest of one") == key
    assert await store.keys.all() == [key]


async def test_an_unknown_digest_is_nobody(store: SqlStore) -> None:
    assert not await store.keys.any()
    await store.keys.add(make_key())
    assert await store.keys.by_digest("digest of One") is None
    assert await store.keys.any()


async def test_revoking_keeps_the_first_time_and_frees_the_name(store: SqlStore) -> None:
    await store.keys.add(make_key())
    await store.keys.revoke("key_one", START + timedelta(hours=1))
    await store.keys.revoke("key_one", START + timedelta(hours=2))
    revoked = await store.keys.by_digest("digest of one")
    assert revoked is not None
    assert revoked.revoked == START + timedelta(hours=1)
    await store.keys.add(make_key(id="key_two", digest="another"))
    assert [key.id for key in await store.keys.all()] == ["key_one", "key_two"]


async def test_two_live_keys_cannot_share_a_name(store: SqlStore) -> None:
    await store.keys.add(make_key())
    with pytest.raises(Conflict, match="'one'"):
        await store.keys.add(make_key(id="key_two", digest="another"))
    assert len(await store.keys.all()) == 1


# --- policies and recipes --------------------------------------------------------------------------------------------


CONFIGURATION = Configuration(
    "pci_a", "redact", "R\0\ud800", START, START + timedelta(microseconds=1), {"rules": {"r": [1, None, "\ud800"]}}
)


async def test_a_configuration_comes_back_as_it_was(store: SqlStore) -> None:
    assert await store.policies.put_configuration(CONFIGURATION, replaces=None) == 1
    stored = await store.policies.load()
    assert (stored.revision, stored.configurations) == (1, {"pci_a": CONFIGURATION})
    later = replace(CONFIGURATION, name="S", updated=START + timedelta(hours=1), document={})
    assert await store.policies.put_configuration(later, replaces=CONFIGURATION.updated) == 2
    assert (await store.policies.load()).configurations == {"pci_a": later}
    assert await store.policies.delete_configuration("pci_a", kind="redact", at=START) == 3
    assert (await store.policies.load()).configurations == {}
    assert [(item.what, item.subject, item.removed) for item in await store.policies.revisions()] == [
        ("configuration", "pci_a", True),
        ("configuration", "pci_a", False),
        ("configuration", "pci_a", False),
    ]


async def test_a_configuration_is_changed_only_as_it_was_seen(store: SqlStore) -> None:
    policies = store.policies
    with pytest.raises(NotFound, match="'pci_a'"):
        await policies.put_configuration(CONFIGURATION, replaces=START)
    await policies.put_configuration(CONFIGURATION, replaces=None)
    for replaces in (None, START):
        with pytest.raises(Conflict, match="meanwhile"):
            await policies.put_configuration(replace(CONFIGURATION, name="S"), replaces=replaces)
    other = replace(CONFIGURATION, kind="guard")
    with pytest.raises(NotFound):
        await policies.put_configuration(other, replaces=CONFIGURATION.updated)
    with pytest.raises(NotFound):
        await policies.delete_configuration("pci_a", kind="guard", at=START)
    assert await policies.revision() == 1


async def test_of_two_who_change_a_configuration_one_is_told_so(store: SqlStore) -> None:
    await store.policies.put_configuration(CONFIGURATION, replaces=None)

    async def change(number: int) -> int:
        made = replace(CONFIGURATION, updated=START + timedelta(hours=number), document={"by": number})
        return await store.policies.put_configuration(made, replaces=CONFIGURATION.updated)

    results = await asyncio.gather(*(change(number) for number in range(1, 6)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Conflict"] * 4 + ["int"]


@pytest.mark.parametrize(
    "scope",
    [Scope(), Scope("shop"), Scope(env="prod"), Scope("shop", "prod"), Scope("", ""), Scope("a\0\ud800", "日本")],
    ids=["organisation", "service", "env", "both", "empty-names", "odd-names"],
)
async def test_a_policy_comes_back_as_it_was(store: SqlStore, scope: Scope) -> None:
    assert await store.policies.change_policy(scope, lambda _: FULL_POLICY, at=START) == 1
    stored = await store.policies.load()
    assert stored.revision == 1
    assert stored.policies == {scope: FULL_POLICY}


async def test_every_change_makes_the_next_revision(store: SqlStore) -> None:
    assert await store.policies.revision() == 0
    scope = Scope("shop")
    assert await store.policies.change_policy(scope, lambda _: FULL_POLICY, at=START) == 1
    assert await store.policies.change_policy(scope, lambda policy: policy, at=START) == 1, "nothing changed"
    assert await store.policies.put_recipe(RECIPE, at=START) == 2
    assert await store.policies.change_policy(scope, lambda _: Policy(), at=START + timedelta(hours=1)) == 3
    assert await store.policies.delete_recipe("mine", at=START) == 4
    stored = await store.policies.load()
    assert (stored.revision, stored.policies, stored.recipes) == (4, {}, {})
    assert [(item.number, item.what, item.subject, item.removed) for item in await store.policies.revisions()] == [
        (4, "recipe", "mine", True),
        (3, "policy", '["shop",null]', True),
        (2, "recipe", "mine", False),
        (1, "policy", '["shop",null]', False),
    ]
    assert (await store.policies.revisions(limit=2))[1].time == START + timedelta(hours=1)


async def test_a_recipe_comes_back_as_it_was_and_can_be_replaced(store: SqlStore) -> None:
    await store.policies.put_recipe(RECIPE, at=START)
    assert (await store.policies.load()).recipes == {"mine": RECIPE}
    changed = replace(RECIPE, title="Ours")
    await store.policies.put_recipe(changed, at=START)
    assert (await store.policies.load()).recipes == {"mine": changed}


async def test_deleting_what_is_not_there_makes_no_revision(store: SqlStore) -> None:
    with pytest.raises(NotFound, match="'mine'"):
        await store.policies.delete_recipe("mine", at=START)
    assert await store.policies.revision() == 0


async def test_a_change_that_fails_leaves_everything_as_it_was(store: SqlStore) -> None:
    def fail(policy: Policy) -> Policy:
        raise InvalidInput("no")

    with pytest.raises(InvalidInput):
        await store.policies.change_policy(Scope(), fail, at=START)
    assert await store.policies.revision() == 0


async def test_changes_at_once_lose_nothing(store: SqlStore, settings: Settings) -> None:
    other = store_of(settings)
    await other.open()

    def add(tool: str) -> object:
        def change(policy: Policy) -> Policy:
            return replace(policy, tool_policies={**policy.tool_policies, tool: ToolPolicy.BLOCK})

        return change

    stores = [store, other]
    numbers = await asyncio.gather(
        *(stores[n % 2].policies.change_policy(Scope(), add(f"tool{n}"), at=START) for n in range(12))  # type: ignore[arg-type]
    )
    assert sorted(numbers) == list(range(1, 13))
    stored = await other.policies.load()
    assert sorted(stored.policies[Scope()].tool_policies) == sorted(f"tool{n}" for n in range(12))
    await other.close()


# --- the activity log ------------------------------------------------------------------------------------------------


async def test_a_record_comes_back_as_it_was(store: SqlStore) -> None:
    record = make_record(findings=(make_finding(),), tools=("shell", "shell", "mail"), action=Action.DENY, blocked=True)
    await store.activity.append([record])
    assert await store.activity.get("one") == record
    assert await store.activity.get("two") is None


async def test_hostile_names_and_texts_come_back_as_they_were(store: SqlStore) -> None:
    odd = "\0\ud800\u202e" + "x" * 5000
    record = make_record(
        findings=(make_finding(value=odd),), service=odd, env=odd, tools=(odd,), texts={"text": odd, odd: ""}
    )
    await store.activity.append([record])
    assert await store.activity.get("one") == record
    found = await store.activity.query(ActivityQuery(services=(odd,), envs=(odd,), tools=(odd,)))
    assert found.records == (record,)
    assert await store.activity.get(odd) is None


async def test_findings_and_tools_are_rows_of_their_own_without_values(store: SqlStore) -> None:
    await store.activity.append([make_record(findings=(make_finding(span=Span(4, 9)),))])
    async with store._database.reading() as connection:
        rows = (await connection.exec_driver_sql("SELECT * FROM findings")).mappings().all()
    assert [dict(row) for row in rows] == [
        {
            "activity_id": "one",
            "time_us": int(START.timestamp()) * 1_000_000,
            "detector": "pii",
            "kind": "EMAIL_ADDRESS",
            "confidence": 0.9,
            "path": "text",
            "span_start": 4,
            "span_end": 9,
            "rule_action": "mask",
            "blocked": False,
        }
    ]


QUERIES = [
    pytest.param(ActivityQuery(), ["r5", "r4", "r3", "r2", "r1", "r0"], id="all"),
    pytest.param(ActivityQuery(since=START + timedelta(minutes=4)), ["r5", "r4"], id="since-is-included"),
    pytest.param(ActivityQuery(until=START + timedelta(minutes=2)), ["r1", "r0"], id="until-is-not"),
    pytest.param(ActivityQuery(actions=(Action.DENY, Action.ABORT)), ["r4", "r2", "r1"], id="actions"),
    pytest.param(ActivityQuery(blocked=True), ["r4", "r2"], id="blocked"),
    pytest.param(ActivityQuery(blocked=False, actions=(Action.DENY,)), ["r1"], id="not-blocked"),
    pytest.param(ActivityQuery(services=("shop",)), ["r3", "r2", "r1", "r0"], id="service"),
    pytest.param(ActivityQuery(services=("shop", "")), ["r5", "r3", "r2", "r1", "r0"], id="service-none"),
    pytest.param(ActivityQuery(envs=("prod",), services=("desk",)), ["r4"], id="env-and-service"),
    pytest.param(ActivityQuery(kinds=("EMAIL_ADDRESS",)), ["r3", "r1"], id="kind"),
    pytest.param(ActivityQuery(kinds=("EMAIL_ADDRESS", "US_SSN")), ["r3", "r2", "r1"], id="kinds"),
    pytest.param(ActivityQuery(tools=("shell",)), ["r2"], id="tool"),
    pytest.param(ActivityQuery(dialects=("other",)), ["r5"], id="dialect"),
    pytest.param(ActivityQuery(key_ids=("key_two",)), ["r0"], id="key"),
    pytest.param(ActivityQuery(kinds=("US_SSN",), tools=("mail",)), [], id="nothing"),
]


@pytest.fixture
async def filled(store: SqlStore) -> SqlStore:
    email, ssn = make_finding(), make_finding("US_SSN")
    await store.activity.append(
        [
            make_record("r0", minutes=0, key_id="key_two"),
            make_record("r1", minutes=1, action=Action.DENY, findings=(email, email)),
            make_record("r2", minutes=2, action=Action.ABORT, blocked=True, findings=(ssn,), tools=("shell",)),
            make_record("r3", minutes=3, findings=(email,)),
            make_record("r4", minutes=4, action=Action.DENY, blocked=True, service="desk"),
            make_record("r5", minutes=5, service="", env="", dialect="other"),
        ]
    )
    return store


@pytest.mark.parametrize(("query", "expected"), QUERIES)
async def test_queries(filled: SqlStore, query: ActivityQuery, expected: list[str]) -> None:
    page = await filled.activity.query(query)
    assert [record.id for record in page.records] == expected
    assert page.next_cursor == ""
    assert await filled.activity.count(query) == len(expected)


async def test_pages_follow_each_other_without_gap_or_repeat(store: SqlStore) -> None:
    await store.activity.append([make_record(f"r{n}", minutes=n // 3) for n in range(10)])  # equal times too
    seen, cursor = [], ""
    for _ in range(4):
        page = await store.activity.query(ActivityQuery(limit=3, cursor=cursor))
        seen += [record.id for record in page.records]
        cursor = page.next_cursor
    assert seen == [f"r{n}" for n in reversed(range(10))]
    assert cursor == ""


@pytest.mark.parametrize(
    "query",
    [
        ActivityQuery(limit=0),
        ActivityQuery(limit=1001),
        ActivityQuery(cursor="x"),
        ActivityQuery(cursor="1"),
        ActivityQuery(cursor="1.²"),
        ActivityQuery(cursor="9" * 40 + ".1"),
        ActivityQuery(cursor="1.1; DROP TABLE activity"),
    ],
    ids=lambda query: f"{query.limit}-{query.cursor[:8]}",
)
async def test_queries_that_make_no_sense_are_refused(store: SqlStore, query: ActivityQuery) -> None:
    with pytest.raises(InvalidInput):
        await store.activity.query(query)


async def test_a_batch_is_written_whole_or_not_at_all(store: SqlStore) -> None:
    await store.activity.append([make_record("r1")])
    with pytest.raises(WriteRefused):
        await store.activity.append([make_record("r2", findings=(make_finding(),)), make_record("r1")])
    assert [record.id for record in (await store.activity.query(ActivityQuery())).records] == ["r1"]
    assert await store.activity.count(ActivityQuery(kinds=("EMAIL_ADDRESS",))) == 0


@pytest.mark.parametrize(
    ("before", "keep_rows", "left"),
    [
        (START + timedelta(minutes=4), None, ["r5", "r4"]),
        (None, 2, ["r5", "r4"]),
        (START + timedelta(minutes=2), 3, ["r5", "r4", "r3"]),
        (START + timedelta(minutes=5), 3, ["r5"]),
        (None, 6, ["r5", "r4", "r3", "r2", "r1", "r0"]),
        (None, None, ["r5", "r4", "r3", "r2", "r1", "r0"]),
    ],
    ids=["age", "rows", "rows-stricter", "age-stricter", "rows-enough", "no-bound"],
)
async def test_pruning(filled: SqlStore, before: object, keep_rows: int | None, left: list[str]) -> None:
    gone = await filled.activity.prune(before=before, keep_rows=keep_rows)  # type: ignore[arg-type]
    assert gone == 6 - len(left)
    assert [record.id for record in (await filled.activity.query(ActivityQuery())).records] == left
    async with filled._database.reading() as connection:
        for table in ("findings", "activity_tools"):
            ids = (await connection.exec_driver_sql(f"SELECT DISTINCT activity_id FROM {table}")).scalars().all()
            assert set(ids) <= set(left)


async def test_pruning_takes_the_oldest_first_and_no_more_than_its_limit(filled: SqlStore) -> None:
    assert await filled.activity.prune(before=None, keep_rows=1, limit=2) == 2
    assert [record.id for record in (await filled.activity.query(ActivityQuery())).records] == ["r5", "r4", "r3", "r2"]


async def test_un_redactions_stand_beside_evaluations(store: SqlStore) -> None:
    given = Unredaction({"US_SSN": 2, "PERSON": 1}, "key_abc", 3, is_list=True)
    other = make_record("u", minutes=1, evaluation=None, unredaction=given, log_fields=LogFields(), texts={})
    await store.activity.append([make_record("e", findings=(make_finding(),)), other])
    assert await store.activity.get("u") == other
    for query, expected in (
        (ActivityQuery(), ["u", "e"]),
        (ActivityQuery(what=RecordKind.UNREDACTION), ["u"]),
        (ActivityQuery(what=RecordKind.EVALUATION), ["e"]),
        (ActivityQuery(actions=(Action.ALLOW, Action.DENY, Action.ABORT)), ["e"]),
        (ActivityQuery(kinds=("US_SSN", "EMAIL_ADDRESS")), ["e"]),
        (ActivityQuery(key_ids=(other.key_id,), services=("shop",)), ["u", "e"]),
    ):
        page = await store.activity.query(query)
        assert [record.id for record in page.records] == expected
        assert await store.activity.count(query) == len(expected)
    assert await store.activity.prune(before=None, keep_rows=0) == 2


# --- sealed answers --------------------------------------------------------------------------------------------------


def answer(number: int, *, minutes: int = 5) -> SealedAnswer:
    return SealedAnswer(f"a{number}", START + timedelta(minutes=minutes, seconds=number), f"sealed {number}")


async def test_an_answer_is_found_until_it_expires(store: SqlStore) -> None:
    await store.answers.put([answer(1), answer(2)])
    assert await store.answers.find("a1", now=START) == answer(1)
    assert await store.answers.find("a1", now=answer(1).expires) == answer(1)
    assert await store.answers.find("a1", now=answer(2).expires) is None
    assert await store.answers.find("a3", now=START) is None


async def test_old_and_surplus_answers_go(store: SqlStore) -> None:
    await store.answers.put([answer(1), answer(2), answer(3, minutes=60)])
    await store.answers.prune(now=answer(2).expires, keep_rows=10)
    found = [await store.answers.find(f"a{number}", now=START) for number in (1, 2, 3)]
    assert found == [None, answer(2), answer(3, minutes=60)]
    await store.answers.put([answer(number) for number in range(4, 9)])
    await store.answers.prune(now=START, keep_rows=2)
    left = [number for number in range(1, 9) if await store.answers.find(f"a{number}", now=START)]
    assert left == [3, 8]
