"""Runs commands in this process and looks at what they say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from guardhouse.cli.root import root


class Terminal:
    """`run("keys", "list")` under one data folder; the command must end with `status`."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def run(self, *arguments: str, status: int = 0, stdin: str | bytes | None = None) -> Result:
        result = CliRunner().invoke(root, [*arguments, "--data-dir", str(self.data_dir)], input=stdin)
        assert result.exit_code == status, f"exit {result.exit_code}, {result.exception!r}: {result.output}"
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def out(self, *arguments: str) -> str:
        """What a command that succeeds prints on standard output."""
        return self.run(*arguments).stdout

    def json(self, *arguments: str, stdin: str | bytes | None = None) -> Any:
        """The same with `--json`, read."""
        return json.loads(self.run(*arguments, "--json", stdin=stdin).stdout)

    def refused(self, *arguments: str, status: int = 2, stdin: str | bytes | None = None) -> str:
        """The one line on standard error of a command that fails."""
        result = self.run(*arguments, status=status, stdin=stdin)
        assert result.stdout == ""
        line = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
        assert len(line) == 1, result.stderr
        return line[0]
