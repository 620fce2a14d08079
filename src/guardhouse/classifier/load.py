"""Loads the model that the package brings."""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from guardhouse.classifier.base import Classifier
from guardhouse.classifier.bundled import BundledClassifier
from guardhouse.classifier.calibration import Calibration
from guardhouse.classifier.names import load_names
from guardhouse.classifier.network import load_network
from guardhouse.classifier.ngram import NgramModel
from guardhouse.classifier.tokens import load_tokenizer
from guardhouse.errors import ConfigurationError

CARD, WORDS, NETWORK, NAMES = "card.json", "words.npy", "network.onnx", "names.onnx"
TOKENIZER = "tokenizer.json"


def load_classifier(*, cache_entries: int) -> Classifier:
    """The bundled classifier. The n-gram model's weights are mapped from the file, so that workers share them.

    `cache_entries` bounds how many texts' readings are remembered. Raises `ConfigurationError` when the files are
    missing or are not the ones that the card describes.
    """
    card = read_card()
    with resources.as_file(resources.files("guardhouse.classifier") / "data") as folder:
        try:
            return BundledClassifier(
                card["name"],
                heads=card["heads"],
                tags=card["tags"],
                network=load_network(_checked(folder, NETWORK, card)),
                names=load_names(_checked(folder, NAMES, card)),
                words=_words(folder, card),
                tokenizer=load_tokenizer(_checked(folder, TOKENIZER, card)),
                calibration=Calibration(card["calibration"]),
                cache_entries=cache_entries,
            )
        except (OSError, ValueError, KeyError) as error:
            raise ConfigurationError(f"the classifier cannot be read: {error}") from error


def load_words() -> NgramModel:
    """The bundled n-gram model alone."""
    with resources.as_file(resources.files("guardhouse.classifier") / "data") as folder:
        return _words(folder, read_card())


def read_card() -> dict[str, Any]:
    """The model card: heads, calibration, what it was trained on, digests of the files."""
    try:
        text = (resources.files("guardhouse.classifier") / "data" / CARD).read_text("utf-8")
        card: dict[str, Any] = json.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"the classifier's card cannot be read: {error}") from error
    return card


def _words(folder: Path, card: dict[str, Any]) -> NgramModel:
    weights = np.load(_checked(folder, WORDS, card), mmap_mode="r", allow_pickle=False)
    return NgramModel(weights, scales=card["words"]["scales"], biases=card["words"]["biases"])


def _checked(folder: Path, name: str, card: dict[str, Any]) -> Path:
    """The path of a file that is the one its card describes. Raises `ConfigurationError` where it is not."""
    path = folder / name
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != card["files"][name]:
        raise ConfigurationError(f"{name} is not the file that the classifier's card describes; reinstall guardhouse")
    return path
