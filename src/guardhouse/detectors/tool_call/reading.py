"""Which values of a call are scripts, and in which language, by the tool's name, the key and the look of the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from guardhouse.detectors.tool_call.arguments import Leaf
from guardhouse.detectors.tool_call.http import LOOKS_LIKE_REQUEST
from guardhouse.detectors.tool_call.python_code import LOOKS_LIKE_PYTHON
from guardhouse.detectors.tool_call.sql import LOOKS_LIKE_SQL
from guardhouse.detectors.tool_call.structured import words_of
from guardhouse.detectors.tool_call.unwrap import Inner, Language
from guardhouse.detectors.tool_call.wordset import word_set
from guardhouse.model.finding import Span

MAX_READ = 65_536
"""Characters of one call that are read as scripts, all values together."""

_SHELL_TOOLS = word_set(
    "shell bash sh zsh terminal exec execute run command cmd powershell pwsh console ssh subprocess"
    " process cli tty computer"
)
_CODE_TOOLS = word_set("python code interpreter notebook jupyter repl ipython eval sandbox")
_SQL_TOOLS = word_set(
    "sql query db database postgres postgresql mysql psql sqlite bigquery snowflake redshift mssql oracle duckdb"
)
_HTTP_TOOLS = word_set("http https request requests fetch curl api url webhook rest graphql browse browser")
_SHELL_KEYS = word_set(
    "command cmd commands shell bash script exec run cmdline command_line commandline terminal powershell"
    " argv args arguments shell_command bash_command"
)
_CODE_KEYS = word_set("code python source_code snippet program python_code script")
_SQL_KEYS = word_set("query q sql statement stmt sql_query statements")
_HTTP_KEYS = word_set("request raw_request http_request url uri endpoint href link")
_LOOSE_KEYS = word_set("input value payload data text content body file_text new_str")
_QUIET_KEYS = word_set(
    "description reason title explanation comment note notes cwd workdir working_directory timeout id"
    " name subject message summary thought purpose label tags language lang why intent question prompt"
    " answer goal"
)
_PROGRAMS = word_set(
    "kubectl terraform tofu aws gcloud az gsutil git docker podman helm psql mysql redis gh npm pip"
    " systemctl ansible rclone heroku doctl virsh cloud vault mongosh openssl iptables ufw powershell"
    " curl ssh rsync"
)
_PROGRAM_NAMES = {"redis": "redis-cli"}
_STARTS_WITH_COMMAND = re.compile(
    r"^\s*(?:sudo\s+)?(?:rm|dd|mkfs[\w.]*|curl|wget|nc|bash|sh|chmod|shutdown|reboot|powershell"
    r"|cmd(?:\.exe)?|python3?|kill|find|scp|cat|echo|git|docker|kubectl|terraform|aws|useradd|crontab"
    r"|iptables|systemctl|vssadmin|format|del|rd|net|reg|nohup)(?:\s|$)"
)


@dataclass(frozen=True, slots=True)
class Passage:
    """A script in a call, where it stands, and how far it counts (text that is only written to a file counts less)."""

    inner: Inner
    span: Span
    weight: float = 1.0


def passages(tool: str, values: Sequence[Leaf]) -> list[Passage]:
    """The scripts among `values`, the first `MAX_READ` characters of them."""
    words = words_of(tool)
    out: list[Passage] = []
    left = MAX_READ
    for passage in _all_passages(words, values):
        text = passage.inner.text[:left]
        left -= len(text)
        out.append(Passage(Inner(passage.inner.language, text), passage.span, passage.weight))
        if left <= 0:
            break
    return out


def is_quiet(tool: str, leaf: Leaf) -> bool:
    """True for prose: a description, a message, a note. Commands that are quoted there run nowhere."""
    if leaf.key in _QUIET_KEYS:
        return True
    executing = words_of(tool) & (_SHELL_TOOLS | _CODE_TOOLS | _SQL_TOOLS | _HTTP_TOOLS)
    return leaf.key in ("text", "content", "body", "file_text", "new_str", "old_str", "old", "new") and not executing


def _all_passages(words: frozenset[str], values: Sequence[Leaf]) -> Iterator[Passage]:
    yield from _argument_lists(words, values)
    parts = {leaf.key: leaf for leaf in values if not leaf.listed}
    if "url" in parts and ("method" in parts or "body" in parts or "data" in parts) and not words & _SHELL_TOOLS:
        yield _request_of(parts)
    for leaf in values:
        if leaf.plain or not leaf.text.strip() or leaf.key in _QUIET_KEYS:
            continue
        if (found := _language(words, leaf)) is not None:
            language, weight = found
            text = _with_program(words, leaf) if language is Language.SHELL else leaf.text
            yield Passage(Inner(language, text), leaf.span, weight)


def _request_of(parts: dict[str, Leaf]) -> Passage:
    method = (
        parts["method"].text.upper() if "method" in parts else "POST" if "body" in parts or "data" in parts else "GET"
    )
    body = next((parts[key].text for key in ("body", "data", "json", "payload") if key in parts), "")
    return Passage(Inner(Language.HTTP, f"{method} {parts['url'].text} HTTP/1.1\n\n{body}"), parts["url"].span)


def _argument_lists(words: frozenset[str], values: Sequence[Leaf]) -> Iterator[Passage]:
    """Lists of words that are one command: `{"argv": ["rm", "-rf", "/"]}`, `{"command": "rm", "args": [...]}`."""
    groups: dict[int, list[Leaf]] = {}
    for leaf in values:
        if leaf.listed and (not leaf.keys or leaf.key in _SHELL_KEYS or words & _SHELL_TOOLS):
            groups.setdefault(leaf.group, []).append(leaf)
    head = next(
        (
            leaf
            for leaf in values
            if not leaf.listed
            and leaf.key in ("command", "cmd", "program", "executable", "binary")
            and " " not in leaf.text.strip()
        ),
        None,
    )
    for group in groups.values():
        line = " ".join(_quoted(leaf.text) for leaf in group)
        if head is not None and group[0].key in ("args", "arguments", "argv", "parameters"):
            line = f"{head.text} {line}"
        elif len(group) < 2:
            continue
        yield Passage(Inner(Language.SHELL, _with_prefix(words, line)), Span(group[0].span.start, group[-1].span.end))


def _quoted(word: str) -> str:
    return (
        "'" + word.replace("'", "'\\''") + "'"
        if not word or (re.search(r"[\s;|&<>$\"'`()*]", word) and word not in ("*", "/*"))
        else word
    )


def _with_program(words: frozenset[str], leaf: Leaf) -> str:
    return (
        _with_prefix(words, leaf.text)
        if leaf.key in ("args", "command", "subcommand", "cmd", "arguments", "")
        else leaf.text
    )


def _with_prefix(words: frozenset[str], line: str) -> str:
    """`delete ns --all` of a tool `kubectl` is `kubectl delete ns --all`."""
    program = next((word for word in sorted(words) if word in _PROGRAMS), None)
    if program is None or program in ("ssh", "curl", "powershell"):
        return line
    first = line.strip().split(" ", 1)[0]
    program = _PROGRAM_NAMES.get(program, program)
    return (
        line
        if first == program or (_STARTS_WITH_COMMAND.match(line) and first not in ("find", "git", "kill"))
        else f"{program} {line}"
    )


def _language(words: frozenset[str], leaf: Leaf) -> tuple[Language, float] | None:
    """How a value is read, and with what weight; None when it is no script."""
    key, text = leaf.key, leaf.text
    if LOOKS_LIKE_REQUEST.match(text):
        return Language.HTTP, 1.0
    sql = bool(LOOKS_LIKE_SQL.match(text[:4096]))
    python = bool(LOOKS_LIKE_PYTHON.search(text[:4096])) and not text.lstrip().startswith("#!")
    if key in _SHELL_KEYS or (
        key in ("", "input", "line", "text") and words & _SHELL_TOOLS and not words & (_CODE_TOOLS | _SQL_TOOLS)
    ):
        if words & _CODE_TOOLS and (python or key == "script"):
            return Language.PYTHON, 1.0
        if words & _SQL_TOOLS and sql:
            return Language.SQL, 1.0
        return (
            Language.PYTHON
            if python
            and not _STARTS_WITH_COMMAND.match(text)
            and re.search(r"^\s*(?:import|from)\s|\)\s*$", text[:4096])
            else Language.SQL
            if sql
            and re.match(
                r"\s*(?:select|drop|delete|update|truncate|insert|alter|grant|with|copy|merge)\b", text, re.IGNORECASE
            )
            else Language.SHELL
        ), 1.0
    if key in _CODE_KEYS or (words & _CODE_TOOLS and key in _LOOSE_KEYS | {""}):
        return (
            Language.SQL
            if sql and not python
            else Language.SHELL
            if text.lstrip().startswith(("#!/bin", "#!/usr/bin/env bash"))
            or (_STARTS_WITH_COMMAND.match(text) and not python)
            else Language.PYTHON
        ), 1.0
    if words & _SQL_TOOLS and (key in _SQL_KEYS or key in _LOOSE_KEYS or key == ""):
        return (Language.SQL, 1.0) if sql or words & (_SQL_TOOLS - {"query"}) else None
    if key in _SQL_KEYS and sql:
        return Language.SQL, 1.0
    if key in _HTTP_KEYS or (words & _HTTP_TOOLS and key in _LOOSE_KEYS | {"", "path", "target", "headers", "params"}):
        return Language.HTTP, 1.0
    if key in _LOOSE_KEYS or key == "" or leaf.listed:
        return _loose(text, key, sql=sql, python=python)
    return None


def _loose(text: str, key: str, *, sql: bool, python: bool) -> tuple[Language, float] | None:
    """Values whose key says little. Long texts are written somewhere rather than run."""
    prose = key in ("text", "content", "body", "file_text", "new_str")
    weight = 0.55 if prose else 0.9
    if sql and (not prose or ";" in text):
        return Language.SQL, weight
    if _STARTS_WITH_COMMAND.match(text) and "\n" not in text.strip():
        return Language.SHELL, weight
    if key == "" and "\n" not in text.strip() and len(text) < 400:
        return Language.SHELL, weight
    if python and not prose:
        return Language.PYTHON, weight
    return None
