"""The command line: one file per command. They parse, call the service and print."""

from __future__ import annotations

from typing import Any


def main(*args: Any, **kwargs: Any) -> Any:
    """Entry point of the `guardhouse` command."""
    from guardhouse.cli.root import root

    return root(*args, **kwargs)
