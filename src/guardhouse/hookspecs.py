"""The extension points. A plug-in is a module with these functions, marked with `guardhouse.hookimpl`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pluggy

PROJECT = "guardhouse"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def guardhouse_detectors() -> Iterable[Any]:
    """Give detectors (see `guardhouse.detectors.base.Detector`)."""
    raise NotImplementedError


@hookspec
def guardhouse_operators() -> Iterable[Any]:
    """Give redaction operators (see `guardhouse.redaction.base.Operator`)."""
    raise NotImplementedError
