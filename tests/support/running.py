"""A real server process on loopback, with a store of its own and no setting from outside.

Fixtures for any test: `guard_server` (one for the whole run) and `start_server` (one of your own, with settings).
Named as a plugin in the root `conftest.py`.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest

from guardhouse.model.key import KeyRole
from guardhouse.model.policy import Policy, Scope
from guardhouse.settings import Settings

if TYPE_CHECKING:
    from guardhouse.service.app import Services

START_S = 60
REQUEST_S = 60
STOP_S = 40
_PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "VIRTUAL_ENV",
    "COVERAGE_PROCESS_CONFIG",
    "COVERAGE_PROCESS_START",
)
_names = (f"test-{number}" for number in itertools.count(1))
_Result = TypeVar("_Result")


class RunningServer:
    """One `guardhouse serve`. `url` has no slash at its end; `key` may evaluate, `admin_key` do all but un-redact."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.data_dir = folder / "data"
        self.log_file = folder / "log"
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        self._settings = {
            "data_dir": self.data_dir,
            "port": self.port,
            "plugins": "false",
            **settings,
        }
        self.key = self.create_key()
        self.admin_key = self.create_key(KeyRole.ADMIN)
        self.http = httpx.Client(base_url=self.url, timeout=REQUEST_S)
        """For requests that need no connection of their own; sends no key by itself."""
        try:
            self.process = self._start(folder)
        except BaseException:
            self.http.close()
            raise

    def create_key(
        self,
        role: KeyRole = KeyRole.EVALUATOR,
        *,
        service: str | None = None,
        expires_in: timedelta | None = None,
        may_unredact: bool = False,
    ) -> str:
        """The secret of a new key."""

        async def create(services: Services) -> str:
            options: dict[str, Any] = {"expires_in": expires_in, "may_unredact": may_unredact}
            return (await services.keys.create(name=next(_names), role=role, service=service, **options))[1]

        return self.with_services(create)

    def revoke_key(self, secret: str) -> None:
        """Ends a key at once; the server knows it within a second."""

        async def revoke(services: Services) -> None:
            await services.keys.revoke((await services.keys.authenticate(secret)).id)

        self.with_services(revoke)

    def set_policy(self, policy: Policy, *, service: str | None = None, env: str | None = None) -> None:
        """Sets a policy and waits until the server has it."""

        async def change(services: Services) -> int:
            return await services.policies.set(Scope(service, env), policy)

        revision = self.with_services(change)
        headers = {"Authorization": f"Bearer {self.admin_key}"}
        deadline = time.monotonic() + START_S
        while self.http.get("/v1/policy", headers=headers).json()["revision"] < revision:
            if time.monotonic() > deadline:
                raise AssertionError("the server does not see the new policy")
            time.sleep(0.1)

    def with_services(self, use: Callable[[Services], Awaitable[_Result]]) -> _Result:
        """What `use` returns, called with services over the server's store."""

        from guardhouse.service.app import open_services  # here, so that tests without a server need not load it

        async def run() -> _Result:
            settings = Settings(
                data_dir=self.data_dir, database_url=str(self._settings.get("database_url", "")), plugins=False
            )
            services = await open_services(settings, judging=False)
            try:
                return await use(services)
            finally:
                await services.close()

        return asyncio.run(run())

    def log(self) -> str:
        """Everything the server has written to standard error and output."""
        return self.log_file.read_text("utf-8", "replace")

    def log_lines(self, wanted: str) -> list[str]:
        """The lines of the log that hold `wanted`; waits for the first, as an answer can be faster than its line."""
        deadline = time.monotonic() + START_S
        while not (lines := [line for line in self.log().splitlines() if wanted in line]):
            if time.monotonic() > deadline:
                raise AssertionError(f"the log has no line with {wanted!r}")
            time.sleep(0.02)
        return lines

    def stop(self) -> int:
        """Asks the server to stop and waits; its exit status."""
        self.http.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the server did not stop; its log:\n{self.log()}") from None
        return int(self.process.returncode)

    def _is_ready(self) -> bool:
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def _start(self, folder: Path) -> subprocess.Popen[bytes]:
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {f"GUARDHOUSE_{name.upper()}": str(value) for name, value in self._settings.items()}
        environment["HOME"] = str(folder)
        with self.log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "guardhouse", "serve"], cwd=folder, env=environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_S
        while not self._is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise AssertionError(f"the server did not start; its log:\n{self.log()}")
            time.sleep(0.05)
        return process


@contextmanager
def running_server(folder: Path, **settings: Any) -> Iterator[RunningServer]:
    """A server with its files under `folder`; `settings` by the names of `guardhouse.settings.Settings`."""
    server = RunningServer(folder, settings)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def guard_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests that change nothing but keys and policies of services of their own."""
    with running_server(tmp_path_factory.mktemp("guard-server")) as server:
        yield server


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    """Starts servers with the settings given; they are stopped at the end of the test."""
    servers: list[RunningServer] = []

    def start(**settings: Any) -> RunningServer:
        folder = tmp_path / f"server-{len(servers)}"
        folder.mkdir()
        servers.append(RunningServer(folder, settings))
        return servers[-1]

    try:
        yield start
    finally:
        for server in servers:
            server.stop()
