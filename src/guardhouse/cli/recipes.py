"""`guardhouse recipes`: which detectors run and what is done about what they find."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

import click

from guardhouse.cli.common import json_option, print_json, print_table, with_services, with_settings
from guardhouse.model.codec import recipe_to_dict
from guardhouse.model.recipe import DetectorSetting, Recipe, Rule

if TYPE_CHECKING:
    from guardhouse.service.app import Services
    from guardhouse.settings import Settings


@click.group()
def recipes() -> None:
    """List, show, import, export and delete recipes."""


@recipes.command(name="list")
@json_option
@with_settings
def list_recipes(settings: Settings, as_json: bool) -> None:
    """List the built-in recipes and your own."""

    async def listed(services: Services) -> list[tuple[Recipe, bool]]:
        return [(recipe, await services.recipes.is_builtin(recipe.name)) for recipe in await services.recipes.list()]

    found = with_services(settings, listed)
    if as_json:
        print_json(
            [
                {"name": recipe.name, "title": recipe.title, "description": recipe.description, "builtin": builtin}
                for recipe, builtin in found
            ]
        )
        return
    rows = [(recipe.name, "built in" if builtin else "own", recipe.title) for recipe, builtin in found]
    print_table(("NAME", "KIND", "TITLE"), rows)


@recipes.command()
@click.argument("name")
@json_option
@with_settings
def show(settings: Settings, name: str, as_json: bool) -> None:
    """Show a recipe's detectors in order, with what is done about what they find."""
    recipe = with_services(settings, lambda services: services.recipes.get(name))
    if as_json:
        print_json(recipe_to_dict(recipe))
        return
    click.echo(f"{recipe.name}: {recipe.title}")
    if recipe.description:
        click.echo(recipe.description)
    print_table(("DETECTOR", "ACTION", "THRESHOLD", "RULES AND OPTIONS"), [_row(item) for item in recipe.detectors])


@recipes.command(name="import")
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--name", metavar="N", help="Store it under this name instead of the file's.")
@json_option
@with_settings
def import_recipe(settings: Settings, file: IO[str], name: str | None, as_json: bool) -> None:
    """Store a recipe from a TOML file (- is standard input). It is checked first, and replaces one of the same name."""
    from guardhouse.engine.catalog import recipe_from_toml

    try:
        content = file.read()
    except UnicodeDecodeError:
        raise click.BadParameter("it is not UTF-8", param_hint="FILE") from None
    recipe = recipe_from_toml(content)
    if name is not None:
        recipe = recipe_from_toml(_renamed(recipe, name))
    revision = with_services(settings, lambda services: services.recipes.save(recipe))
    _tell("Imported", recipe.name, revision, as_json)


@recipes.command()
@click.argument("name")
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=True), default="-")
@json_option
@with_settings
def export(settings: Settings, name: str, file: IO[str], as_json: bool) -> None:
    """Write a recipe as TOML, built-in ones too: to change one, export it and import it under another name."""
    from guardhouse.cli.toml_writer import recipe_to_toml

    recipe = with_services(settings, lambda services: services.recipes.get(name))
    file.write(json.dumps(recipe_to_dict(recipe), indent=2) + "\n" if as_json else recipe_to_toml(recipe))


@recipes.command()
@click.argument("name")
@json_option
@with_settings
def delete(settings: Settings, name: str, as_json: bool) -> None:
    """Delete one of your own recipes that no policy names."""
    revision = with_services(settings, lambda services: services.recipes.delete(name))
    _tell("Deleted", name, revision, as_json)


def _renamed(recipe: Recipe, name: str) -> str:
    """The recipe's file under another name, so that the name is checked as a file's is."""
    from guardhouse.cli.toml_writer import recipe_to_toml

    return recipe_to_toml(replace(recipe, name=name))


def _tell(done: str, name: str, revision: int, as_json: bool) -> None:
    if as_json:
        print_json({done.lower(): name, "revision": revision})
    else:
        click.echo(f"{done} {name!r}; policy revision {revision}.")


def _row(setting: DetectorSetting) -> tuple[str, str, str, str]:
    details = [f"{kind}: {_rule(rule)}" for kind, rule in setting.rules.items()]
    details += [f"{name}={_short(value)}" for name, value in setting.options.items()]
    threshold = "policy" if setting.threshold is None else str(setting.threshold)
    return setting.detector, _rule(setting.default), threshold, "; ".join(details)


def _rule(rule: Rule) -> str:
    return f"{rule.action.value} and block" if rule.block else rule.action.value


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
