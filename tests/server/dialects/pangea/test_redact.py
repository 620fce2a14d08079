"""The Redact service over HTTP."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from running import RunningServer

ANN, SSN, MAIL = "Ann", "234-56-7890", "ann.lee@example.com"
TEXT = f"Reach {MAIL}, SSN {SSN}."


@pytest.fixture(scope="module")
def client(guard_server: RunningServer) -> Iterator[httpx.Client]:
    key = guard_server.create_key(may_unredact=True)
    with httpx.Client(base_url=guard_server.url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        yield client


def result(client: httpx.Client, name: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/redact/v1/{name}", json=body)
    assert answer.status_code == 200, answer.text
    envelope = answer.json()
    assert set(envelope) == {"request_id", "request_time", "response_time", "status", "summary", "result"}
    told: dict[str, Any] = envelope["result"]
    return told


def problems(answer: httpx.Response) -> list[tuple[str, str]]:
    assert (answer.status_code, answer.json()["status"]) == (400, "ValidationError"), answer.text
    return [(error["code"], error["source"]) for error in answer.json()["result"]["errors"]]


def test_the_vendors_own_example(client: httpx.Client) -> None:
    told = result(client, "redact", text="Jenny Jenny... 415-867-5309", rules=["PHONE_NUMBER"])
    assert told == {"redacted_text": "Jenny Jenny... <PHONE_NUMBER>", "count": 1}


def test_report_count_and_no_result(client: httpx.Client) -> None:
    told = result(client, "redact", text=TEXT, debug=True, return_result=False, rules=["US_SSN"])
    assert told == {
        "count": 1,
        "report": {
            "summary_counts": {"US_SSN": 1},
            "recognizer_results": [
                {
                    "field_type": "US_SSN",
                    "score": 1,
                    "text": SSN,
                    "start": TEXT.index(SSN),
                    "end": TEXT.index(SSN) + len(SSN),
                    "redacted": True,
                }
            ],
        },
    }


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ({"redaction_type": "mask"}, "*" * 11),
        ({"redaction_type": "partial_masking"}, "*******7890"),
        (
            {
                "redaction_type": "partial_masking",
                "unmasked_from_left": 3,
                "chars_to_ignore": ["-"],
                "masking_char": "#",
            },
            "234-##-####",
        ),
        (
            {
                "redaction_type": "partial_masking",
                "partial_masking": {"masking_type": "mask", "masked_from_left": 3, "masking_char": ["x"]},
            },
            "xxx-56-7890",
        ),
        ({"redaction_type": "replacement", "redaction_value": "GONE"}, "GONE"),
        ({"redaction_type": "replacement"}, "<US_SSN>"),
        ({"redaction_type": "hash", "hash": {"hash_type": "md5"}}, "[0-9a-f]{32}"),
        ({"redaction_type": "hash"}, "[0-9a-f]{64}"),
        ({"redaction_type": "fpe", "fpe_alphabet": "numeric", "fpe_tweak": "abcdefg"}, r"\d{3}-\d{2}-\d{4}"),
        ({"redaction_type": "detect_only"}, SSN),
    ],
    ids=str,
)
@pytest.mark.parametrize("form", ["bare", "by-rule"])
def test_methods_in_both_forms(client: httpx.Client, method: dict[str, Any], expected: str, form: str) -> None:
    overrides = method if form == "bare" else {"US_SSN": method}
    told = result(client, "redact", text=f"ssn {SSN}", rules=["US_SSN"], redaction_method_overrides=overrides)
    shown = told["redacted_text"].removeprefix("ssn ")
    assert shown == expected or re.fullmatch(expected, shown)
    assert ("fpe_context" in told) == (method["redaction_type"] == "fpe")


@pytest.mark.parametrize("options", [{"llm_request": True}, {"vault_parameters": {"fpe_key_id": "pvi_" + "a" * 32}}])
def test_encrypted_there_and_back(client: httpx.Client, options: dict[str, Any]) -> None:
    told = result(client, "redact", text=TEXT, rules=["EMAIL_ADDRESS", "US_SSN"], **options)
    hidden = told["redacted_text"]
    assert re.fullmatch(r"Reach \w+\.\w+@\w+\.\w+, SSN \d{3}-\d\d-\d{4}\.", hidden)
    context = json.loads(base64.b64decode(told["fpe_context"]))
    spot = next(item for item in context["m"] if item["t"] == "US_SSN")
    assert hidden[spot["s"] : spot["e"]] == spot["v"]
    for data, original in (
        (hidden, TEXT),
        (spot["v"], SSN),
        ([{"role": "user", "content": hidden}], [{"role": "user", "content": TEXT}]),
        ({"answer": f"Is {spot['v']} yours?", "n": [1, None]}, {"answer": f"Is {SSN} yours?", "n": [1, None]}),
    ):
        assert result(client, "unredact", redacted_data=data, fpe_context=told["fpe_context"]) == {"data": original}


def test_guard_calls_really_encrypt(client: httpx.Client) -> None:
    overrides = {"ignore_recipe": True, "pii_entity": {"us_ssn": "fpe", "email_address": "replacement"}}
    told = client.post("/v1/text/guard", json={"text": TEXT, "overrides": overrides}).json()["result"]
    (mail, ssn) = told["detectors"]["pii_entity"]["data"]["entities"]
    assert (mail["action"], ssn["action"]) == ("redacted:replaced", "redacted:encrypted")
    assert told["prompt_text"] == f"Reach <EMAIL_ADDRESS>, SSN {ssn['redacted_value']}."
    body = {"redacted_data": told["prompt_text"], "fpe_context": told["fpe_context"]}
    assert result(client, "unredact", **body) == {"data": f"Reach <EMAIL_ADDRESS>, SSN {SSN}."}
    messages = {"messages": [{"role": "user", "content": TEXT}]}
    spelled = {"ignore_recipe": True, "confidential_and_pii_entity": {"us_ssn": "fpe"}}
    whole = client.post("/v1/guard", json={"input": messages, "overrides": spelled}).json()["result"]
    body = {"redacted_data": whole["output"], "fpe_context": whole["fpe_context"]}
    assert result(client, "unredact", **body) == {"data": messages}


def test_a_domain_that_is_too_small_says_another_method(client: httpx.Client) -> None:
    overrides = {"ignore_recipe": True, "pii_entity": {"person": "fpe"}}
    told = client.post("/v1/text/guard", json={"text": "My name is Zoë Müller.", "overrides": overrides}).json()[
        "result"
    ]
    (entity,) = told["detectors"]["pii_entity"]["data"]["entities"]
    assert (entity["action"], entity["redacted_value"]) == ("redacted:replaced", "<PERSON_1>")
    body = {"redacted_data": told["prompt_text"], "fpe_context": told["fpe_context"]}
    assert result(client, "unredact", **body) == {"data": "My name is Zoë Müller."}


@pytest.mark.parametrize("value", ["{kind}", "{number}", "<{kind}_{number}>", "{{kind}}", ""])
def test_a_replacement_of_the_callers_own_is_taken_literally(client: httpx.Client, value: str) -> None:
    method = {"redaction_type": "replacement", "redaction_value": value}
    told = result(
        client, "redact", text=f"{MAIL}, {SSN}", rules=["EMAIL_ADDRESS", "US_SSN"], redaction_method_overrides=method
    )
    assert told == {"redacted_text": f"{value}, {value}", "count": 2}


def vault_id(letter: str) -> str:
    return "pvi_" + letter * 32


def test_keys_and_salts_of_a_vault_are_told_apart_by_their_ids(client: httpx.Client) -> None:
    def hidden(method: dict[str, Any], **vault: str) -> str:
        options = {"rules": ["US_SSN"], "redaction_method_overrides": method, "vault_parameters": vault}
        told = result(client, "redact", text=f"ssn {SSN}", **options)
        if "fpe_context" in told:
            body = {"redacted_data": told["redacted_text"], "fpe_context": told["fpe_context"]}
            assert result(client, "unredact", **body) == {"data": f"ssn {SSN}"}
        return str(told["redacted_text"])

    hashing = {"redaction_type": "hash", "hash": {"hash_type": "sha256"}}
    salts = [hidden(hashing, salt_secret_id=vault_id(letter)) for letter in "aba"]
    assert salts[0] == salts[2]
    assert len({*salts, hidden(hashing)}) == 3
    encrypting = {"redaction_type": "fpe", "fpe_alphabet": "numeric", "fpe_tweak": "abcdefg"}
    keys = [hidden(encrypting, fpe_key_id=vault_id(letter)) for letter in "aba"]
    assert keys[0] == keys[2]
    assert len({*keys, hidden(encrypting)}) == 3
    del encrypting["fpe_tweak"]
    tweaks = [hidden({**encrypting, "fpe_tweak_vault_secret_id": vault_id(letter)}) for letter in "aba"]
    assert tweaks[0] == tweaks[2] != tweaks[1]


@pytest.mark.parametrize(
    ("rule", "text", "value", "told_as"),
    [
        ("ABA_ROUTING_NUMBER", "routing number 021000021", "021000021", "ABA_ROUTING_NUMBER"),
        ("FIREBASE_URL", "at https://shop-4711.firebaseio.com/", "https://shop-4711.firebaseio.com", "FIREBASE_URL"),
        ("PROFANITY", "what the fuck, Scunthorpe", "fuck", "PROFANITY"),
        ("MONEY", "it costs $1,200.50 today", "$1,200.50", "MONEY"),
        ("US_DRIVER_LICENSE", "California driver's license D1234562", "D1234562", "US_DRIVER_LICENSE"),
        ("us_drivers_license", "California driver's license D1234562", "D1234562", "US_DRIVER_LICENSE"),
        ("FIN/NRIC", "my NRIC is S1234567D", "S1234567D", "FIN/NRIC"),
    ],
)
def test_rules_are_spelled_as_redact_does(client: httpx.Client, rule: str, text: str, value: str, told_as: str) -> None:
    told = result(client, "redact", text=text, rules=[rule], debug=True)
    assert told["redacted_text"] == text.replace(value, f"<{told_as}>")
    (found,) = told["report"]["recognizer_results"]
    assert (found["field_type"], found["text"], found["start"]) == (told_as, value, text.index(value))
    masked = {rule: {"redaction_type": "mask"}}
    told = result(client, "redact", text=text, rules=[rule], redaction_method_overrides=masked)
    assert told["redacted_text"] == text.replace(value, "*" * len(value))


def test_rule_sets(client: httpx.Client) -> None:
    text = f"damn shit, {MAIL}, key AKIA2E0A8F3B244C9986"
    for name, hidden in (
        ("PII", text.replace(MAIL, "<EMAIL_ADDRESS>")),
        ("secrets", text.replace("AKIA2E0A8F3B244C9986", "<AMAZON_AWS_ACCESS_KEY_ID>")),
        ("PROFANITY", text.replace("shit", "<PROFANITY>")),
    ):
        assert result(client, "redact", text=text, rulesets=[name])["redacted_text"] == hidden


def test_rules_of_paths_may_bring_their_method(client: httpx.Client) -> None:
    paths = [
        {"path": "$.user", "rules": [{"rule": "US_SSN", "redaction_type": "mask"}, "EMAIL_ADDRESS"]},
        {"path": "$.notes[0]", "rules": [{"rule": "US_SSN"}]},
    ]
    told = result(client, "redact_structured", data=DATA, jsonp=paths)
    assert told["redacted_data"]["user"] == {"ssn": "*" * 11, "mail": "<EMAIL_ADDRESS>"}
    assert told["redacted_data"]["notes"] == ["ssn <US_SSN>", f"mail {MAIL}"]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("US_SSN", ("InvalidArray", "/jsonp/0/rules")),
        ([5], ("InvalidString", "/jsonp/0/rules/0")),
        ([{}], ("FieldRequired", "/jsonp/0/rules/0/rule")),
        ([{"rule": 5}], ("InvalidString", "/jsonp/0/rules/0/rule")),
        ([{"rule": "NO_SUCH"}], ("NotEnumMember", "/jsonp/0/rules/0")),
        ([{"rule": "US_SSN", "redaction_type": "x"}], ("NotEnumMember", "/jsonp/0/rules/0/redaction_type")),
        ([{"rule": "US_SSN", "what": 1}], ("UnexpectedProperty", "/jsonp/0/rules/0/what")),
    ],
    ids=str,
)
def test_mistakes_in_rules_of_paths(client: httpx.Client, rules: Any, expected: tuple[str, str]) -> None:
    body = {"data": {"a": "x"}, "jsonp": [{"path": "$.a", "rules": rules}]}
    assert expected in problems(client.post("/v1/redact_structured", json=body))


DATA = {"user": {"ssn": SSN, "mail": MAIL}, "notes": [f"ssn {SSN}", f"mail {MAIL}"], "n": 7, "none": None}


def test_structured_data_keeps_its_shape(client: httpx.Client) -> None:
    told = result(client, "redact_structured", data=DATA, rules=["US_SSN", "EMAIL_ADDRESS"], debug=True)
    assert told["redacted_data"] == {
        "user": {"ssn": "<US_SSN>", "mail": "<EMAIL_ADDRESS>"},
        "notes": ["ssn <US_SSN>", "mail <EMAIL_ADDRESS>"],
        "n": 7,
        "none": None,
    }
    assert told["count"] == 4
    keys = [item["data_key"] for item in told["report"]["recognizer_results"]]
    assert sorted(keys) == ["notes[0]", "notes[1]", "user.mail", "user.ssn"]


def test_paths_choose_and_have_rules_of_their_own(client: httpx.Client) -> None:
    paths = ["$.notes[*]", {"path": "$.user", "rules": ["US_SSN"]}]
    told = result(client, "redact_structured", data=DATA, jsonp=paths, rules=["EMAIL_ADDRESS"], llm_request=True)
    hidden = told["redacted_data"]
    assert hidden["user"]["mail"] == MAIL
    assert hidden["user"]["ssn"] != SSN
    assert hidden["notes"][0] == f"ssn {SSN}"
    assert hidden["notes"][1] != f"mail {MAIL}"
    assert result(client, "unredact", redacted_data=hidden, fpe_context=told["fpe_context"]) == {"data": DATA}


@pytest.mark.parametrize("data", [["mail " + MAIL], "mail " + MAIL, MAIL, 5, None, [], {}])
def test_any_json_is_data(client: httpx.Client, data: Any) -> None:
    told = result(client, "redact_structured", data=data, rules=["EMAIL_ADDRESS"])
    assert json.dumps(told["redacted_data"]) == json.dumps(data).replace(MAIL, "<EMAIL_ADDRESS>")


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("redact", {}, ("FieldRequired", "/text")),
        ("redact", {"text": 5}, ("InvalidString", "/text")),
        ("redact", {"text": "x", "what": 1}, ("UnexpectedProperty", "/what")),
        ("redact", {"text": "x", "rules": ["NO_SUCH"]}, ("NotEnumMember", "/rules/0")),
        ("redact", {"text": "x", "rulesets": ["NO_SUCH"]}, ("NotEnumMember", "/rulesets/0")),
        (
            "redact",
            {"text": "x", "redaction_method_overrides": {"redaction_type": "vaporise"}},
            ("NotEnumMember", "/redaction_method_overrides/redaction_type"),
        ),
        (
            "redact",
            {"text": "x", "redaction_method_overrides": {"US_SSN": {}}},
            ("FieldRequired", "/redaction_method_overrides/US_SSN/redaction_type"),
        ),
        (
            "redact",
            {"text": "x", "redaction_method_overrides": {"redaction_type": "fpe", "fpe_tweak": "short"}},
            ("DoesNotMatchPattern", "/redaction_method_overrides/fpe_tweak"),
        ),
        (
            "redact",
            {"text": "x", "vault_parameters": {"salt_secret_id": "mine"}},
            ("DoesNotMatchPattern", "/vault_parameters/salt_secret_id"),
        ),
        (
            "redact",
            {
                "text": "x",
                "redaction_method_overrides": {"redaction_type": "fpe", "fpe_tweak_vault_secret_id": "pvi_1"},
            },
            ("DoesNotMatchPattern", "/redaction_method_overrides/fpe_tweak_vault_secret_id"),
        ),
        ("redact_structured", {"data": {}, "jsonp": ["notes"]}, ("BadFormatJSONPath", "/jsonp/0")),
        ("redact_structured", {"data": {}, "jsonp": "$"}, ("InvalidArray", "/jsonp")),
        ("redact_structured", {"data": {}, "format": "xml"}, ("NotEnumMember", "/format")),
        ("redact_structured", {}, ("FieldRequired", "/data")),
        ("unredact", {"redacted_data": "x"}, ("FieldRequired", "/fpe_context")),
        ("unredact", {"redacted_data": "x", "fpe_context": "@@@"}, ("BadFormatBase64", "/fpe_context")),
        ("unredact", {"redacted_data": "x", "fpe_context": "e30="}, ("BadState", "/fpe_context")),
    ],
    ids=str,
)
def test_mistakes_are_told_in_the_vendors_words(
    client: httpx.Client, name: str, body: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert expected in problems(client.post(f"/redact/v1/{name}", json=body))


@pytest.mark.parametrize("path", ["", "/redact", "/ai-guard", "/aiguard", "/aidr/aiguard"], ids=repr)
def test_events_come_back_each_under_its_own_context(client: httpx.Client, path: str) -> None:
    events: list[dict[str, Any]] = []
    for number, text in enumerate((TEXT, "ssn 536-90-4399")):
        told = result(client, "redact", text=text, rules=["US_SSN"], llm_request=True)
        event = {"message": told["redacted_text"], "actor": f"a{number}"}
        events.append({"envelope": {"event": event, "received_at": "today"}, "fpe_context": told["fpe_context"]})
    events.append({"envelope": {"event": events[0]["envelope"]["event"]}, "hash": "x"})
    events.append({"envelope": {}, "fpe_context": events[0]["fpe_context"]})
    answer = client.post(f"{path}/v1/unredact_events", json={"events": events}).json()
    assert answer["summary"] == "Success. Unredacted 2 event(s)"
    assert answer["result"]["events"] == [
        {"envelope": {"event": {"message": TEXT, "actor": "a0"}, "received_at": "today"}},
        {"envelope": {"event": {"message": "ssn 536-90-4399", "actor": "a1"}, "received_at": "today"}},
        {"envelope": {"event": events[0]["envelope"]["event"]}, "hash": "x"},
        {"envelope": {}},
    ]


EVENT: dict[str, Any] = {"envelope": {"event": {}}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, ("FieldRequired", "/events")),
        ({"events": {}}, ("InvalidArray", "/events")),
        ({"events": [EVENT, 5]}, ("InvalidObject", "/events/1")),
        ({"events": [{}]}, ("FieldRequired", "/events/0/envelope")),
        ({"events": [{"envelope": []}]}, ("InvalidObject", "/events/0/envelope")),
        ({"events": [{"envelope": {"event": "x"}}]}, ("InvalidObject", "/events/0/envelope/event")),
        ({"events": [EVENT, {**EVENT, "fpe_context": 5}]}, ("InvalidString", "/events/1/fpe_context")),
        ({"events": [EVENT, {**EVENT, "fpe_context": "@"}]}, ("BadFormatBase64", "/events/1/fpe_context")),
        ({"events": [EVENT, {**EVENT, "fpe_context": "e30="}]}, ("BadState", "/events/1/fpe_context")),
        ({"events": [EVENT] * 1001}, ("AboveMaxItems", "/events")),
        ({"events": [], "what": 1}, ("UnexpectedProperty", "/what")),
    ],
    ids=lambda value: str(value)[:60],
)
def test_mistakes_in_events_are_pointed_at(
    client: httpx.Client, body: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert problems(client.post("/v1/unredact_events", json=body)) == [expected]


def test_as_many_events_as_may_come(client: httpx.Client) -> None:
    told = result(client, "unredact_events", events=[EVENT] * 1000)
    assert told["events"] == [EVENT] * 1000


def test_who_is_answered_in_which_form(guard_server: RunningServer, client: httpx.Client) -> None:
    body = {"text": TEXT}
    for headers in ({"user-agent": "pangea-python/6.13.0"}, {"host": "redact.guard.example"}):
        assert client.post("/v1/redact", json=body, headers=headers).json()["status"] == "Success"
        wrong = httpx.post(f"{guard_server.url}/v1/redact", json=body, headers=headers)
        assert (wrong.status_code, wrong.json()["status"]) == (401, "Unauthorized")
    assert "text" in client.post("/v1/redact", json=body).json()
    assert client.post("/v1/redact_structured", json={"data": {}}).json()["status"] == "Success"
    assert "error" in httpx.post(f"{guard_server.url}/v1/redact", json=body).json()


@pytest.mark.parametrize("mount", ["/redact", "/ai-guard", "/aiguard", "/aidr/aiguard"])
@pytest.mark.parametrize("name", ["unredact", "unredact_events"])
def test_unredacting_needs_its_permission(guard_server: RunningServer, mount: str, name: str) -> None:
    headers = {"Authorization": f"Bearer {guard_server.key}"}
    answer = httpx.post(f"{guard_server.url}{mount}/v1/{name}", json={}, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (403, "ServiceNotEnabled")
