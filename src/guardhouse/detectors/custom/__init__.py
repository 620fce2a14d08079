"""What operators name themselves."""

from __future__ import annotations

from collections.abc import Iterable

from guardhouse.detectors.base import Detector
from guardhouse.hookspecs import hookimpl


@hookimpl
def guardhouse_detectors() -> Iterable[Detector]:
    """The detectors of operators' own entities and of competitors."""
    from guardhouse.detectors.custom.competitors import CompetitorsDetector
    from guardhouse.detectors.custom.entities import CustomEntityDetector

    return [CompetitorsDetector(), CustomEntityDetector()]
