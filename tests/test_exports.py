"""The public surface is a list, and importing it costs little."""

from __future__ import annotations

import subprocess
import sys

import guardhouse

HEAVY = (
    "numpy",
    "re2",
    "starlette",
    "uvicorn",
    "sqlalchemy",
    "httpx",
    "tree_sitter",
    "sqlglot",
    "phonenumbers",
    "magika",
)


def test_names_are_sorted_and_few() -> None:
    assert list(guardhouse.__all__) == sorted(guardhouse.__all__)
    assert len(set(guardhouse.__all__)) == len(guardhouse.__all__) <= 30


def test_every_name_is_there() -> None:
    missing = [name for name in guardhouse.__all__ if not hasattr(guardhouse, name)]
    assert not missing
    assert set(guardhouse.__all__) <= set(dir(guardhouse))


def test_import_loads_nothing_heavy() -> None:
    code = f"import sys, guardhouse; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_unknown_name_is_refused() -> None:
    assert not hasattr(guardhouse, "no_such_name")
