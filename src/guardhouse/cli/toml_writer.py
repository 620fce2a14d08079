"""Recipes as TOML text. The standard library reads TOML but does not write it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from guardhouse.model.codec import recipe_to_dict
from guardhouse.model.recipe import Recipe


def recipe_to_toml(recipe: Recipe) -> str:
    """A file that reads back as the same recipe."""
    data = recipe_to_dict(recipe)
    detectors = data.pop("detectors")
    blocks = [_lines(data)]
    for detector in detectors:
        rules = detector.pop("rules", {})
        blocks.append("[[detectors]]\n" + _lines(detector))
        if rules:
            plain = {kind: rule["action"] if set(rule) == {"action"} else rule for kind, rule in rules.items()}
            blocks.append("[detectors.rules]\n" + _lines(plain))
    return "\n".join(blocks)


def _lines(table: Mapping[str, Any]) -> str:
    return "".join(f"{_key(name)} = {_value(value)}\n" for name, value in table.items() if value is not None)


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if bare else _string(name)


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return _string(value)
        case Mapping():
            return "{ " + ", ".join(f"{_key(name)} = {_value(item)}" for name, item in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(_value(item) for item in value) + "]"
        case _:
            raise TypeError(f"TOML has no {type(value).__name__}")


def _string(text: str) -> str:
    # JSON's escapes are TOML's too, but for DEL, which JSON leaves bare, and lone surrogates, which TOML has not.
    return json.dumps(text.encode("utf-8", "replace").decode("utf-8"), ensure_ascii=False).replace("\x7f", "\\u007f")
