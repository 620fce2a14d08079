"""Reads the values of a call in the language that they are in, and gathers what the rules say."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from guardhouse.detectors.tool_call import (
    rules_cloud,
    rules_combined,
    rules_denial,
    rules_destructive,
    rules_exfiltration,
    rules_exploit,
)
from guardhouse.detectors.tool_call.http import judge_request
from guardhouse.detectors.tool_call.python_code import read_python
from guardhouse.detectors.tool_call.rules_destructive import Rule, command_names
from guardhouse.detectors.tool_call.rules_python import judge_python, run_texts, shell_texts
from guardhouse.detectors.tool_call.shell_facts import Script, Stage
from guardhouse.detectors.tool_call.shell_parse import MAX_GRAMMAR_BYTES, read_shell
from guardhouse.detectors.tool_call.sql import judge_sql
from guardhouse.detectors.tool_call.unwrap import Inner, Language, inner_scripts
from guardhouse.detectors.tool_call.verdict import Verdict, exploit
from guardhouse.errors import DeadlineExceeded

MAX_DEPTH = 4
MAX_SCRIPTS = 24

_BY_NAME: tuple[dict[str, Rule], ...] = (
    rules_destructive.RULES,
    rules_denial.RULES,
    rules_exfiltration.RULES,
    rules_exploit.RULES,
    rules_cloud.RULES,
    rules_combined.RULES,
)
_ALWAYS: tuple[Rule, ...] = (
    rules_destructive.any_write,
    rules_denial.flooder,
    rules_exfiltration.any_read,
    *rules_exploit.ANY,
)
_WHOLE = (
    rules_destructive.whole_script,
    rules_denial.whole_script,
    rules_exfiltration.whole_script,
    *rules_combined.WHOLE,
)


@dataclass(slots=True)
class Allowance:
    """What one call may cost: bytes for the grammar, scripts inside scripts, and the evaluation's deadline."""

    grammar_bytes: int = MAX_GRAMMAR_BYTES
    scripts: int = MAX_SCRIPTS
    deadline: float | None = None

    def check(self) -> None:
        """Raises `DeadlineExceeded` when the evaluation's time is used up."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise DeadlineExceeded("the time was used up while tool arguments were read")


def judge_text(inner: Inner, allowance: Allowance, depth: int = 0) -> Iterator[Verdict]:
    """Verdicts about one script and all that it runs in turn, as far as `allowance` reaches."""
    if depth > MAX_DEPTH or allowance.scripts <= 0 or not inner.text.strip():
        return
    allowance.scripts -= 1
    allowance.check()
    found = [
        Verdict(verdict.kind, verdict.confidence * inner.weight, verdict.rule, verdict.askable)
        for verdict in _judge(inner, allowance, depth)
    ]
    yield from found
    worst = max((verdict.confidence for verdict in found), default=0.0)
    if inner.hidden:
        yield exploit(0.75 if worst >= 0.5 else 0.55, "hidden_script")


def _judge(inner: Inner, allowance: Allowance, depth: int) -> Iterator[Verdict]:
    match inner.language:
        case Language.SHELL | Language.POWERSHELL:
            yield from _judge_shell(inner.text, allowance, depth)
        case Language.PYTHON:
            yield from _judge_python(inner.text, allowance, depth)
        case Language.SQL:
            yield from judge_sql(inner.text)
        case Language.HTTP:
            yield from judge_request(inner.text)
        case _:
            return


def _judge_shell(text: str, allowance: Allowance, depth: int) -> Iterator[Verdict]:
    size = len(text.encode("utf-8", "replace"))
    grammar = size <= allowance.grammar_bytes
    if grammar:
        allowance.grammar_bytes -= size
    script = read_shell(text, grammar=grammar)
    for stage in script.stages:
        yield from judge_stage(stage, script)
        for nested in inner_scripts(stage):
            yield from judge_text(nested, allowance, depth + 1)
    for written in rules_combined.written_scripts(script):
        yield from judge_text(written, allowance, depth + 1)
    for whole in _WHOLE:
        yield from whole(script)


def judge_stage(stage: Stage, script: Script) -> Iterator[Verdict]:
    """What every rule says about one command in its place."""
    for name in command_names(stage.command):
        for table in _BY_NAME:
            if rule := table.get(name):
                yield from rule(stage, script)
    for rule in _ALWAYS:
        yield from rule(stage, script)


def _judge_python(text: str, allowance: Allowance, depth: int) -> Iterator[Verdict]:
    code = read_python(text)
    yield from judge_python(code)
    for shell in shell_texts(code)[:12]:
        yield from judge_text(Inner(Language.SHELL, shell), allowance, depth + 1)
    for run in run_texts(code)[:4]:
        yield from judge_text(Inner(Language.PYTHON, run), allowance, depth + 1)


def strongest(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The surest verdict of every kind, in order of first sight."""
    best: dict[str, Verdict] = {}
    for verdict in verdicts:
        held = best.get(verdict.kind)
        if held is None or verdict.confidence > held.confidence:
            best[verdict.kind] = verdict
    return list(best.values())
