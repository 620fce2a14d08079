from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from cli_support import Terminal
from hypothesis import given
from hypothesis import strategies as st

from guardhouse.cli.toml_writer import recipe_to_toml
from guardhouse.engine.catalog import builtin_recipes, recipe_from_toml
from guardhouse.model.recipe import DetectorSetting, Recipe, Rule, RuleAction

MINE = """
name = "mine"
title = "Mine"

[[detectors]]
detector = "pii"
action = "report"

[detectors.rules]
EMAIL_ADDRESS = "mask"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(MINE)
    return path


def test_the_built_in_recipes_are_listed(terminal: Terminal) -> None:
    assert [item["name"] for item in terminal.json("recipes", "list")] == sorted(builtin_recipes())
    assert all(item["builtin"] for item in terminal.json("recipes", "list"))
    assert "\ndefault " in terminal.out("recipes", "list")


def test_import_show_export_and_delete(terminal: Terminal, file: Path, tmp_path: Path) -> None:
    assert terminal.json("recipes", "import", str(file)) == {"imported": "mine", "revision": 1}
    shown = terminal.json("recipes", "show", "mine")
    assert shown["detectors"] == [
        {"detector": "pii", "action": "report", "rules": {"EMAIL_ADDRESS": {"action": "mask"}}}
    ]
    assert "EMAIL_ADDRESS: mask" in terminal.out("recipes", "show", "mine")
    assert {item["name"]: item["builtin"] for item in terminal.json("recipes", "list")}["mine"] is False
    terminal.run("recipes", "export", "mine", str(tmp_path / "out.toml"))
    assert recipe_from_toml((tmp_path / "out.toml").read_text()) == recipe_from_toml(MINE)
    assert terminal.json("recipes", "export", "mine") == shown
    assert terminal.out("recipes", "delete", "mine") == "Deleted 'mine'; policy revision 2.\n"
    assert "no recipe 'mine'" in terminal.refused("recipes", "show", "mine", status=1)


def test_import_from_standard_input_under_another_name(terminal: Terminal) -> None:
    result = terminal.run("recipes", "import", "-", "--name", "ours", stdin=MINE)
    assert result.stdout == "Imported 'ours'; policy revision 1.\n"
    assert terminal.json("recipes", "show", "ours")["name"] == "ours"


def test_a_built_in_recipe_can_be_changed_under_another_name(terminal: Terminal) -> None:
    exported = terminal.out("recipes", "export", "default")
    assert "built in" in terminal.refused("recipes", "import", "-", stdin=exported, status=1)
    terminal.run("recipes", "import", "-", "--name", "own_default", stdin=exported)
    assert (
        terminal.json("recipes", "show", "own_default")["detectors"]
        == (terminal.json("recipes", "show", "default")["detectors"])
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name = ", "not TOML"),
        (b"\xff\xfe", "not UTF-8"),
        (b"title = 'x'", "name is required"),
        (b"name = 'No Spaces'", "name is 1 to 64"),
        (b"name = 'x'\nnonsense = 1", "no member 'nonsense'"),
        (b"name = 'x'\n[[detectors]]\ndetector = 'nonsense'", "no detector 'nonsense'"),
        (b"name = 'x'\n[[detectors]]\ndetector = 'pii'\n[detectors.rules]\nNONSENSE = 'mask'", "no rule 'NONSENSE'"),
    ],
    ids=["toml", "utf-8", "name", "bad-name", "member", "detector", "rule"],
)
def test_files_that_make_no_sense_are_refused(terminal: Terminal, content: bytes, says: str) -> None:
    assert says in terminal.refused("recipes", "import", "-", stdin=content)
    assert terminal.json("recipes", "import", "-", stdin=MINE)["revision"] == 1


ENTITY = """
name = "badges"

[[detectors]]
detector = "custom_entity"
action = "mask"

[[detectors.options.entities]]
name = "BADGE"
pattern = 'B-[0-9]{4}'
examples = ["badge %s"]
"""


def test_own_entities_are_tried_on_their_examples_before_they_are_stored(terminal: Terminal) -> None:
    refused = terminal.refused("recipes", "import", "-", stdin=ENTITY % "B-12")
    assert "'BADGE' does not find its example 0" in refused
    assert terminal.json("recipes", "import", "-", stdin=ENTITY % "B-1234") == {"imported": "badges", "revision": 1}


def test_a_name_that_makes_no_sense_is_refused(terminal: Terminal, file: Path) -> None:
    assert "name is 1 to 64" in terminal.refused("recipes", "import", str(file), "--name", "No Spaces")


def test_a_file_that_is_not_there(terminal: Terminal) -> None:
    assert "No such file" in terminal.refused("recipes", "import", "nowhere.toml")


def test_a_recipe_that_a_policy_names_stays(terminal: Terminal, file: Path) -> None:
    terminal.run("recipes", "import", str(file))
    terminal.run("policy", "set", "--recipe", "mine")
    assert "the organisation names" in terminal.refused("recipes", "delete", "mine", status=1)


# --- TOML ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(builtin_recipes()))
def test_every_built_in_recipe_survives_being_written(name: str) -> None:
    assert recipe_from_toml(recipe_to_toml(builtin_recipes()[name])) == builtin_recipes()[name]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
values: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(
    title=texts,
    options=st.dictionaries(texts, values, max_size=3),
    parameters=st.dictionaries(texts, values, max_size=2),
)
def test_every_recipe_survives_being_written(title: str, options: dict[str, Any], parameters: dict[str, Any]) -> None:
    recipe = Recipe(
        "r",
        title,
        title,
        (
            DetectorSetting("one", Rule(RuleAction.MASK, parameters, block=True), threshold=0.25, options=options),
            DetectorSetting(
                "two", Rule(RuleAction.REPORT), rules={"A B": Rule(RuleAction.HASH, parameters)}, required=False
            ),
        ),
        stop_on_block=False,
    )
    written = recipe_to_toml(recipe)
    assert tomllib.loads(written)["title"] == title
    read = recipe_from_toml(written)
    assert read.detectors[0] == recipe.detectors[0]
    assert read.detectors[1].rules == {"A_B": Rule(RuleAction.HASH, parameters)}


def test_what_toml_has_no_word_for_is_refused() -> None:
    recipe = Recipe("r", "t", "", (DetectorSetting("one", Rule(RuleAction.REPORT), options={"x": object()}),))
    with pytest.raises(TypeError, match="object"):
        recipe_to_toml(recipe)
