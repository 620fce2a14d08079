"""Writes the generated tables of the pages anew from the code: `make docs`. With `--check` it only says what is stale.

A page holds a table between `<!-- begin generated: NAME -->` and `<!-- end generated -->`; NAME is a key of `TABLES`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from guardhouse import Guard
from guardhouse.cli.root import root
from guardhouse.engine.catalog import builtin_recipes
from guardhouse.model.recipe import DetectorSetting
from guardhouse.server.app import load_dialects
from guardhouse.server.metrics import Metrics
from guardhouse.server.openapi import document
from guardhouse.settings import ENVIRONMENT_PREFIX, Settings

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PAGES = (ROOT / "README.md", *sorted(HERE.glob("*.md")))
REGION = re.compile(r"(<!-- begin generated: (\w+) -->\n).*?(<!-- end generated -->)", re.DOTALL)
DIALECT_TITLES = {"native": "Native", "datadog": "Datadog", "pangea": "Pangea", "trend": "Trend"}


def settings_table() -> str:
    """Every setting, its variable, default and meaning."""
    rows = []
    for item in fields(Settings):
        default = item.default
        shown = ",".join(default) if isinstance(default, tuple) else str(default)
        shown = shown.lower() if isinstance(default, bool) else shown
        doc = item.metadata["doc"] + (" Never shown or logged." if item.metadata["secret"] else "")
        rows.append(
            (f"`{item.name}`", f"`{ENVIRONMENT_PREFIX}{item.name.upper()}`", f"`{shown}`" if shown else "", doc)
        )
    return _table(("Setting", "Variable", "Default", "Meaning"), rows)


def recipes_table() -> str:
    """Every built-in recipe and what it does about what."""
    parts = []
    for recipe in builtin_recipes().values():
        stops = "Stops at the first block." if recipe.stop_on_block else "Runs every detector, also after a block."
        rows = [(f"`{setting.detector}`", _actions(setting), _condition(setting)) for setting in recipe.detectors]
        parts += [
            f"### `{recipe.name}`: {recipe.title}",
            "",
            f"{recipe.description} {stops}",
            "",
            _table(("Detector", "Action", "Condition"), rows),
        ]
    return "\n".join(parts)


def operators_table() -> str:
    """Every action that edits, and its parameters."""
    rows = []
    for action, operator in sorted(Guard().operators.items()):
        parameters = ", ".join(f"`{name}`" for name in sorted(operator.parameter_names)) or "none"
        doc = " ".join((type(operator).__doc__ or "").split("\n\n")[0].split())
        rows.append((f"`{action.value}`", doc, parameters))
    return _table(("Action", "What is put in place", "Parameters"), rows)


def detectors_table() -> str:
    """Every built-in detector with its kinds and options."""
    rows = []
    for name, detector in sorted(Guard().detectors.items()):
        kinds = ", ".join(f"`{kind}`" for kind in sorted(detector.kinds)) or "named by its options"
        options = ", ".join(f"`{option}`" for option in sorted(detector.option_names)) or "none"
        rows.append((f"`{name}`", kinds, options))
    return _table(("Detector", "Kinds", "Options"), rows)


def commands_help() -> str:
    """What every command says under `--help`."""
    parts = []
    for path, command in _commands(root, ("guardhouse",)):
        context = click.Context(
            command,
            info_name=" ".join(path),
            max_content_width=100,
            terminal_width=100,
            help_option_names=root.context_settings["help_option_names"],
        )
        parts += [f"### `{' '.join(path)}`", "", "```text", command.get_help(context).rstrip(), "```", ""]
    return "\n".join(parts)


def routes_table() -> str:
    """Every route of every dialect, from the same place as `/openapi.json`."""
    seen: set[tuple[str, str]] = set()
    parts = []
    own = document([])["paths"]
    groups = [("Health and the server itself", own)]
    groups += [(DIALECT_TITLES[dialect.name], dict(dialect.openapi_paths())) for dialect in load_dialects(())]
    for title, paths in groups:
        rows = []
        for path, item in sorted(paths.items()):
            for method, operation in item.items():
                if (path, method) not in seen:
                    seen.add((path, method))
                    rows.append((f"`{method.upper()} {path}`", operation.get("summary", "")))
        parts += [f"**{title}**", "", _table(("Route", "What it does"), rows)]
    return "\n".join(parts)


def metrics_table() -> str:
    """Every metric of ours."""
    text = Metrics().exposition().decode()
    helps = re.findall(r"^# HELP (ai_guard_\w+) (.*)$", text, re.MULTILINE)
    types = dict(re.findall(r"^# TYPE (ai_guard_\w+) (\w+)$", text, re.MULTILINE))
    return _table(
        ("Metric", "Type", "Meaning"),
        [(f"`{name}`", types[name], doc) for name, doc in helps if not name.endswith("_created")],
    )


def figures_table() -> str:
    """The head figures of `bench/RESULTS.md`: nobody copies them by hand."""
    results = (ROOT / "bench" / "RESULTS.md").read_text("utf-8")
    latency = {row[0]: row for row in _result_rows(results, "Latency in process")}
    histories = {row[0]: row for row in _result_rows(results, "Long histories")}
    served = {(row[0], row[1]): row for row in _result_rows(results, "Server throughput")}
    started = {row[0]: row for row in _result_rows(results, "Server start and memory")}
    library = {row[0]: row for row in _result_rows(results, "Import, start and size as a library")}
    rows = [(f"A text of {size}, in process", f"{latency[size][2]} (p99 {latency[size][3]})") for size in latency]
    rows += [
        ("The last turn of 51 messages", f"{histories['51'][1]} (p99 {histories['51'][2]})"),
        ("Server, short prompts, 1 worker", f"{served['1', '200 B'][2]} (p99 {served['1', '200 B'][4]})"),
        ("Server, short prompts, 2 workers", f"{served['2', '200 B'][2]} (p99 {served['2', '200 B'][4]})"),
        ("Server, start to first verdict", started["1"][1]),
        ("Server, memory of one worker", started["1"][2]),
        ("Library, import to first verdict", library["... and its first verdict"][1]),
    ]
    rows += [
        (f"{name}, beside {other[0]}", f"{other[3]}; found {own[4]} and {other[4]}")
        for name in ("Personal data", "Secrets")
        for own, *others in [_result_rows(results, f"{name}, beside others")]
        for other in others
    ]
    return _table(("What", "Measured"), rows)


def _result_rows(results: str, title: str) -> list[list[str]]:
    section = results.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


TABLES: dict[str, Callable[[], str]] = {
    "figures": figures_table,
    "settings": settings_table,
    "recipes": recipes_table,
    "operators": operators_table,
    "detectors": detectors_table,
    "commands": commands_help,
    "routes": routes_table,
    "metrics": metrics_table,
}


def render(page: str) -> str:
    """The page with its tables as the code says now."""
    return REGION.sub(lambda match: f"{match[1]}\n{TABLES[match[2]]().strip()}\n\n{match[3]}", page)


def stale_pages() -> list[Path]:
    """The pages whose tables differ from the code."""
    return [page for page in PAGES if render(page.read_text("utf-8")) != page.read_text("utf-8")]


def main() -> None:
    stale = stale_pages()
    for page in stale:
        if "--check" in sys.argv:
            sys.stdout.write(f"{page.name} is stale; run: make docs\n")
        else:
            page.write_text(render(page.read_text("utf-8")), "utf-8")
            sys.stdout.write(f"wrote {page.name}\n")
    if "--check" in sys.argv and stale:
        sys.exit(1)


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path[-1])
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _commands(child, (*path, name))


def _actions(setting: DetectorSetting) -> str:
    by_action: dict[str, list[str]] = {}
    for kind, rule in sorted(setting.rules.items()):
        by_action.setdefault(_action(rule), []).append(f"`{kind}`")
    parts = [f"{action}: {', '.join(kinds)}" for action, kinds in sorted(by_action.items())]
    return "; ".join([*parts, f"{'others: ' if parts else ''}{_action(setting.default)}"])


def _action(rule: Any) -> str:
    return f"{rule.action.value} and block" if rule.block else str(rule.action.value)


def _condition(setting: DetectorSetting) -> str:
    parts = [] if setting.threshold is None else [f"confidence >= {setting.threshold}"]
    parts += [] if setting.required else ["may fail"]
    parts += [f"{name} = {_shown(value)}" for name, value in sorted(setting.options.items())]
    return ", ".join(parts)


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
