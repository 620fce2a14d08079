"""Attacks on the model itself: jailbreaks, injections, extraction."""

from __future__ import annotations

from collections.abc import Iterable

from guardhouse.detectors.base import Detector
from guardhouse.hookspecs import hookimpl


@hookimpl
def guardhouse_detectors() -> Iterable[Detector]:
    """The detector of prompt attacks."""
    from guardhouse.detectors.injection.detector import PromptAttack

    return [PromptAttack()]
