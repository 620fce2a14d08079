"""The facts of a shell script that rules read: simple commands, what flows between them, loops and fork bombs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from guardhouse.detectors.tool_call.wordset import word_set

MAX_WORD = 4096
MAX_STAGES = 400
"""Commands of one script that are judged."""
MAX_PIPE = 32
"""Commands of one pipe that are judged together."""


@dataclass(frozen=True, slots=True)
class Command:
    """One simple command with quotes taken off and wrappers such as `sudo`, `env` or `xargs` peeled off.

    `name` is the program's base name in lower case without `.exe`. `feeds` are the commands whose output stands in
    its words (`$(...)`, `<(...)`). `root` tells that it runs with raised rights, `spread` that `xargs`, `parallel` or
    `find -exec` runs it for each line it is given.
    """

    name: str
    args: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    stdin: str = ""
    feeds: tuple[Command, ...] = ()
    root: bool = False
    spread: bool = False

    @property
    def line(self) -> str:
        """Name and arguments in one string, of at most `MAX_WORD` characters."""
        return " ".join((self.name, *self.args))[:MAX_WORD]

    @property
    def operands(self) -> tuple[str, ...]:
        """Arguments that are not options."""
        return tuple(arg for arg in self.args if not arg.startswith("-") or arg == "-")

    def has(self, short: str = "", *long: str) -> bool:
        """True when a letter of `short` is among its single-dash letters, or one of the `long` options is there."""
        for arg in self.args:
            if arg.startswith("--"):
                if arg.partition("=")[0] in long:
                    return True
            elif arg.startswith("-") and (
                arg in long or (arg[1:].isalpha() and any(letter in arg[1:] for letter in short))
            ):
                return True
        return False

    def value(self, *options: str) -> str:
        """The value of the first of these options that is given (`-o v`, `-ov`, `--opt v`, `--opt=v`), else empty."""
        for index, arg in enumerate(self.args):
            for option in options:
                if arg == option:
                    return self.args[index + 1] if index + 1 < len(self.args) else ""
                if option.startswith("--") and arg.startswith(option + "="):
                    return arg[len(option) + 1 :]
                if len(option) == 2 and arg.startswith(option) and not arg.startswith("--"):
                    return arg[2:]
        return ""


@dataclass(frozen=True, slots=True)
class Stage:
    """A command in its place: the pipe it stands in, and whether an endless loop or the background holds it."""

    command: Command
    pipe: tuple[Command, ...]
    index: int
    endless: bool = False
    looped: bool = False
    background: bool = False

    @property
    def upstream(self) -> tuple[Command, ...]:
        """The commands that feed it, in order."""
        return self.pipe[: self.index]

    @property
    def downstream(self) -> tuple[Command, ...]:
        """The commands that read its output, in order."""
        return self.pipe[self.index + 1 :]

    @property
    def sources(self) -> tuple[Command, ...]:
        """All commands whose output it gets, by pipe or by substitution."""
        return (*self.upstream, *self.command.feeds, *(feed for command in self.upstream for feed in command.feeds))


@dataclass(frozen=True, slots=True)
class Script:
    """All stages of a script in order."""

    stages: tuple[Stage, ...] = ()
    fork_bomb: bool = False
    text: str = ""

    @property
    def names(self) -> frozenset[str]:
        """The programs it runs."""
        return frozenset(stage.command.name for stage in self.stages)


_PREFIXES: dict[str, frozenset[str]] = {
    # Wrapper: its options that take a value.
    "sudo": word_set("-u -g -h -p -C -r -t -T -U -D -R --user --group --host --prompt --chdir"),
    "doas": frozenset({"-u", "-C"}),
    "pkexec": frozenset({"--user"}),
    "env": frozenset({"-u", "--unset", "-C", "--chdir"}),
    "nohup": frozenset(),
    "setsid": frozenset(),
    "nice": frozenset({"-n", "--adjustment"}),
    "ionice": frozenset({"-c", "-n", "-p"}),
    "stdbuf": frozenset({"-i", "-o", "-e"}),
    "time": frozenset({"-f", "-o"}),
    "timeout": frozenset({"-s", "-k", "--signal", "--kill-after"}),
    "command": frozenset(),
    "builtin": frozenset(),
    "exec": frozenset({"-a"}),
    "busybox": frozenset(),
    "unbuffer": frozenset(),
    "proxychains": frozenset({"-f"}),
    "proxychains4": frozenset({"-f"}),
    "torsocks": frozenset(),
    "caffeinate": frozenset({"-t", "-w"}),
    "xargs": word_set("-I -i -n -P -L -d -E -a -s --max-args --max-procs --replace --delimiter --max-lines --arg-file"),
    "parallel": word_set("-j --jobs -N -a --colsep -S"),
    "then": frozenset(),
    "do": frozenset(),
    "else": frozenset(),
    "start": frozenset({"/d"}),
}
_POSITIONAL = frozenset({"timeout"})
_RAISING = frozenset({"sudo", "doas", "pkexec"})
_SPREADING = frozenset({"xargs", "parallel"})
_ASSIGNMENT = re.compile(r"^[A-Za-z_]\w*=")


def base_name(word: str) -> str:
    """`rm` for `/bin/rm`, `\\rm`, `RM` and `rm.exe`."""
    name = word.strip("\"'").replace("\\", "/").rstrip("/").rsplit("/", 1)[-1].lower()
    return name.removesuffix(".exe").removesuffix(".cmd").removesuffix(".bat") or word[:1]


def command_of(words: Sequence[str], **facts: object) -> Command | None:
    """The command that `words` run once wrappers are peeled off; None when nothing is left."""
    rest = _braced([word[:MAX_WORD] for word in words])
    root = spread = False
    for _ in range(8):
        while rest and _ASSIGNMENT.match(rest[0]):
            rest.pop(0)
        if not rest:
            return None
        name = base_name(rest[0])
        takes = _PREFIXES.get(name)
        inner = _peel(rest, name, takes) if takes is not None else None
        if not inner:
            break
        root = root or name in _RAISING
        spread = spread or name in _SPREADING
        rest = inner
    command = Command(_plain_name(base_name(rest[0])), tuple(rest[1:]), root=root, spread=spread)
    return replace(command, **facts) if facts else command  # type: ignore[arg-type]


_BRACES = re.compile(r"\{([^{}\s]{1,200},[^{}\s]{0,200})\}")
_OFTEN_HIDDEN = ("rm", "dd", "sh", "bash", "nc", "cat", "curl", "wget", "chmod")


def _braced(words: list[str]) -> list[str]:
    """`rm -rf /` for `{rm,-rf,/}`."""
    match = _BRACES.fullmatch(words[0]) if words else None
    return [*match.group(1).split(","), *words[1:]] if match else words


def _plain_name(name: str) -> str:
    """`rm` for `r?`: the program that a name with wild cards may stand for, where it is one that people hide."""
    if not any(mark in name for mark in "?*["):
        return name
    return next((plain for plain in _OFTEN_HIDDEN if fnmatchcase(plain, name)), name)


def _peel(words: list[str], name: str, takes: frozenset[str]) -> list[str]:
    """The words behind a wrapper and its options; empty when it wraps nothing."""
    index = 1
    while index < len(words):
        word = words[index]
        if word == "--":
            index += 1
            break
        if (word.startswith("-") and word != "-") or (name == "start" and word.startswith("/")):
            index += 2 if word in takes else 1
        elif _ASSIGNMENT.match(word) or (name == "start" and word == ""):
            index += 1
        else:
            break
    if name in _POSITIONAL:
        index += 1
    return words[index:]


def unescape(text: str) -> str:
    """`$'...'` strings: octal, hexadecimal and the usual single letters."""

    def one(match: re.Match[str]) -> str:
        body = match.group(1)
        if body[0] == "x":
            return chr(int(body[1:], 16))
        if body[0] in "01234567":
            return chr(int(body, 8) & 0xFF)
        return {"n": "\n", "t": "\t", "r": "\r"}.get(body, body)

    return re.sub(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", one, text)
