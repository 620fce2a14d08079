"""Whole exchanges, compared whole: ids masked, probabilities as flagged (at or above one half) or not."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import RunningServer

from guardhouse.model.codec import policy_from_dict
from guardhouse.model.key import KeyRole

MOUNT = "/api/v2/ai-guard/evaluate"
FILES = sorted((Path(__file__).parent / "exchanges").glob("*.json"))
HELLO = {"data": {"attributes": {"messages": [{"role": "user", "content": "Hello there"}]}}}


def headers_of(server: RunningServer) -> dict[str, str]:
    return {"DD-API-KEY": server.key, "DD-APPLICATION-KEY": server.key}


def masked(answer: dict[str, Any]) -> dict[str, Any]:
    if "data" not in answer:
        return answer
    data = answer["data"]
    assert str(uuid.UUID(data["id"])) == data["id"]
    data["id"] = "<uuid>"
    attributes = data["attributes"]
    attributes["tag_probs"] = {tag: word_of(value) for tag, value in attributes["tag_probs"].items()}
    attributes["global_prob"] = word_of(attributes["global_prob"])
    return answer


def word_of(probability: float) -> str:
    assert 0.0 <= probability <= 1.0
    return "<flagged>" if probability >= 0.5 else "<not flagged>"


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_exchange(guard_server: RunningServer, file: Path) -> None:
    exchange = json.loads(file.read_text("utf-8"))
    if "policy" in exchange:
        policy = exchange["policy"]
        scope = {name: policy.pop(name) for name in ("service", "env") if name in policy}
        guard_server.set_policy(policy_from_dict(policy), **scope)
    response = guard_server.http.post(MOUNT, json=exchange["request"], headers=headers_of(guard_server))
    assert response.status_code == exchange["status"]
    answer = masked(response.json())
    if file.stem == "threshold_of_the_request":
        answer["data"]["attributes"]["tag_probs"]["destructive-tool-call"] = "<not flagged>"
        answer["data"]["attributes"]["global_prob"] = "<not flagged>"
    assert answer == exchange["answer"]


def test_headers_of_a_success(guard_server: RunningServer) -> None:
    response = guard_server.http.post(MOUNT, json=HELLO, headers=headers_of(guard_server))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/vnd.api+json"
    assert response.headers["x-ratelimit-limit"] == "12000"
    assert response.headers["x-ratelimit-period"] == "60"
    assert response.headers["x-ratelimit-name"] == "ai_guard_evaluate_per_org"
    assert 0 < int(response.headers["x-ratelimit-remaining"]) < 12000
    assert 0 < int(response.headers["x-ratelimit-reset"]) <= 60


@pytest.mark.parametrize(
    "content_type", [None, "application/json; charset=utf-8", "application/vnd.api+json", "text/plain"]
)
def test_any_content_type_will_do(guard_server: RunningServer, content_type: str | None) -> None:
    headers = {**headers_of(guard_server), **({"Content-Type": content_type} if content_type else {})}
    response = guard_server.http.post(MOUNT, content=json.dumps(HELLO), headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize("path", [MOUNT, "/api/v2/ai-guard//evaluate", "/evaluate", "//evaluate"])
def test_every_path(guard_server: RunningServer, path: str) -> None:
    url = httpx.URL(guard_server.url, raw_path=path.encode())
    response = guard_server.http.post(url, json=HELLO, headers=headers_of(guard_server))
    assert (response.status_code, response.json()["data"]["type"]) == (200, "evaluations")


def test_a_bearer_may_stand_for_the_pair(guard_server: RunningServer) -> None:
    for secret, status in ((guard_server.key, 200), ("gh_wrong", 401), (guard_server.create_key(KeyRole.AUDITOR), 403)):
        response = guard_server.http.post(MOUNT, json=HELLO, headers={"Authorization": f"Bearer {secret}"})
        assert response.status_code == status


@pytest.mark.parametrize(
    ("api_key", "app_key", "status", "errors"),
    [
        ("", "", 401, ["Unauthorized"]),
        ("", "live", 401, ["Unauthorized"]),
        ("gh_wrong", "live", 401, ["Unauthorized"]),
        ("revoked", "live", 401, ["Unauthorized"]),
        ("expired", "live", 401, ["Unauthorized"]),
        ("live", "", 403, ["Forbidden"]),
        ("live", "gh_wrong", 403, ["Forbidden"]),
        ("live", "revoked", 403, ["Forbidden"]),
        ("live", "expired", 403, ["Forbidden"]),
        ("live", "auditor", 403, ["Forbidden"]),
        ("auditor", "live", 200, None),
    ],
)
@pytest.mark.parametrize("body", [b"not json", None])
def test_keys_are_checked_before_the_body(
    guard_server: RunningServer, api_key: str, app_key: str, status: int, errors: list[str] | None, body: bytes | None
) -> None:
    secrets = {"live": guard_server.key, "auditor": guard_server.create_key(KeyRole.AUDITOR)}
    if "revoked" in (api_key, app_key):
        secrets["revoked"] = guard_server.create_key()
        guard_server.revoke_key(secrets["revoked"])
    if "expired" in (api_key, app_key):
        secrets["expired"] = guard_server.create_key(expires_in=timedelta(microseconds=1))
    given = {"DD-API-KEY": secrets.get(api_key, api_key), "DD-APPLICATION-KEY": secrets.get(app_key, app_key)}
    headers = {name: value for name, value in given.items() if value}
    content = json.dumps(HELLO).encode() if body is None else body
    response = guard_server.http.post(MOUNT, content=content, headers=headers)
    if errors is None:
        assert response.status_code == (200 if body is None else 400)
    else:
        assert (response.status_code, response.json()) == (status, {"errors": errors})


def test_errors_of_the_framework_have_the_vendors_form(guard_server: RunningServer) -> None:
    with httpx.Client(base_url=guard_server.url) as client:
        wrong_path = client.post("/api/v2/ai-guard/evaluates")
        wrong_method = client.get(MOUNT)
    assert (wrong_path.status_code, wrong_method.status_code) == (404, 405)
    for response in (wrong_path, wrong_method):
        (error,) = response.json()["errors"]
        assert error["status"] == str(response.status_code)
        assert error["title"] in ("Not Found", "Method Not Allowed")


def test_the_record_says_who_called(guard_server: RunningServer) -> None:
    headers = {**headers_of(guard_server), "DD-AI-GUARD-LANGUAGE": "python", "DD-AI-GUARD-VERSION": "4.16.0"}
    document = json.loads(json.dumps(HELLO))
    document["data"]["attributes"]["meta"] = {"service": "recorded-bot", "env": "prod", "coding_agent": "codex"}
    identity = guard_server.http.post(MOUNT, json=document, headers=headers).json()["data"]["id"]
    reader = {"Authorization": f"Bearer {guard_server.admin_key}"}
    record = guard_server.http.get(f"/v1/activity/{identity}", headers=reader).json()
    assert (record["dialect"], record["service"], record["env"]) == ("datadog", "recorded-bot", "prod")
    assert (record["log_fields"]["client"], record["log_fields"]["actor"]) == ("python 4.16.0", "codex")
