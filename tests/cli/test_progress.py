from __future__ import annotations

import io
import sys
import time

import pytest

from guardhouse.cli.progress import late_progress


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def watch(monkeypatch: pytest.MonkeyPatch, screen: io.StringIO, *, after_s: float, until: str | None) -> str:
    """What stands on the screen after work in two steps; between them it waits until `until` is shown."""
    monkeypatch.setattr(sys, "stderr", screen)
    with late_progress(10, "Scanning", after_s=after_s) as progress:
        progress.advance(4)
        give_up = time.monotonic() + 10
        while until is not None and until not in screen.getvalue() and time.monotonic() < give_up:
            time.sleep(0.005)
        progress.advance(6)
    return screen.getvalue()


def test_long_work_gets_a_bar_that_knows_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = watch(monkeypatch, Screen(), after_s=0.01, until="40%")
    assert "Scanning" in shown
    assert "40%" in shown
    assert "100%" in shown


def test_short_work_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watch(monkeypatch, Screen(), after_s=60, until=None) == ""


def test_what_is_no_terminal_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watch(monkeypatch, io.StringIO(), after_s=0, until=None) == ""
