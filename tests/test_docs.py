"""What is not documented does not exist, and what is documented works."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import fields
from pathlib import Path

import click
import pytest
from doc_examples import ADDRESS, KEY, PAGES, Block, Console, blocks, commands, matches, run_python
from house import ROOT
from starlette.routing import Route

from guardhouse import Guard
from guardhouse.cli.root import root
from guardhouse.engine.catalog import builtin_recipes, recipe_from_toml
from guardhouse.server.app import create_app
from guardhouse.settings import ENVIRONMENT_PREFIX, Settings, load_settings

DOCS = ROOT / "docs"
LANGUAGES = {"python", "console", "toml", "json", "text", "sh", "http"}
_specification = importlib.util.spec_from_file_location("generate_docs", DOCS / "generate.py")
assert _specification
assert _specification.loader
generate = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(generate)


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_generated_tables_are_fresh(path: Path) -> None:
    assert generate.render(path.read_text("utf-8")) == path.read_text("utf-8"), "run: make docs"


def test_every_table_is_on_a_page() -> None:
    text = "".join(path.read_text("utf-8") for path in PAGES)
    assert set(re.findall(r"<!-- begin generated: (\w+) -->", text)) == set(generate.TABLES)


@pytest.mark.parametrize("name", [item.name for item in fields(Settings)])
def test_setting_is_documented(name: str) -> None:
    assert f"`{ENVIRONMENT_PREFIX}{name.upper()}`" in page("configuration.md")


@pytest.mark.parametrize("name", sorted(builtin_recipes()))
def test_recipe_is_documented(name: str) -> None:
    assert f"### `{name}`" in page("recipes.md")


@pytest.mark.parametrize("name", sorted(Guard().detectors))
def test_detector_is_documented(name: str) -> None:
    assert f"| `{name}` |" in page("detectors.md")
    assert f"\n## `{name}`" in page("detectors.md"), "tell in words what it finds, how, and what it cannot"


def all_commands(command: click.Command, path: tuple[str, ...]) -> list[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        return [(" ".join(path), command)]
    context = click.Context(command, info_name=path[-1])
    children = [(name, command.get_command(context, name)) for name in command.list_commands(context)]
    return [item for name, child in children if child for item in all_commands(child, (*path, name))]


@pytest.mark.parametrize(("name", "command"), all_commands(root, ("guardhouse",)))
def test_command_and_its_options_are_documented(name: str, command: click.Command) -> None:
    section = page("cli.md").partition(f"### `{name}`\n")[2].partition("\n### ")[0]
    assert section
    for parameter in command.params:
        for option in parameter.opts if isinstance(parameter, click.Option) else ():
            assert option in section
        assert not isinstance(parameter, click.Option) or parameter.help, f"{parameter.name} has no help"


def own_routes() -> list[str]:
    return sorted({route.path for route in create_app(Settings()).routes if isinstance(route, Route)})


@pytest.mark.parametrize("path", own_routes())
def test_route_is_documented(path: str) -> None:
    """Doubled slashes and the prefixes under which a dialect serves the same endpoint are told once, in words."""
    bare = re.sub(r"^/(ai-guard|prompt-guard|redact|aiguard|aidr/aiguard)(?=/)", "", path.replace("//", "/"))
    text = page("http.md")
    assert f" {bare}`" in text or f"`{bare}`" in text or bare.endswith("{rest:path}")


def test_every_page_is_linked() -> None:
    index = (ROOT / "README.md").read_text("utf-8")
    assert not [path.name for path in DOCS.glob("*.md") if f"docs/{path.name}" not in index]


@pytest.mark.parametrize("path", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"], ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text("utf-8"))
    assert not [one for one in targets if "://" not in one and not (path.parent / one).exists()]


def write(file: Path, text: str) -> Path:
    file.write_text(text, "utf-8")
    return file


ALL_BLOCKS = [block for path in PAGES for block in blocks(path)]


@pytest.mark.parametrize("block", ALL_BLOCKS, ids=lambda block: f"{block.page.name}:{block.line}")
def test_block_is_of_a_known_kind(block: Block, tmp_path: Path) -> None:
    assert block.language in LANGUAGES
    if block.language == "toml" and "[[detectors]]" in block.text:
        Guard().check_recipe(recipe_from_toml(block.text))
    elif block.language == "toml":
        load_settings(file=write(tmp_path / "settings.toml", block.text), environ={})
    if block.language == "json":
        json.loads(block.text)


@pytest.mark.parametrize(
    "path", [path for path in PAGES if any(b.runs for b in blocks(path))], ids=lambda path: path.name
)
def test_examples_of_page_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, in one folder; a page whose Python talks to a server starts one in a console block first."""
    monkeypatch.chdir(tmp_path)
    console, names = Console(tmp_path), {"__name__": "example"}
    try:
        for block in blocks(path):
            if block.runs and block.language == "console":
                console.run(block)
            elif block.runs:
                translated = console.translated(block.text) if ADDRESS in block.text else block.text
                run_python(Block(path, "python", translated, block.line, True), names)  # type: ignore[arg-type]
    finally:
        console.close()


def test_runner_compares() -> None:
    assert matches("a ... c", "a b c")
    assert not matches("a", "a b")
    assert matches("...\na\n...", "a")
    assert matches("...\na\n...", "x\ny\na\nz")
    assert not matches("...\na\n...", "x a")
    assert matches("", "")
    assert matches("id 00000000-0000-4000-8000-000000000000", "id 6f1c1e0a-7c55-4b5c-9a8e-3f0f1d2c4b5a")
    assert KEY.fullmatch("YOUR_KEY")
    assert list(commands("$ a \\\n  b\nout\n$ c\n")) == [("a \\\n  b", "out"), ("c", "")]
