"""What is installed is what was locked."""

from __future__ import annotations

import re
import tomllib

import pytest
from house import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
BASE = (ROOT / "requirements.lock").read_text("utf-8")
DEV = (ROOT / "requirements-dev.lock").read_text("utf-8")
LOCKED_EXTRAS = ("dev", "postgres", "redis", "otel", "ocr")


def named(requirements: list[str]) -> set[str]:
    names = [re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in requirements]
    return {re.sub(r"[-_.]+", "-", name[0]).lower() for name in names if name}


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,-]+\])?==([^ ;\\]+)", lock, re.MULTILINE))


def test_every_requirement_is_locked() -> None:
    """`make lock` was run after the last change of pyproject.toml."""
    assert named(PROJECT["dependencies"]) <= set(pins(BASE))
    extras = [one for extra in LOCKED_EXTRAS for one in PROJECT["optional-dependencies"][extra]]
    assert named(extras) | set(pins(BASE)) <= set(pins(DEV))


def test_both_locks_agree() -> None:
    assert {name: version for name, version in pins(DEV).items() if name in pins(BASE)} == pins(BASE)


@pytest.mark.parametrize("lock", [BASE, DEV], ids=["base", "dev"])
def test_lock_has_hashes_and_names_no_host(lock: str) -> None:
    blocks = re.split(r"^(?=[a-z0-9-]+(?:\[.*\])?==)", lock, flags=re.MULTILINE)[1:]
    assert not [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block]
    assert not re.search(r"://|--index|--find-links|--extra-index", lock)
