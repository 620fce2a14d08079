"""The application with services that break, so that every error of ours is seen in every dialect's form."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from guardhouse.errors import (
    ConfigurationError,
    DetectorFailed,
    GuardhouseError,
    InvalidInput,
    MethodNotAllowed,
    NotFound,
    StorageUnavailable,
    Unavailable,
)
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.key import ApiKey, KeyRole
from guardhouse.model.request import EvaluationRequest
from guardhouse.server.app import create_app, load_dialects
from guardhouse.server.auth import Proxies
from guardhouse.server.body import BodyBudget
from guardhouse.server.errors import from_framework, status_of
from guardhouse.server.front import Front
from guardhouse.server.limits import Limiter
from guardhouse.server.telemetry import Telemetry
from guardhouse.service.app import Services
from guardhouse.settings import Settings

PLANTED = "planted-words"
KEY = ApiKey("key_1", "test", "digest", KeyRole.ADMIN, created=datetime(2026, 1, 1, tzinfo=UTC), expires=None)
ALIASES = r"^(/aidr)?/(ai-guard|aiguard|prompt-guard|redact)(?=/)"
"""Prefixes under which a dialect serves what it describes without them."""
BODIES = {
    "/v1/evaluate": {"text": PLANTED},
    "/api/v2/ai-guard/evaluate": {"data": {"attributes": {"messages": [{"role": "user", "content": PLANTED}]}}},
}


class BrokenServices:
    """Knows one key, and fails as it is told."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.keys = self

    async def authenticate(self, secret: str) -> ApiKey:
        return KEY

    async def evaluate(self, request: EvaluationRequest, key: ApiKey) -> Evaluation:
        raise self._error

    async def ready(self) -> dict[str, str]:
        return {"store": "does not answer", "model": "ok"}


def app_of(error: Exception) -> Starlette:
    settings = Settings(dialects=("datadog", "native"))
    app = create_app(settings)
    app.state.front = Front(
        services=cast("Services", BrokenServices(error)),
        settings=settings,
        limiter=Limiter(key_requests_per_minute=0, address_requests_per_minute=0, key_tokens_per_day=0),
        telemetry=Telemetry(settings),
        proxies=Proxies(()),
        bodies=BodyBudget(10_000_000),
    )
    return app


def ask(app: Starlette, path: str, *, method: str = "POST", **options: Any) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://guard") as client:
            return await client.request(method, path, **options)

    return asyncio.run(run())


def detail_of(response: httpx.Response) -> str:
    document = response.json()
    if "errors" in document:
        (item,) = document["errors"]
        assert set(document) == {"errors"}
        assert item["status"] == str(response.status_code)
        detail: str = item["detail"]
        return detail
    assert set(document) == {"error"}
    message: str = document["error"]["message"]
    return message


@pytest.mark.parametrize("path", list(BODIES))
@pytest.mark.parametrize(
    "error", [ValueError(PLANTED), KeyError(PLANTED), DetectorFailed(PLANTED), ConfigurationError("x")]
)
def test_a_fault_of_ours_is_a_500_with_an_id_and_no_words(
    path: str, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"DD-API-KEY": "k", "DD-APPLICATION-KEY": "k", "Authorization": "Bearer k"}
    response = ask(app_of(error), path, json=BODIES[path], headers=headers)
    assert response.status_code == 500
    detail = detail_of(response)
    assert detail.startswith("internal error, incident ")
    assert PLANTED not in response.text
    incident = detail.rpartition(" ")[2]
    (record,) = [record for record in caplog.records if incident in record.getMessage()]
    assert record.levelno == logging.ERROR
    assert PLANTED not in record.getMessage()
    assert type(error).__name__ in record.getMessage()


@pytest.mark.parametrize("path", list(BODIES))
@pytest.mark.parametrize(
    ("error", "wait"), [(Unavailable("busy", retry_after_s=3), "3"), (StorageUnavailable("the store is away"), "1")]
)
def test_what_may_be_tried_again_is_a_503_that_says_when(path: str, error: GuardhouseError, wait: str) -> None:
    headers = {"DD-API-KEY": "k", "DD-APPLICATION-KEY": "k", "Authorization": "Bearer k"}
    response = ask(app_of(error), path, json=BODIES[path], headers=headers)
    assert (response.status_code, response.headers["retry-after"]) == (503, wait)
    assert detail_of(response) == str(error)


def test_a_store_out_of_reach_is_not_ready() -> None:
    response = ask(app_of(ValueError()), "/readyz", method="GET")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "checks": {"store": "does not answer", "model": "ok"}}
    assert ask(app_of(ValueError()), "/healthz", method="GET").status_code == 200


@pytest.mark.parametrize(
    "host", ["[", "a b", "x/api/v2/ai-guard", "ai-guard.example.org:8080", "[::1]:80", "", "é", ":"]
)
def test_any_host_header_will_do(host: str) -> None:
    headers = [(b"host", host.encode())]
    response = ask(app_of(ValueError()), "/nowhere", method="GET", headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(("names", "served"), [((), True), (("native",), False), (("datadog",), True)])
def test_dialects_are_served_as_the_setting_says(names: tuple[str, ...], served: bool) -> None:
    if not names:
        assert [dialect.name for dialect in load_dialects(())] == ["datadog", "pangea", "trend", "native"]
        return
    app = create_app(Settings(dialects=names))
    paths = {getattr(route, "path", "") for route in app.routes}
    assert ("/api/v2/ai-guard/evaluate" in paths) is served
    assert ("/v1/evaluate" in paths) is ("native" in names)
    assert "/healthz" in paths
    assert json.loads(json.dumps(app.state.openapi))["paths"].keys() >= {"/healthz", "/metrics"}


def test_every_route_of_every_dialect_is_described() -> None:
    app = create_app(Settings())
    described = app.state.openapi["paths"]
    for route in app.routes:
        assert isinstance(route, Route)
        path = re.sub(ALIASES, "", route.path)
        if "//" in path or path.endswith("{rest:path}"):
            continue
        for method in (route.methods or set()) - {"HEAD"}:
            assert method.lower() in described.get(path, {}) or (method, path) == ("POST", "/"), (method, path)
    for path, methods in described.items():
        for method, operation in methods.items():
            assert operation["summary"], (method, path)
            assert operation["responses"], (method, path)


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (405, MethodNotAllowed), (400, InvalidInput)])
def test_the_frameworks_errors_are_ours(status: int, error: type[GuardhouseError]) -> None:
    made = from_framework(HTTPException(status, "the framework's words"))
    assert type(made) is error
    assert status_of(made) == status
    assert "framework" not in str(made)


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="klingon"):
        create_app(Settings(dialects=("klingon",)))
