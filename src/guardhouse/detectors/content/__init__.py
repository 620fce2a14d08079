"""What a text is about and how it is written."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from guardhouse.detectors.base import Detector
from guardhouse.hookspecs import hookimpl

MODULES: dict[str, str] = {
    "guardhouse.detectors.content.code": "CodeDetector",
    "guardhouse.detectors.content.gibberish": "Gibberish",
    "guardhouse.detectors.content.harmful_content": "HarmfulContent",
    "guardhouse.detectors.content.language": "LanguageDetector",
    "guardhouse.detectors.content.sentiment": "Sentiment",
    "guardhouse.detectors.content.topic": "Topic",
}
"""Each module of this package and the detector class that it holds."""


@hookimpl
def guardhouse_detectors() -> Iterable[Detector]:
    """The detectors of this package; their libraries load when they are first used."""
    return [getattr(import_module(module), name)() for module, name in MODULES.items()]
