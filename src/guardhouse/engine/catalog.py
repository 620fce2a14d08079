"""The recipes that come with the package, and recipe files in general."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from guardhouse.errors import InvalidInput
from guardhouse.model.codec import recipe_from_dict
from guardhouse.model.recipe import Recipe


@cache
def builtin_recipes() -> Mapping[str, Recipe]:
    """The recipes of `engine/recipes/*.toml` by name."""
    files = sorted(resources.files("guardhouse.engine").joinpath("recipes").iterdir(), key=lambda item: item.name)
    recipes = [recipe_from_toml(file.read_text("utf-8")) for file in files if file.name.endswith(".toml")]
    return {recipe.name: recipe for recipe in recipes}


def recipe_from_toml(text: str) -> Recipe:
    """A recipe file's content as a recipe. Raises `InvalidInput`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"the recipe is not TOML: {error}") from None
    return recipe_from_dict(data)
