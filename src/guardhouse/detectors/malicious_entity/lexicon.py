"""Names kept as data beside the detector: brands and their domains, shorteners, endings of files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any


@cache
def brands() -> Mapping[str, frozenset[str]]:
    """The domains that may bear a brand's name, by that name."""
    return {brand: frozenset(domains) for brand, domains in _lexicon()["brands"].items()}


@cache
def shorteners() -> frozenset[str]:
    """Hosts that lead anyone's link anywhere."""
    return frozenset(_lexicon()["shorteners"])


@cache
def file_endings() -> frozenset[str]:
    """Endings of files: `setup.zip` and `main.rs` are files until a scheme, a path or another label says otherwise."""
    return frozenset(_lexicon()["file_endings"])


@cache
def _lexicon() -> dict[str, Any]:
    place = resources.files("guardhouse.detectors.malicious_entity").joinpath("lexicon.toml")
    return tomllib.loads(place.read_text("utf-8"))
