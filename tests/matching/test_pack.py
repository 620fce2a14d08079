"""Packs are read strictly: a slip in a data file is an error with the pattern's name."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardhouse.errors import ConfigurationError
from guardhouse.matching.pack import load_pack, read_pack
from guardhouse.matching.pattern import Pattern

GOOD = """
[[pattern]]
id = "x.one"
regex = "a+"
source = "made for this test"
before = "[b]"
group = 0
ignore_case = true
kind = "THING"
context = ["near", "by"]
examples = ["aa"]
near_misses = ["baa"]
"""


@pytest.fixture
def pack_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package on the path, named as the test's own folder, that holds the packs."""
    folder = tmp_path / f"packs_{tmp_path.name.replace('-', '_')}"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_what_an_entry_becomes(pack_folder: Path) -> None:
    (pack_folder / "pack.toml").write_text(GOOD, "utf-8")
    (entry,) = read_pack(pack_folder.name, "pack.toml")
    assert entry.pattern == Pattern(
        "x.one",
        "a+",
        source="made for this test",
        before="[b]",
        ignore_case=True,
        data={"kind": "THING", "context": ["near", "by"]},
    )
    assert (entry.examples, entry.near_misses) == (("aa",), ("baa",))


def test_a_pack_is_read_once(pack_folder: Path) -> None:
    (pack_folder / "pack.toml").write_text(GOOD, "utf-8")
    first = load_pack(pack_folder.name, "pack.toml")
    (pack_folder / "pack.toml").unlink()
    assert load_pack(pack_folder.name, "pack.toml") is first


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("[[pattern", "cannot be read", id="no-toml"),
        pytest.param("title = 'x'", "tables only", id="other-key"),
        pytest.param("pattern = 3", "tables only", id="no-tables"),
        pytest.param(GOOD.replace('id = "x.one"', ""), "'id' is required", id="no-id"),
        pytest.param(GOOD.replace('source = "made for this test"', 'source = ""'), "'source' is required", id="empty"),
        pytest.param(GOOD.replace('examples = ["aa"]', "examples = []"), "'examples' is required", id="no-example"),
        pytest.param(GOOD.replace('near_misses = ["baa"]', "near_misses = [1]"), "strings only", id="number"),
        pytest.param(GOOD.replace("group = 0", "group = true"), "'group' must be of type int", id="bool-for-int"),
        pytest.param(GOOD.replace("ignore_case = true", "ignore_case = 1"), "of type bool", id="int-for-bool"),
        pytest.param(GOOD + GOOD, "names 'x.one' twice", id="twice"),
    ],
)
def test_slips_are_refused(pack_folder: Path, content: str, message: str) -> None:
    (pack_folder / "pack.toml").write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=message):
        read_pack(pack_folder.name, "pack.toml")


def test_missing_packs_are_refused(pack_folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_pack(pack_folder.name, "absent.toml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_pack("no_such_package_here", "pack.toml")
