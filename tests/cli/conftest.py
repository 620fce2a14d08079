from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from cli_support import Terminal

from guardhouse.engine import guard


@cache
def _loaded_guard() -> guard.Guard:
    return guard.Guard()


@pytest.fixture(autouse=True)
def _one_guard_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real engine, loaded once for the run and not once for every command."""
    loaded = _loaded_guard()
    monkeypatch.setattr(guard, "Guard", lambda **_: loaded)


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path / "data")
