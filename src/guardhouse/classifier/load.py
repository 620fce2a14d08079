"""Loads the model that the package brings."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from typing import Any

import numpy as np

from guardhouse.classifier.base import Classifier
from guardhouse.classifier.ngram import HeadCalibration, NgramClassifier
from guardhouse.errors import ConfigurationError

_CARD, _WEIGHTS = "ngram.json", "ngram.npy"


def load_classifier(*, cache_entries: int) -> Classifier:
    """The bundled classifier. Its weights are mapped from the file, so that workers share one copy of them.

    `cache_entries` bounds how many texts' readings are remembered. Raises `ConfigurationError` when the files are
    missing or are not the ones that the card describes.
    """
    card = read_card()
    try:
        with resources.as_file(resources.files("guardhouse.classifier") / "data" / _WEIGHTS) as path:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            weights = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the classifier's weights cannot be read: {error}") from error
    if digest != card["sha256"]:
        raise ConfigurationError("the classifier's weights are not those that its card describes; reinstall guardhouse")
    return NgramClassifier(
        card["name"],
        weights,
        heads=card["heads"],
        scales=card["scales"],
        biases=card["biases"],
        calibration=[HeadCalibration(**line) for line in card["calibration"]],
        cache_entries=cache_entries,
    )


def read_card() -> dict[str, Any]:
    """The model card: heads, calibration, what it was trained on, digest of the weights."""
    try:
        text = (resources.files("guardhouse.classifier") / "data" / _CARD).read_text("utf-8")
        card: dict[str, Any] = json.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the classifier's card cannot be read: {error}") from error
    return card
