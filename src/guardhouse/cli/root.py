"""The `guardhouse` command: finds the others by name and turns errors into one line and an exit status."""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

import click

from guardhouse import __version__
from guardhouse.errors import GuardhouseError, InvalidInput

COMMANDS = {
    "serve": "guardhouse.cli.serve:serve",
    "keys": "guardhouse.cli.keys:keys",
    "policy": "guardhouse.cli.policy:policy",
    "recipes": "guardhouse.cli.recipes:recipes",
    "intel": "guardhouse.cli.intel:intel",
    "scan": "guardhouse.cli.scan:scan",
    "redact": "guardhouse.cli.redact:redact",
    "unredact": "guardhouse.cli.redact:unredact",
    "activity": "guardhouse.cli.activity:activity",
    "doctor": "guardhouse.cli.doctor:doctor",
    "settings": "guardhouse.cli.settings:show_settings",
}


class Failure(click.ClickException):
    """One line on standard error, exit status 1."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class UsageFailure(Failure):
    """The same for what the user typed, exit status 2."""

    exit_code = 2


class Root(click.Group):
    """Imports a command when it is called, not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        return cast("click.Command", getattr(import_module(module), name))

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command. What a user typed wrongly exits with 2, everything else that fails with 1."""
        try:
            return super().invoke(ctx)
        except GuardhouseError as error:
            raise (UsageFailure if isinstance(error, InvalidInput) else Failure)(str(error)) from None
        except OSError as error:
            name = f": {error.filename}" if error.filename else ""
            raise Failure(f"{error.strerror or type(error).__name__}{name}") from None


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="guardhouse")
def root() -> None:
    """Guardhouse judges prompts, answers, tool calls and documents, in your own network."""
