"""Keys, tokens, passwords and other credentials."""

from __future__ import annotations

from collections.abc import Iterable

from guardhouse.detectors.base import Detector
from guardhouse.hookspecs import hookimpl


@hookimpl
def guardhouse_detectors() -> Iterable[Detector]:
    """The detector of secrets."""
    from guardhouse.detectors.secrets.detector import SecretsDetector

    return [SecretsDetector()]
