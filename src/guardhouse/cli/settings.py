"""`guardhouse settings`: every setting, what it is now and where it can be set."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from guardhouse.cli.common import json_option, print_json, print_table, with_settings
from guardhouse.settings import ENVIRONMENT_PREFIX, Settings

HIDDEN = "(set, hidden)"


@click.command(name="settings")
@json_option
@with_settings
def show_settings(settings: Settings, as_json: bool) -> None:
    """List all settings: value, default, environment variable and meaning.

    They come from guardhouse.toml in the data folder, then the environment, then flags; the later wins.
    """
    rows = [
        {
            "name": item.name,
            "value": _shown(getattr(settings, item.name), bool(item.metadata["secret"])),
            "default": _shown(item.default, False),
            "environment": ENVIRONMENT_PREFIX + item.name.upper(),
            "doc": item.metadata["doc"],
        }
        for item in fields(Settings)
    ]
    if as_json:
        print_json(rows)
        return
    head = ("SETTING", "VALUE", "DEFAULT", "ENVIRONMENT")
    print_table(head, [(row["name"], _text(row["value"]), _text(row["default"]), row["environment"]) for row in rows])
    click.echo()
    for row in rows:
        click.echo(f"{row['name']}: {row['doc']}")


def _shown(value: Any, secret: bool) -> Any:
    if secret and value:
        return HIDDEN
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)
