"""What a command runs in turn: `bash -c`, `eval`, `ssh host`, `python -c`, encoded PowerShell, decoded pipes."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from guardhouse.detectors.tool_call.shell_facts import Command, Stage, unescape
from guardhouse.detectors.tool_call.wordset import word_set

MAX_INNER = 16_384


class Language(StrEnum):
    """How a piece of text is to be read."""

    SHELL = "shell"
    POWERSHELL = "powershell"
    PYTHON = "python"
    SQL = "sql"
    HTTP = "http"
    PROSE = "prose"


@dataclass(frozen=True, slots=True)
class Inner:
    """A script that another script runs. `hidden` when it was encoded first; `weight` lowers what it says."""

    language: Language
    text: str
    hidden: bool = False
    weight: float = 1.0


SHELLS = word_set("sh bash zsh dash ksh ash fish csh tcsh rbash")
INTERPRETERS = SHELLS | word_set("python python2 python3 perl ruby node php lua pwsh powershell osascript iex")
_CODE_OPTION = {
    "python": "-c",
    "python2": "-c",
    "python3": "-c",
    "perl": "-e",
    "ruby": "-e",
    "node": "-e",
    "php": "-r",
    "lua": "-e",
}
_SSH_TAKES = word_set("-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w -B")
_CONTAINER_TAKES = word_set(
    "-u --user -w --workdir -e --env --env-file -n --namespace -c --container --context -v --volume"
    " --name --network --entrypoint -p --publish --mount --kubeconfig --cpus -m --memory --platform -l"
    " --label --hostname -h"
)
_SQL_CLIENTS = {
    "psql": ("-c", "--command"),
    "mysql": ("-e", "--execute"),
    "mariadb": ("-e", "--execute"),
    "sqlcmd": ("-Q", "-q"),
    "sqlite3": (),
    "clickhouse-client": ("-q", "--query"),
    "duckdb": ("-c",),
}


_PRACTICE = re.compile(r"(?<![a-z])(?:test|dev|staging|sandbox|scratch|localhost|127\.0\.0\.1)(?![a-z])", re.IGNORECASE)


def inner_scripts(stage: Stage) -> Iterator[Inner]:
    """The scripts that the command of `stage` runs, decoded as far as the script itself shows how."""
    command = stage.command
    name, args = command.name, command.args
    if name in SHELLS or name in ("su", "runuser", "script", "watch"):
        yield from _shell_option(command)
    elif name in ("eval", "trap"):
        yield Inner(Language.SHELL, " ".join(args))
    elif name == "alias":
        for arg in args:
            yield Inner(Language.SHELL, arg.partition("=")[2], weight=0.8)
    elif name in ("curl", "http", "xh"):
        yield from _request(command)
    elif name == "ssh":
        if remote := _after_options(args, _SSH_TAKES)[1:]:
            yield Inner(Language.SHELL, " ".join(remote))
    elif name in ("docker", "podman", "nerdctl", "kubectl", "oc", "lxc", "docker-compose"):
        yield from _container(args)
    elif name == "cmd":
        rest = [arg for index, arg in enumerate(args) if index or not arg.startswith("/")]
        yield Inner(Language.SHELL, " ".join(rest))
    elif name in ("powershell", "pwsh"):
        yield from _powershell(args)
    elif name in _SQL_CLIENTS:
        text = command.value(*_SQL_CLIENTS[name]) if _SQL_CLIENTS[name] else " ".join(args[1:])
        if text or command.stdin:
            # The connection says whether it is a place to practise in.
            practice = _PRACTICE.search(" ".join(arg for arg in args if arg != text))
            yield Inner(Language.SQL, text or command.stdin, weight=0.55 if practice else 1.0)
    elif name in _CODE_OPTION or re.fullmatch(r"python[\d.]+", name):
        if code := command.value(_CODE_OPTION.get(name, "-c")):
            if name.startswith("python"):
                yield Inner(Language.PYTHON, code)
            else:
                yield from _other_code(code)
    elif name == "find":
        yield from _find_exec(args)
    yield from _from_pipe(stage)


_SYSTEM_CALL = re.compile(
    r"(?:system|exec|popen|spawn\w*|shell_exec|passthru|execSync|qx)\s*\(?\s*[\"']([^\"'\n]{2,400})[\"']"
)
_DELETE_CALL = re.compile(
    r"(?:unlink|rmtree|remove_tree|rm_rf|rmSync|rmdirSync|rm_r|File\.delete)\b[^\"'\n]{0,40}[\"']([^\"'\n]{1,400})[\"']"
)


def _other_code(code: str) -> Iterator[Inner]:
    """Shell commands inside Perl, Ruby, PHP or JavaScript, and their deletions as `rm`."""
    for match in list(_SYSTEM_CALL.finditer(code[:MAX_INNER]))[:6]:
        yield Inner(Language.SHELL, match.group(1))
    for match in list(_DELETE_CALL.finditer(code[:MAX_INNER]))[:6]:
        yield Inner(Language.SHELL, "rm -rf '" + match.group(1) + "'")


def _request(command: Command) -> Iterator[Inner]:
    """The request that `curl` sends, where it is more than fetching a page."""
    method = command.value("-X", "--request").upper()
    url = next((arg for arg in command.operands if "://" in arg), "")
    body = command.value("-d", "--data", "--data-raw", "--json")
    if url and (method or body or "?" in url or ".." in url):
        text = f"{method or ('POST' if body else 'GET')} {url} HTTP/1.1\n\n{'' if body.startswith('@') else body}"
        yield Inner(Language.HTTP, text)


def _shell_option(command: Command) -> Iterator[Inner]:
    args = command.args
    for index, arg in enumerate(args[:-1]):
        if arg in ("--command", "--session-command") or (
            arg.startswith("-") and not arg.startswith("--") and arg.endswith("c")
        ):
            yield Inner(Language.SHELL, args[index + 1])
            return
    if command.name == "watch" and command.operands:
        yield Inner(Language.SHELL, " ".join(command.operands))


def _after_options(args: tuple[str, ...], takes: frozenset[str]) -> tuple[str, ...]:
    index = 0
    while index < len(args) and args[index].startswith("-"):
        if args[index] == "--":
            return args[index + 1 :]
        index += 2 if args[index] in takes else 1
    return args[index:]


def _container(args: tuple[str, ...]) -> Iterator[Inner]:
    """The command behind `exec` or `run` of a container tool."""
    if "--" in args:
        yield Inner(Language.SHELL, _joined(args[args.index("--") + 1 :]))
        return
    for verb in ("exec", "run"):
        if verb in args[:6]:
            image, *rest = _after_options(args[args.index(verb) + 1 :], _CONTAINER_TAKES) or ("",)
            if rest and verb == "run" and rest[0].startswith("-"):
                # Arguments of the image's own program, which bears its name as a rule.
                rest = [image.partition(":")[0].rsplit("/", 1)[-1], *rest]
            if rest:
                yield Inner(Language.SHELL, _joined(tuple(rest)))
            return


def _joined(words: tuple[str, ...]) -> str:
    return " ".join(
        "'" + word.replace("'", "'\\''") + "'" if re.search(r"[\s;|&<>$\"'`()]", word) else word for word in words
    )


def _powershell(args: tuple[str, ...]) -> Iterator[Inner]:
    lowered = [arg.lower() for arg in args]
    for index, arg in enumerate(lowered[:-1]):
        if arg.startswith("-e") and "-encodedcommand".startswith(arg):
            if text := decode_base64(args[index + 1]):
                yield Inner(Language.POWERSHELL, text, hidden=True)
            return
        if arg.startswith("-c") and "-command".startswith(arg):
            yield Inner(Language.POWERSHELL, " ".join(args[index + 1 :]))
            return


def _find_exec(args: tuple[str, ...]) -> Iterator[Inner]:
    for option in ("-exec", "-execdir", "-ok"):
        if option in args:
            rest = args[args.index(option) + 1 :]
            if rest and rest[0] in SHELLS:
                yield Inner(
                    Language.SHELL, _joined(tuple(word for word in rest if word not in (";", "+", "{}", "\\;")))
                )
            return


def _from_pipe(stage: Stage) -> Iterator[Inner]:
    """What an interpreter reads: a here-document, a here-string, or text that the pipe prints, decoded on its way."""
    name = stage.command.name
    tail = ""
    if name.startswith("$(") or name == "eval":
        # The output itself is the command; what follows are its arguments.
        tail = " " + " ".join(stage.command.args).replace("$()", " ")
    elif name not in INTERPRETERS and name not in ("at", "batch"):
        return
    language = (
        Language.PYTHON
        if name.startswith("python")
        else Language.POWERSHELL
        if name in ("pwsh", "powershell", "iex")
        else Language.SHELL
    )
    if stage.command.stdin:
        yield Inner(language, stage.command.stdin[:MAX_INNER])
    text = ""
    hidden = False
    for source in (*stage.upstream, *stage.command.feeds):
        if source.stdin:
            text = source.stdin
        elif source.name in ("echo", "printf"):
            text = " ".join(arg for arg in source.args if arg not in ("-n", "-e", "-ne", "-en", "--"))
            text = unescape(text.replace("%s", "").strip()) if "\\" in text or source.name == "printf" else text
        elif text:
            changed = _decoded(source, text)
            hidden = hidden or changed != text
            text = changed
    if text:
        yield Inner(language, text[:MAX_INNER] + tail, hidden=hidden)


def _decoded(command: Command, text: str) -> str:
    name = command.name
    if name in ("base64", "gbase64") and command.has("dD", "--decode"):
        return decode_base64(text)
    if name == "openssl" and "base64" in " ".join(command.args) and command.has("d", "-d"):
        return decode_base64(text)
    if name == "xxd" and command.has("r"):
        return decode_hex(text)
    if name == "rev":
        return text[::-1]
    if name == "tr" and "".join(command.args).lower().replace("'", "").startswith("a-za-zn-za-m"):
        return codecs.decode(text, "rot13")
    return text


def decode_base64(text: str) -> str:
    """The text that `text` encodes, UTF-16 or UTF-8; empty when it encodes none."""
    compact = "".join(text.split())[:MAX_INNER].replace("-", "+").replace("_", "/").rstrip("=")
    try:
        raw = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return ""
    if raw[1::2].count(0) * 4 >= len(raw) > 2:
        return raw.decode("utf-16-le", "replace")
    decoded = raw.decode("utf-8", "replace")
    return decoded if decoded.count("\ufffd") * 10 <= len(decoded) else ""


def decode_hex(text: str) -> str:
    """The text that hexadecimal digits stand for; empty when they stand for none."""
    digits = re.sub(r"\\x|0x|[\s:]", "", text)[:MAX_INNER]
    try:
        return bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("utf-8", "replace")
    except ValueError:
        return ""
