from __future__ import annotations

import json
from typing import Any

import pytest
from cli_support import Terminal

from guardhouse import __version__
from guardhouse.cli import doctor


def checks(terminal: Terminal, *, status: int = 0) -> dict[tuple[str, str], dict[str, Any]]:
    answer = json.loads(terminal.run("doctor", "--json", status=status).stdout)
    assert answer["ok"] is (status == 0)
    return {(item["topic"], item["name"]): item for item in answer["checks"]}


def test_a_fresh_installation_is_well_and_stays_untouched(terminal: Terminal) -> None:
    found = checks(terminal)
    assert found["install", "guardhouse"]["detail"] == __version__
    assert found["install", "sqlalchemy"]["ok"]
    assert "pii" in found["engine", "detectors"]["detail"].split(", ")
    assert "loaded in" in found["engine", "model"]["detail"]
    assert "not made yet" in found["store", "sqlite"]["detail"]
    assert found["network", "nothing"]["detail"] == "no other machine is reached"
    assert not terminal.data_dir.exists()


def test_a_store_in_use(terminal: Terminal) -> None:
    terminal.run("keys", "create", "--name", "app", "--role", "admin", "--expires", "5d")
    terminal.run("policy", "set", "--blocking", "block")
    found = checks(terminal)
    assert found["store", "schema"]["detail"] == "version 5"
    assert found["store", "keys"]["detail"] == "1 live; app expires in 4 days"
    assert found["store", "policy"]["detail"] == "revision 1"


def test_a_broken_store_is_wrong(terminal: Terminal) -> None:
    terminal.data_dir.mkdir()
    (terminal.data_dir / "guardhouse.db").write_text("this is not a database, but long enough to look like one" * 20)
    found = checks(terminal, status=1)
    assert not found["store", "sqlite"]["ok"]
    assert "WRONG" in terminal.run("doctor", status=1).stdout


def test_what_the_operator_configured_is_said(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARDHOUSE_DATABASE_URL", "postgresql://user:planted@127.0.0.1:1/x")
    monkeypatch.setenv("GUARDHOUSE_OTLP_ENDPOINT", "http://collector.example:4318/v1/traces")
    result = terminal.run("doctor", status=1)
    assert "planted" not in result.output
    found = checks(terminal, status=1)
    assert found["network", "127.0.0.1:1"]["detail"] == "because of the setting database_url"
    assert found["network", "collector.example:4318"]["detail"] == "because of the setting otlp_endpoint"
    assert ("network", "nothing") not in found
    assert not found["store", "postgresql"]["ok"]


def test_an_extra_is_missed_only_when_it_is_needed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.EXTRAS, "redis", ("surely_not_there.at_all", "usage limits"))
    assert checks(terminal)["extra", "redis"] == {
        "topic": "extra",
        "name": "redis",
        "ok": True,
        "detail": "usage limits: not installed, pip install 'guardhouse[redis]'",
    }
    monkeypatch.setenv("GUARDHOUSE_REDIS_URL", "redis://127.0.0.1:1")
    assert not checks(terminal, status=1)["extra", "redis"]["ok"]


def test_a_package_that_is_missing_is_wrong(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "requires", lambda name: ["surely-not-there>=1", "psycopg; extra == 'x'", "click>=8"])
    found = checks(terminal, status=1)
    assert found["install", "surely-not-there"]["detail"] == "not installed"
    assert ("install", "psycopg") not in found
    assert found["install", "click"]["ok"]
