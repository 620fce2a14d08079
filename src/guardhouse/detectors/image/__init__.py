"""Text inside images."""

from __future__ import annotations

from collections.abc import Iterable

from guardhouse.detectors.base import Detector
from guardhouse.hookspecs import hookimpl


@hookimpl
def guardhouse_detectors() -> Iterable[Detector]:
    """The detector of this package."""
    from guardhouse.detectors.image.detector import ImageDetector

    return [ImageDetector()]
