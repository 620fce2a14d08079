from __future__ import annotations

from dataclasses import fields

import pytest
from cli_support import Terminal

from guardhouse.settings import Settings


def test_every_setting_is_listed_with_its_default_and_variable(terminal: Terminal) -> None:
    listed = {item["name"]: item for item in terminal.json("settings")}
    assert list(listed) == [item.name for item in fields(Settings)]
    assert listed["data_dir"]["value"] == str(terminal.data_dir)
    assert listed["port"] == {
        "name": "port",
        "value": 8080,
        "default": 8080,
        "environment": "GUARDHOUSE_PORT",
        "doc": "Port to listen on; 0 takes a free one.",
    }
    assert not terminal.data_dir.exists(), "looking makes nothing"


def test_file_and_environment_count_and_secrets_are_hidden(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.data_dir.mkdir()
    (terminal.data_dir / "guardhouse.toml").write_text('port = 9000\ndialects = ["native", "trend"]\n')
    monkeypatch.setenv("GUARDHOUSE_PORT", "9001")
    monkeypatch.setenv("GUARDHOUSE_DATABASE_URL", "postgresql://user:planted@db.example/x")
    listed = {item["name"]: item["value"] for item in terminal.json("settings")}
    assert listed["port"] == 9001
    assert listed["dialects"] == ["native", "trend"]
    assert listed["database_url"] == "(set, hidden)"
    assert listed["redis_url"] == ""
    text = terminal.out("settings")
    assert "planted" not in text
    assert "native,trend" in text
    for item in fields(Settings):
        assert f"\n{item.name}: {item.metadata['doc']}\n" in text
