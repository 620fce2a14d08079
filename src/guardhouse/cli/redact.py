"""`guardhouse redact` and `guardhouse unredact`: files and folders, without a server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from guardhouse.cli.common import print_table, service_option, with_services, with_settings
from guardhouse.cli.file_formats import MOST_VALUE, REWRITERS
from guardhouse.cli.progress import late_progress
from guardhouse.cli.rewriting import How, Names, Redacting, Restoring
from guardhouse.cli.rewritten_files import Files, write_private
from guardhouse.cli.root import Failure
from guardhouse.model.recipe import REDACTING, RuleAction

if TYPE_CHECKING:
    from guardhouse.engine.guard import Guard
    from guardhouse.settings import Settings

FOUND = 3
"""Exit status when something was taken out; `guardhouse scan` ends so when it denies."""
_OPERATORS = sorted(action.value for action in REDACTING)
_REVERSIBLE = {"fpe": {}, "replace": {"reversible": True}, "surrogate": {"reversible": True}}
"""Operators whose originals a context can keep, and the parameters for it."""
_KEYED = frozenset({"fpe", "hash", "surrogate"})
_ATTEMPTS = 3
_CHARACTERS_PER_S = 50_000
_Command = TypeVar("_Command", bound=Callable[..., Any])


def _file_options(function: _Command) -> _Command:
    options = [
        click.argument("paths", nargs=-1, required=True, metavar="FILE|FOLDER|-..."),
        click.option("-o", "--output", type=click.Path(path_type=Path), help="File, or folder for several files."),
        click.option("--in-place", is_flag=True, help="Change the files themselves."),
        click.option(
            "--format",
            "format_name",
            type=click.Choice(["auto", *REWRITERS]),
            default="auto",
            show_default=True,
            help="What the files are; auto goes by the ends of their names.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@click.command()
@_file_options
@click.option("--recipe", metavar="R", help="Recipe whose detectors of sensitive data look.  [default: ingestion]")
@click.option(
    "--operator", type=click.Choice(_OPERATORS), help="What is done about all of it, instead of the recipe's."
)
@click.option("--parameters", metavar="JSON", help="Parameters of the operator (docs/recipes.md).")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Look for this kind only; may be repeated.")
@click.option(
    "--context",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write what `unredact` needs to this new file, for its owner only, also when nothing was found. The "
    "operator is then fpe, or replace or surrogate with the originals kept, encrypted.",
)
@service_option
@with_settings
def redact(
    settings: Settings,
    paths: Sequence[str],
    output: Path | None,
    in_place: bool,
    format_name: str,
    recipe: str | None,
    operator: str | None,
    parameters: str | None,
    kinds: Sequence[str],
    context: Path | None,
    service: str | None,
) -> None:
    """Take personal data and secrets out of files, folders, or standard input (-). No server is needed.

    Text, Markdown, JSON, JSONL and CSV (also .tsv); outside the strings that are edited nothing is changed. The
    result goes to standard output, to --output, or with --in-place into the files; when anything fails, nothing is
    written. Binary files and links in folders are skipped, and said to be. A table of what was found goes to standard
    error.

    Exit status: 0 nothing found, 3 something was taken out, 2 wrong usage, 1 failure.
    """
    how = _how(recipe, operator, parameters, kinds, service, is_reversible=context is not None)
    if context is not None and context.exists():
        raise click.BadParameter("the file exists; a context is never overwritten", param_hint="--context")
    guard = _guard(settings, needs_key=how.action in _KEYED or context is not None)
    with Files(paths, output=output, in_place=in_place, format_name=format_name) as files:
        redacting = _redacted(guard, how, files, is_reversible=context is not None)
        if context is not None:
            document = {"version": 1, "service": service, "contexts": redacting.contexts}
            write_private(context, json.dumps(document) + "\n")
        files.commit()
        _summarize(redacting.found, files)
    sys.exit(FOUND if redacting.found else 0)


@click.command()
@_file_options
@click.option(
    "--context",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The file that `redact --context` wrote.",
)
@with_settings
def unredact(
    settings: Settings, paths: Sequence[str], output: Path | None, in_place: bool, format_name: str, context: Path
) -> None:
    """Put the originals back into what `redact --context` gave, or into texts that quote it.

    Needs the redaction key that was used, in the same data folder or setting.

    Exit status: 0 done, 2 wrong usage or context, 1 failure.
    """
    contexts, service = _read_context(context)
    with Files(paths, output=output, in_place=in_place, format_name=format_name) as files:
        unredactor = _guard(settings, needs_key=True, makes_key=False).unredactor(contexts, service=service)
        with late_progress(files.size, "Restoring") as progress:
            restoring = Restoring(unredactor, advance=progress.advance)
            files.rewrite(restoring, lambda: restoring.changed)
        files.commit()


def _how(
    recipe: str | None,
    operator: str | None,
    parameters: str | None,
    kinds: Sequence[str],
    service: str | None,
    *,
    is_reversible: bool,
) -> How:
    given: Mapping[str, Any] | None = None
    if parameters is not None:
        try:
            given = json.loads(parameters)
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            raise click.BadParameter("this is not a JSON object", param_hint="--parameters")
    if is_reversible:
        operator = operator or RuleAction.FPE.value
        if operator not in _REVERSIBLE:
            raise click.BadParameter(f"what {operator} does cannot be undone", param_hint="--context")
        given = {**(given or {}), **_REVERSIBLE[operator]} or None
    return How(recipe, operator, given, kinds or None, service)


def _guard(settings: Settings, *, needs_key: bool, makes_key: bool = True) -> Guard:
    """A guard with the store's recipes, and the data folder's key ring where that is needed or there."""
    from guardhouse.engine import guard
    from guardhouse.redaction.keys import FILE_NAME, load_key_ring
    from guardhouse.storage.store import is_made

    settings = replace(settings, deadline_s=max(settings.deadline_s, MOST_VALUE / _CHARACTERS_PER_S))
    has_key = bool(settings.redaction_key) or (settings.data_dir / FILE_NAME).exists()
    if needs_key and not has_key and not makes_key:
        raise Failure(f"there is no redaction key in {str(settings.data_dir)!r}")
    ring = load_key_ring(settings.data_dir if needs_key or has_key else None, settings.redaction_key)
    if not is_made(settings):
        return guard.Guard(settings=settings, redaction_key=ring)
    snapshot = with_services(settings, lambda services: services.policies.snapshot())
    return guard.Guard(
        settings=settings, redaction_key=ring, recipes=snapshot.recipes.values(), policies=snapshot.policies
    )


def _redacted(guard: Guard, how: How, files: Files, *, is_reversible: bool) -> Redacting:
    """Rewrites the files; with `is_reversible` it sees that each comes back exactly, and else does it anew."""
    names = Names()
    if is_reversible:
        files.look_through(names.note)
    for _ in range(_ATTEMPTS):
        with late_progress(files.size, "Redacting") as progress:
            redacting = Redacting(guard, how, names=names, advance=progress.advance)
            files.rewrite(redacting, redacting.found.total)
        if not is_reversible or not redacting.contexts:
            return redacting
        unredactor = guard.unredactor(redacting.contexts, service=how.service)
        if files.come_back(Restoring(unredactor, advance=lambda _: None)):
            return redacting
    raise Failure("these files cannot be redacted so that they come back exactly; nothing was written")


def _read_context(path: Path) -> tuple[list[str], str | None]:
    try:
        document = json.loads(path.read_text("ascii"))
        contexts, service = document["contexts"], document["service"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise click.BadParameter("this is no file that redact --context wrote", param_hint="--context") from None
    if not isinstance(contexts, list) or not isinstance(service, str | None):
        raise click.BadParameter("this is no file that redact --context wrote", param_hint="--context")
    return contexts, service


def _summarize(found: Mapping[str, int], files: Files) -> None:
    if found:
        rows = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        print_table(("KIND", "COUNT"), [(kind, str(count)) for kind, count in rows], err=True)
    changed = sum(job.is_changed for job in files.jobs)
    skipped = f", {files.skipped} skipped" if files.skipped else ""
    click.echo(f"{sum(found.values())} in {changed} of {len(files.jobs)} files{skipped}", err=True)
