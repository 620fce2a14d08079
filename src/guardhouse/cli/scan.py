"""`guardhouse scan`: judge texts right here, without a server."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from guardhouse.cli.common import (
    env_option,
    json_option,
    print_table,
    printable,
    service_option,
    with_services,
    with_settings,
)
from guardhouse.cli.progress import late_progress
from guardhouse.model.conversation import Role
from guardhouse.model.policy import PolicySnapshot, Scope

if TYPE_CHECKING:
    from guardhouse.model.conversation import Conversation
    from guardhouse.model.evaluation import Evaluation
    from guardhouse.settings import Settings

EXIT_STATUS = {"ALLOW": 0, "DENY": 3, "ABORT": 4}
ROLES = [role.value for role in (Role.USER, Role.TOOL, Role.DOCUMENT, Role.ASSISTANT, Role.SYSTEM)]
_CHARACTERS_PER_S = 50_000
"""A tenth of the speed that a slow machine has: nobody waits for an answer here, so large files get their time."""
_SHOWN_VALUE = 60
_FILE_NAME = re.compile(r"(~|\.{0,2}/)[^\s:]+|[^\s:]+\.(csv|html?|jsonl?|log|md|txt|xml|ya?ml)", re.IGNORECASE)
"""What looks like a file: a slip in its name must not pass for a harmless text."""


@dataclass(frozen=True, slots=True)
class _Source:
    name: str
    text: str


@click.command()
@click.argument("texts", nargs=-1, required=True, metavar="TEXT|FILE|-...")
@click.option("--recipe", metavar="R", help="Recipe instead of the policy's.")
@click.option("--messages", is_flag=True, help="The texts are JSON: a list of chat messages, the last turn is judged.")
@click.option("--role", type=click.Choice(ROLES), default=Role.USER.value, show_default=True, help="Who says it.")
@service_option
@env_option
@click.option("--show-values", is_flag=True, help="Also print what was matched.")
@json_option
@with_settings
def scan(
    settings: Settings,
    texts: Sequence[str],
    recipe: str | None,
    messages: bool,
    role: str,
    service: str | None,
    env: str | None,
    show_values: bool,
    as_json: bool,
) -> None:
    """Judge texts, files, or standard input (-), under the data folder's policies. No server is needed.

    An argument that is the path of a file means the file. Nothing is recorded. With --json one object per line.

    Exit status: 0 allow, 3 deny, 4 abort (the strongest of several), 2 wrong usage, 1 failure.
    """
    sources = [_read(argument) for argument in texts]
    conversations = [_conversation(source, role, messages) for source in sources]
    evaluations = _judge_all(settings, conversations, recipe=recipe, scope=Scope(service, env))
    for source, evaluation in zip(sources, evaluations, strict=True):
        if as_json:
            click.echo(json.dumps({"source": source.name, **_facts(evaluation, show_values)}, ensure_ascii=True))
        else:
            _print(source.name if len(sources) > 1 else "", evaluation, show_values)
    sys.exit(max(EXIT_STATUS[evaluation.action.name] for evaluation in evaluations))


def _read(argument: str) -> _Source:
    if argument == "-":
        return _Source("-", sys.stdin.buffer.read().decode("utf-8", "replace"))
    if os.path.exists(argument):  # says False, not an error, for texts that can be no path
        path = Path(argument)
        if path.is_dir():
            raise click.BadParameter(f"{argument!r} is a folder; name the files in it", param_hint="TEXT|FILE|-")
        return _Source(argument, path.read_bytes().decode("utf-8", "replace"))
    if _FILE_NAME.fullmatch(argument):
        click.echo(f"There is no file {printable(argument)!r}: its name itself is judged, as a text.", err=True)
    return _Source("text", argument)


def _conversation(source: _Source, role: str, messages: bool) -> Conversation:
    from guardhouse.model.messages import conversation_from_messages, conversation_from_text

    if not messages:
        return conversation_from_text(source.text, role=Role(role))
    try:
        document = json.loads(source.text)
    except (ValueError, RecursionError):
        raise click.BadParameter(f"{source.name!r} is not JSON", param_hint="--messages") from None
    return conversation_from_messages(document.get("messages") if isinstance(document, dict) else document)


def _judge_all(
    settings: Settings, conversations: Sequence[Conversation], *, recipe: str | None, scope: Scope
) -> list[Evaluation]:
    from guardhouse.engine.collect import judged_texts
    from guardhouse.engine.guard import Guard
    from guardhouse.model.request import EvaluationRequest

    sizes = [sum(len(text.value) for text in judged_texts(item)) for item in conversations]
    settings = replace(settings, deadline_s=max(settings.deadline_s, max(sizes) / _CHARACTERS_PER_S))
    snapshot = _snapshot(settings)
    guard = Guard(settings=settings)
    evaluations = []
    with late_progress(sum(sizes), "Scanning") as progress:
        for conversation, size in zip(conversations, sizes, strict=True):
            request = EvaluationRequest(conversation, scope=scope, recipe=recipe, dialect="cli")
            evaluations.append(guard.judge(request, snapshot))
            progress.advance(size)
    return evaluations


def _snapshot(settings: Settings) -> PolicySnapshot:
    """The store's policies and recipes, or only the built-in recipes where there is no store yet."""
    from guardhouse.engine.catalog import builtin_recipes
    from guardhouse.storage.store import is_made

    if not is_made(settings):
        return PolicySnapshot(0, {}, builtin_recipes())
    return with_services(settings, lambda services: services.policies.snapshot())


def _facts(evaluation: Evaluation, show_values: bool) -> dict[str, Any]:
    from guardhouse.model.codec import evaluation_to_dict

    facts = evaluation_to_dict(evaluation, values=show_values)
    if not show_values:  # the redacted texts are what one scans for; matched values are not
        facts["texts"] = evaluation_to_dict(evaluation)["texts"]
    return facts


def _print(name: str, evaluation: Evaluation, show_values: bool) -> None:
    if name:
        click.echo(f"== {printable(name)}")
    verdict = evaluation.action.name
    note = "" if evaluation.blocked or verdict == "ALLOW" else " (monitored, not blocked)"
    click.echo(f"{verdict}{note}")
    click.echo(evaluation.reason)
    findings = [applied for report in evaluation.reports for applied in report.findings]
    if findings:
        head = ("KIND", "CONFIDENCE", "WHERE", "ACTION", "DETECTOR") + (("VALUE",) if show_values else ())
        rows = []
        for applied in findings:
            finding = applied.finding
            where = f"{finding.span.start}..{finding.span.end}" if finding.span else "whole text"
            action = "block" if applied.blocked else applied.action.value
            row = (finding.kind, f"{finding.confidence:.2f}", where, action, finding.detector)
            rows.append(row + ((finding.value[:_SHOWN_VALUE],) if show_values else ()))
        print_table(head, rows)
    for text in evaluation.texts.values():
        click.echo("Redacted:")
        click.echo("\n".join(printable(line) for line in text.split("\n")))
    for report in evaluation.reports:
        if report.detail and report.outcome.value in ("failed", "not_executed"):
            click.echo(f"{report.detector}: {report.outcome.value.replace('_', ' ')}: {report.detail}")
