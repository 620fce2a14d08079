"""What the commands share: their common options, and printing for people or programs."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from guardhouse.settings import load_settings

if TYPE_CHECKING:
    from guardhouse.service.app import Services
    from guardhouse.settings import Settings

_T = TypeVar("_T")
_Function = Callable[..., Any]


def with_settings(function: _Function) -> _Function:
    """Adds `--data-dir` and calls `function` with `settings`."""

    @click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of the database and guardhouse.toml.  [default: GUARDHOUSE_DATA_DIR, else ./data]",
    )
    @functools.wraps(function)
    def run(*args: Any, data_dir: Path | None, **kwargs: Any) -> Any:
        return function(*args, settings=load_settings(flags={"data_dir": data_dir}), **kwargs)

    return run


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
service_option = click.option("--service", metavar="S", help="Service (application) that it is about.")
env_option = click.option("--env", metavar="E", help="Environment that it is about, such as prod.")


def with_services(settings: Settings, use: Callable[[Services], Awaitable[_T]]) -> _T:
    """What `use` returns; it gets services that can do everything but judge."""
    from guardhouse.service.app import open_services

    async def run() -> _T:
        async with await open_services(settings, judging=False) as services:
            return await use(services)

    return asyncio.run(run())


def print_json(data: object) -> None:
    """`data` on standard output, one document, easy on the eye."""
    click.echo(json.dumps(data, indent=2, ensure_ascii=True))


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, err: bool = False) -> None:
    """Columns as wide as their widest cell, two spaces apart; the last one runs free. `err`: on standard error."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    for row in (head, *cells):
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(), err=err)


def printable(text: str) -> str:
    """`text` on one line, without anything that could steer a terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)


def day(time: datetime | None, otherwise: str = "") -> str:
    """`2026-11-21`, or `otherwise` for None."""
    return otherwise if time is None else time.strftime("%Y-%m-%d")


def iso(time: datetime | None) -> str | None:
    """The time as JSON has it."""
    return None if time is None else time.isoformat()
