"""The vendor's own tracers, unmodified, each in a process of its own, against a real server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from running import RunningServer

from guardhouse.model.key import KeyRole
from guardhouse.model.policy import Blocking, Policy, SensitiveData

pytestmark = pytest.mark.clients

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CLIENTS = ROOT / ".clients"
MOUNT = "/api/v2/ai-guard"
GENERATIONS = ("new", "3.18", "node")

WEATHER = [{"role": "user", "content": "Which gate does the Oslo flight leave from?"}]
DESTROY = [
    {"role": "user", "content": "Tidy up the server"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"id": "c1", "function": {"name": "bash", "arguments": '{"cmd": "rm -rf /"}'}}],
    },
]
PERSONAL = [{"role": "user", "content": "Mail ana@example.org about the 🙂 party, SSN 456-78-9012"}]


class Driver:
    """One of the vendor's clients. `call` runs it in a fresh process."""

    def __init__(self, generation: str, server: RunningServer) -> None:
        self.generation = generation
        self._server = server
        folder = CLIENTS / ("node/node_modules/dd-trace" if generation == "node" else f"ddtrace-{generation}/ddtrace")
        if not folder.is_dir() or (generation == "node" and shutil.which("node") is None):
            message = f"{folder.relative_to(ROOT)} is not installed; run: make clients"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)

    def call(
        self,
        messages: list[dict[str, Any]],
        *,
        block: bool | None = None,
        service: str = "",
        env: str = "",
        api_key: str | None = None,
        app_key: str | None = None,
        endpoint: str = MOUNT,
    ) -> dict[str, Any]:
        """The result of one call."""
        call = {"messages": messages, "options": None if block is None else {"block": block}}
        url = self._server.url + endpoint
        environment = {
            "PATH": os.environ["PATH"],
            "DD_API_KEY": self._server.key if api_key is None else api_key,
            "DD_APP_KEY": self._server.key if app_key is None else app_key,
            "DD_AI_GUARD_ENABLED": "true",
            "DD_AI_GUARD_ENDPOINT": url,
            "DD_TRACE_AGENT_URL": "http://127.0.0.1:9",
            "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
            "DD_REMOTE_CONFIGURATION_ENABLED": "false",
            "DD_TRACE_LOG_STREAM_HANDLER": "false",
            "DRIVER_GENERATION": self.generation,
            **({"DD_SERVICE": service} if service else {}),
            **({"DD_ENV": env} if env else {}),
        }
        if self.generation == "node":
            command = ["node", str(HERE / "dd_trace_driver.js")]
            environment["NODE_PATH"] = str(CLIENTS / "node" / "node_modules")
        else:
            command = [sys.executable, str(HERE / "ddtrace_driver.py")]
            folders = (CLIENTS / f"ddtrace-{self.generation}", ROOT / "tests" / "support")
            environment["PYTHONPATH"] = os.pathsep.join(map(str, folders))
            if self.generation == "3.18":
                environment["DRIVER_ENDPOINT"] = url
        ran = subprocess.run(
            command, input=json.dumps([call]), env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert ran.returncode == 0, ran.stderr
        result: dict[str, Any] = json.loads(ran.stdout)[0]
        return result


@pytest.fixture(params=[pytest.param(name, marks=[pytest.mark.node] if name == "node" else []) for name in GENERATIONS])
def driver(request: pytest.FixtureRequest, guard_server: RunningServer) -> Driver:
    return Driver(request.param, guard_server)


@pytest.fixture(scope="session")
def blocking_service(guard_server: RunningServer) -> str:
    guard_server.set_policy(Policy(blocking=Blocking.BLOCK), service="ops-bot", env="prod")
    return "ops-bot"


@pytest.fixture(scope="session")
def redacting_service(guard_server: RunningServer) -> str:
    guard_server.set_policy(Policy(sensitive_data=SensitiveData.REDACT), service="hr-bot")
    return "hr-bot"


def test_a_harmless_prompt_is_allowed(driver: Driver) -> None:
    evaluation = driver.call(WEATHER)["evaluation"]
    assert (evaluation["action"], evaluation["reason"]) == ("ALLOW", "No rule match.")
    if driver.generation != "3.18":
        assert evaluation["tags"] == []
        probabilities = evaluation["tag_probs" if driver.generation == "new" else "tagProbabilities"]
        assert len(probabilities) == 11


def test_a_destructive_call_stops_the_agent(driver: Driver, blocking_service: str) -> None:
    abort = driver.call(DESTROY, block=True, service=blocking_service, env="prod")["abort"]
    assert abort["reason"] == "Rule matches: destructive-tool-call"
    if driver.generation != "node":
        assert abort["action"] == "ABORT"
    if driver.generation != "3.18":
        assert abort["tags"] == ["destructive-tool-call"]


@pytest.mark.parametrize(("service", "block"), [("ops-bot", False), ("a-service-never-configured", True)])
def test_without_both_switches_nothing_is_raised(
    driver: Driver, blocking_service: str, service: str, block: bool
) -> None:
    evaluation = driver.call(DESTROY, block=block, service=service, env="prod")["evaluation"]
    assert evaluation["action"] == "ABORT"
    assert evaluation["reason"] == "Rule matches: destructive-tool-call"


def test_an_environment_without_a_policy_of_its_own_does_not_block(driver: Driver, blocking_service: str) -> None:
    assert "evaluation" in driver.call(DESTROY, block=True, service=blocking_service, env="staging")


def test_sensitive_data_comes_back_redacted(driver: Driver, redacting_service: str) -> None:
    evaluation = driver.call(PERSONAL, service=redacting_service)["evaluation"]
    assert evaluation["action"] == "ALLOW"
    if driver.generation == "3.18":
        return
    (message,) = evaluation["messages"]
    assert "ana@example.org" not in message["content"]
    assert "456-78-9012" not in message["content"]
    assert message["content"].startswith("Mail ")
    assert " about the 🙂 party, SSN " in message["content"]
    text = PERSONAL[0]["content"]
    places = [finding["location"] for finding in evaluation["sds"]]
    found = [text[place["start_index"] : place["end_index_exclusive"]] for place in places]
    assert found == ["ana@example.org", "456-78-9012"]
    assert {place["path"] for place in places} == {"messages[0].content"}


def test_sensitive_data_is_untouched_without_a_policy(driver: Driver) -> None:
    evaluation = driver.call(PERSONAL, service="another-bot")["evaluation"]
    assert evaluation["action"] == "ALLOW"
    if driver.generation != "3.18":
        assert evaluation["messages"] == PERSONAL


@pytest.mark.parametrize(
    ("api_key", "app_key", "status", "errors"),
    [("wrong", None, 401, ["Unauthorized"]), (None, "wrong", 403, ["Forbidden"])],
)
def test_keys_that_are_not_live(
    driver: Driver, api_key: str | None, app_key: str | None, status: int, errors: list[str]
) -> None:
    error = driver.call(WEATHER, api_key=api_key, app_key=app_key)["error"]
    assert error["errors"] == errors
    if driver.generation == "node":
        assert error["name"] == "AIGuardClientError"
        assert str(status) in error["message"]
    else:
        assert error["status"] == status


def test_an_application_key_that_may_not_evaluate(driver: Driver, guard_server: RunningServer) -> None:
    error = driver.call(WEATHER, app_key=guard_server.create_key(KeyRole.AUDITOR))["error"]
    assert error["errors"] == ["Forbidden"]


def test_a_message_without_a_role(driver: Driver) -> None:
    error = driver.call([{"content": "x"}])["error"]
    (item,) = error["errors"]
    assert item["status"] == "400"
    assert item["detail"] == "data.attributes.messages[0].role is required"


@pytest.mark.parametrize("endpoint", [f"{MOUNT}/", "", "/"])
def test_an_endpoint_may_end_in_a_slash_or_have_no_mount(driver: Driver, endpoint: str) -> None:
    assert driver.call(WEATHER, endpoint=endpoint)["evaluation"]["action"] == "ALLOW"


def test_text_that_is_no_unicode(driver: Driver) -> None:
    assert "evaluation" in driver.call([{"role": "user", "content": "a \ud83d b \x00"}])
