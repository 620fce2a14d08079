"""`POST /v1/redact` and `POST /v1/unredact` against a real server."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from running import RunningServer

from guardhouse.model.recipe import DetectorSetting, Recipe, Rule, RuleAction

TEXT = "Mail ann.lee@example.com, SSN 234-56-7890, again ann.lee@example.com."
MAIL = "ann.lee@example.com"


def client_with(server: RunningServer, key: str) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {key}"}, timeout=30)


@pytest.fixture(scope="module")
def client(guard_server: RunningServer) -> Iterator[httpx.Client]:
    with client_with(guard_server, guard_server.create_key(may_unredact=True)) as client:
        yield client


def redact(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/v1/redact", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def refused(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["path"]


def test_what_is_sensitive_is_replaced(client: httpx.Client) -> None:
    told = redact(client, text=TEXT)
    assert told["text"] == "Mail <EMAIL_ADDRESS>, SSN <US_SSN>, again <EMAIL_ADDRESS>."
    assert (told["count"], told["fpe_context"]) == (3, None)
    assert [(item["kind"], TEXT[slice(*item["span"])]) for item in told["redactions"]] == [
        ("EMAIL_ADDRESS", MAIL),
        ("US_SSN", "234-56-7890"),
        ("EMAIL_ADDRESS", MAIL),
    ]


def test_kinds_rules_and_parameters(client: httpx.Client) -> None:
    assert redact(client, text=TEXT, kinds=["us-ssn"], action="mask")["text"] == TEXT.replace("234-56-7890", "*" * 11)
    told = redact(
        client,
        text=TEXT,
        action="replace",
        parameters={"numbered": True},
        rules={"US_SSN": {"action": "partial_mask", "parameters": {"unmasked_from_right": 2}}},
    )
    assert told["text"] == "Mail <EMAIL_ADDRESS_1>, SSN *********90, again <EMAIL_ADDRESS_1>."


def test_kinds_of_the_operators_recipe(guard_server: RunningServer, client: httpx.Client) -> None:
    entities = [{"name": "STAFF_NUMBER", "pattern": "S-[0-9]{6}"}]
    own = DetectorSetting("custom_entity", Rule(RuleAction.REPORT), options={"entities": entities})
    recipe = Recipe("own_kinds", "Own kinds", "", (own,))
    guard_server.with_services(lambda services: services.recipes.save(recipe))
    body = {"text": f"S-204417 {TEXT}", "kinds": ["staff_number"], "recipe": "own_kinds", "action": "mask"}
    deadline = time.monotonic() + 30
    while (answer := client.post("/v1/redact", json=body)).status_code == 400 and time.monotonic() < deadline:
        time.sleep(0.1)  # the server has the recipe within a second
    assert answer.json()["text"] == f"******** {TEXT}"
    assert refused(client.post("/v1/redact", json={**body, "recipe": "ingestion"})) == (
        400,
        "unknown_member",
        "kinds[0]",
    )


def test_there_and_back(client: httpx.Client) -> None:
    arguments = json.dumps({"to": MAIL, "ssn": "234-56-7890"})
    call = {"id": "1", "type": "function", "function": {"name": "send", "arguments": arguments}}
    messages = [{"role": "user", "content": TEXT, "x": 1}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    told = redact(client, messages=messages, action="fpe", conversation_id="c-1")
    assert told["messages"] != messages
    hidden = json.dumps(told["messages"])
    assert MAIL not in hidden
    assert "234-56-7890" not in hidden
    assert re.search(r"SSN \d{3}-\d\d-\d{4}, again \w+\.\w+@\w+\.\w+\.", told["messages"][0]["content"])
    back = client.post("/v1/unredact", json={"data": told["messages"], "fpe_context": told["fpe_context"]})
    assert back.json()["data"] == messages
    again = redact(client, text=TEXT, action="fpe", conversation_id="c-1")
    assert again["text"] == told["messages"][0]["content"]
    later = redact(client, text="Ask ann.lee@example.com", action="fpe", fpe_context=told["fpe_context"])
    assert later["text"].removeprefix("Ask ") in again["text"]


def test_evaluations_give_a_context_too(client: httpx.Client) -> None:
    overrides = {"ignore_recipe": True, "detectors": {"pii": {"rules": {"US_SSN": "fpe"}}}}
    evaluation = client.post("/v1/evaluate", json={"text": TEXT, "overrides": overrides}).json()
    (text,) = evaluation["texts"]
    body = {"data": text["text"], "fpe_context": evaluation["fpe_context"]}
    assert client.post("/v1/unredact", json=body).json()["data"] == TEXT


def test_only_keys_with_the_permission_and_of_the_same_service_unredact(
    guard_server: RunningServer, client: httpx.Client
) -> None:
    told = redact(client, text=TEXT, action="fpe", service="vault-bot")
    body = {"data": told["text"], "fpe_context": told["fpe_context"]}
    assert client.post("/v1/unredact", json={**body, "service": "vault-bot"}).json()["data"] == TEXT
    assert refused(client.post("/v1/unredact", json=body)) == (400, "bad_format", "fpe_context")
    with client_with(guard_server, guard_server.create_key(service="vault-bot", may_unredact=True)) as bound:
        assert bound.post("/v1/unredact", json=body).json()["data"] == TEXT
        assert bound.post("/v1/unredact", json={**body, "service": "another"}).status_code == 403
    for key in (guard_server.key, guard_server.admin_key):
        with client_with(guard_server, key) as without:
            assert without.post("/v1/unredact", json=body).status_code == 403
    assert httpx.post(f"{guard_server.url}/v1/unredact", json=body).status_code == 401


def test_originals_come_as_a_list(client: httpx.Client) -> None:
    told = redact(client, text=TEXT, action="replace", parameters={"reversible": True})
    body = {"originals": True, "fpe_context": told["fpe_context"]}
    assert client.post("/v1/unredact", json=body).json()["originals"] == {
        "<EMAIL_ADDRESS_1>": MAIL,
        "<US_SSN_1>": "234-56-7890",
    }


@pytest.mark.parametrize("dialect", ["native", "pangea"])
def test_every_un_redaction_is_in_the_activity_log(
    guard_server: RunningServer, client: httpx.Client, dialect: str
) -> None:
    told = redact(client, text=TEXT, action="fpe")
    data = {"quoted": told["text"].split()[1].rstrip(",")}
    if dialect == "native":
        answer = client.post("/v1/unredact", json={"data": data, "fpe_context": told["fpe_context"]})
    else:
        body = {"redacted_data": data, "fpe_context": told["fpe_context"]}
        answer = client.post("/redact/v1/unredact", json=body)
    assert MAIL in answer.text, answer.text
    with client_with(guard_server, guard_server.admin_key) as admin:
        listed = admin.get("/v1/activity", params={"what": "unredaction", "dialect": dialect, "limit": 1}).json()
        (record,) = listed["records"]
        assert admin.get(f"/v1/activity/{record['id']}").json() == record
        assert listed["next_cursor"] or dialect == "pangea"
    if dialect == "native":
        assert record["id"] == answer.json()["id"]
    assert record["what"] == "unredaction"
    assert re.fullmatch("key_[a-z2-7]+", record["unredaction"].pop("redaction_key"))
    assert record["unredaction"] == {"kinds": {"EMAIL_ADDRESS": 1}, "count": 1, "key_version": 1, "is_list": False}
    assert MAIL not in json.dumps(record)
    assert client.get("/v1/activity").status_code == 403, "a key that may un-redact may not read the log"


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        ({}, "missing", ""),
        ({"text": "x", "messages": []}, "conflict", ""),
        ({"text": 5}, "wrong_type", "text"),
        ({"messages": "x"}, "wrong_type", "messages"),
        ({"text": "x", "action": "report"}, "not_in_enum", "action"),
        ({"text": "x", "action": "vaporise"}, "not_in_enum", "action"),
        ({"text": "x", "parameters": {"value": "y"}}, "conflict", "parameters"),
        ({"text": "x", "action": "mask", "parameters": {"char": "y"}}, "unknown_member", None),
        ({"text": "x", "action": "mask", "parameters": []}, "wrong_type", "parameters"),
        ({"text": "x", "kinds": ["NOTHING"]}, "unknown_member", "kinds[0]"),
        ({"text": "x", "kinds": "US_SSN"}, "wrong_type", "kinds"),
        ({"text": "x", "rules": {"NOTHING": "mask"}}, "unknown_member", "rules.NOTHING"),
        ({"text": "x", "recipe": "none"}, "not_in_enum", "recipe"),
        ({"text": "x", "fpe_context": "none"}, "bad_format", "fpe_context"),
        ({"text": "x", "txet": 1}, "unknown_member", "txet"),
        ([], "wrong_type", ""),
    ],
    ids=str,
)
def test_what_cannot_be_read_says_where(client: httpx.Client, body: Any, code: str, path: str | None) -> None:
    told = refused(client.post("/v1/redact", json=body))
    assert told[:2] == (400, code)
    if path is not None:
        assert told[2] == path


@pytest.mark.parametrize(
    ("body", "code", "path"),
    [
        ({"fpe_context": "x"}, "missing", "data"),
        ({"data": "x"}, "missing", "fpe_context"),
        ({"data": None, "fpe_context": 5}, "bad_format", "fpe_context"),
        ({"data": "x", "fpe_context": "@"}, "bad_format", "fpe_context"),
        ({"data": "x", "fpe_context": "e30="}, "bad_format", "fpe_context"),
        ({"data": "x", "fpe_context": "e30=", "service": 5}, "wrong_type", "service"),
        ({"data": "x", "fpe_context": "e30=", "text": 5}, "unknown_member", "text"),
        ({"originals": 1, "fpe_context": "e30="}, "wrong_type", "originals"),
        ({"originals": True, "data": None, "fpe_context": "e30="}, "conflict", "originals"),
        ({"originals": False, "fpe_context": "e30="}, "missing", "data"),
        ({"originals": True}, "missing", "fpe_context"),
        ({"originals": True, "fpe_context": "e30="}, "bad_format", "fpe_context"),
    ],
    ids=str,
)
def test_wrong_contexts_are_the_callers_mistake(client: httpx.Client, body: Any, code: str, path: str) -> None:
    assert refused(client.post("/v1/unredact", json=body)) == (400, code, path)
