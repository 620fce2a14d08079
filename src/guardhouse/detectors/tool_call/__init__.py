"""What an assistant's tool calls would do."""

from __future__ import annotations

from collections.abc import Iterable

from guardhouse.detectors.base import Detector
from guardhouse.hookspecs import hookimpl


@hookimpl
def guardhouse_detectors() -> Iterable[Detector]:
    """The detector of this package."""
    from guardhouse.detectors.tool_call.detector import ToolCallDetector

    return [ToolCallDetector()]
