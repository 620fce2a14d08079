from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
from cli_support import Terminal
from click.testing import CliRunner

from guardhouse import __version__
from guardhouse.cli.root import COMMANDS, root


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(root, ["--help"])
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"\n  {name} " in result.output


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from guardhouse.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'sqlalchemy', 'numpy', 're2', 'starlette', 'uvicorn', 'cryptography', 'guardhouse.engine.guard'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


def commands(group: click.Group, *names: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        found += commands(command, *names, name) if isinstance(command, click.Group) else [(*names, name)]
    return found


@pytest.mark.parametrize("path", commands(root), ids=" ".join)
def test_every_command_explains_itself_and_takes_the_common_options(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(root, [*path, "--help"])
    assert result.exit_code == 0
    assert "--data-dir" in result.output
    if path[-1] not in ("redact", "unredact"):  # what they print is the document itself
        assert "--json" in result.output


def test_version() -> None:
    assert CliRunner().invoke(root, ["--version"]).output == f"guardhouse, version {__version__}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["keys", "nonsense"], ["keys", "list", "--nonsense"]], ids=str)
def test_wrong_usage_exits_with_two(arguments: list[str]) -> None:
    result = CliRunner().invoke(root, arguments)
    assert result.exit_code == 2
    assert "Error: No such" in result.output


def test_a_store_that_cannot_be_used_is_one_line_and_exit_status_one(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "guardhouse.db").write_text("this is not a database, but long enough to look like one" * 20)
    assert "not a database" in Terminal(tmp_path / "data").refused("keys", "list", status=1)


def test_a_settings_file_that_makes_no_sense_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "guardhouse.toml").write_text("nonsense = 1\n")
    assert "there is no setting 'nonsense'" in Terminal(tmp_path / "data").refused("settings", status=1)


def test_the_command_is_installed() -> None:
    (script,) = entry_points(group="console_scripts", name="guardhouse")
    assert script.value == "guardhouse.cli:main"
