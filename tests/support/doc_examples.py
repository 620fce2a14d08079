"""Finds and runs the examples of README.md and docs/.

- A `python` block runs; the blocks of a page share their names. A line that ends in `# -> TEXT` must print TEXT.
- A `console` block runs: lines that begin with `$ ` are commands (a line that ends in a backslash goes on), the lines
  after one are its output, where `...` stands for anything. `make run` and `guardhouse serve` keep running in the
  background until the page ends.
- `YOUR_KEY` stands for the key that was printed last.
- What differs from run to run is masked on both sides: keys, ids, times, dates and the port.
- A `toml` or `json` block must parse. Other blocks (`text`, `sh`) are not run; a `python` or `console` block that is
  not to run says why in a comment on the line before: `<!-- not run: REASON -->`.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from house import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
KEY = re.compile(r"gh_[a-z2-7]{32,}|YOUR_KEY")
ADDRESS = "127.0.0.1:8080"
WAIT_S = 60
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NOT_RUN = re.compile(r"<!-- not run: .{10,} -->\n\Z")
_MASKS = (
    (KEY, "<key>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\bkey_[0-9a-f]{16}\b"), "<key id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d([T ][0-9:.]+(\+00:00|Z)?)?"), "<date>"),
    (re.compile(r'("(?:normalize|match|classify|detect|decide|redact|wait|record|total)\w*": ?)[0-9.e-]+'), r"\1<ms>"),
    (re.compile(r"in \d+\.\d+ s\b"), "in <s>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<address>"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, the line it begins on and whether it is to run."""

    page: Path
    language: str
    text: str
    line: int
    runs: bool


def blocks(page: Path) -> list[Block]:
    source = page.read_text("utf-8")
    return [
        Block(
            page,
            found[1],
            found[2],
            source.count("\n", 0, found.start()) + 2,
            found[1] in ("python", "console") and not _NOT_RUN.search(source[: found.start()]),
        )
        for found in _FENCE.finditer(source)
    ]


def masked(text: str) -> str:
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def matches(expected: str, actual: str) -> bool:
    """True when they are equal after masking. `...` in `expected` is anything, alone on a line any lines."""
    pattern = "".join(
        r"(?:.*\n)?" if line == "..." else ".*".join(re.escape(part) for part in line.split("...")) + r"\n"
        for line in masked(expected).splitlines()
    )
    return re.fullmatch(pattern, masked(actual) + "\n" if masked(actual) else "", re.DOTALL) is not None


def run_python(block: Block, names: dict[str, object]) -> None:
    """Runs the block in `names` and compares what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile("\n" * (block.line - 1) + block.text, str(block.page), "exec"), names)
    expected = [line.rpartition("# -> ")[2] for line in block.text.splitlines() if "# -> " in line]
    assert printed.getvalue().splitlines() == expected


class Console:
    """A shell in an empty folder, with the project's commands and a port of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.folder = folder
        self.key = ""
        self._servers: list[subprocess.Popen[bytes]] = []
        bin_folder = Path(sys.executable).parent
        self._environment = {
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "GUARDHOUSE_PORT": str(self.port),
        }

    def run(self, block: Block) -> None:
        for command, expected in commands(block.text):
            actual = self._start(expected) if command in ("make run", "guardhouse serve") else self._finish(command)
            assert matches(expected, actual), (
                f"{block.page.name}: $ {command}\n--- printed\n{actual}\n--- not\n{expected}"
            )

    def translated(self, text: str) -> str:
        """Text of a page with this console's address and key in place of the page's."""
        text = text.replace(ADDRESS, f"127.0.0.1:{self.port}")
        return KEY.sub(self.key, text) if self.key else text

    def close(self) -> None:
        for server in self._servers:
            server.send_signal(signal.SIGINT)
            server.wait(WAIT_S)
            if server.stdout:
                server.stdout.close()

    def _finish(self, command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", self.translated(command)],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=WAIT_S,
        )
        self._note_key(done.stdout)
        return done.stdout

    def _start(self, expected: str) -> str:
        """Starts the server and gives what it prints until it has printed as much as expected."""
        server = subprocess.Popen(
            ["guardhouse", "serve"],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._servers.append(server)
        assert server.stdout
        os.set_blocking(server.stdout.fileno(), False)
        printed, deadline = "", time.monotonic() + WAIT_S
        while not matches(expected, printed) and server.poll() is None and time.monotonic() < deadline:
            printed += (server.stdout.read() or b"").decode()
            time.sleep(0.05)
        self._note_key(printed)
        return printed

    def _note_key(self, printed: str) -> None:
        if found := re.findall(r"gh_[a-z2-7]{32,}", printed):
            self.key = found[-1]


def commands(text: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with its expected output."""
    command, output = "", list[str]()
    for line in text.splitlines():
        if command.endswith("\\") and not output:
            command += "\n" + line
        elif line.startswith("$ "):
            if command:
                yield command, "\n".join(output)
            command, output = line[2:], []
        else:
            output.append(line)
    if command:
        yield command, "\n".join(output)
