"""Personal and financial data."""

from __future__ import annotations

from collections.abc import Iterable

from guardhouse.detectors.base import Detector
from guardhouse.hookspecs import hookimpl


@hookimpl
def guardhouse_detectors() -> Iterable[Detector]:
    """The detector of personal data."""
    from guardhouse.detectors.pii.detector import PiiDetector

    return [PiiDetector()]
