"""Every word of a vendor's that stands for a kind or an analyzer of ours stands for one that exists."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import pytest

from guardhouse.detectors.base import Detector
from guardhouse.engine.catalog import builtin_recipes
from guardhouse.model.recipe import RuleAction
from guardhouse.plugins import collect_detectors, load_plugins
from guardhouse.server.dialects.datadog.categories import RULES, TAGS
from guardhouse.server.dialects.pangea.kinds import PII_RULES, SECRET_RULES, vendor_type
from guardhouse.server.dialects.pangea.names import DEFAULT_RECIPE, EVENT_RECIPES, our_recipe
from guardhouse.server.dialects.pangea.topics import TOPICS
from guardhouse.server.dialects.trend import RECIPE
from guardhouse.server.dialects.trend.rules import HARMFUL, RULE_IDS

VENDOR_RECIPES = (
    "pangea_prompt_guard",
    "pangea_ingestion_guard",
    "pangea_llm_prompt_guard",
    "pangea_llm_response_guard",
    "pangea_agent_pre_plan_guard",
    "pangea_agent_pre_tool_guard",
    "pangea_agent_post_tool_guard",
)


@cache
def detectors() -> Mapping[str, Detector]:
    return collect_detectors(load_plugins(installed=False))


@pytest.mark.parametrize(
    ("detector", "kinds"),
    [
        *(pytest.param("pii", kinds, id=rule) for rule, kinds in PII_RULES.items()),
        *(pytest.param("secrets", kinds, id=rule) for rule, kinds in SECRET_RULES.items()),
        *(pytest.param(place.detector, place.kinds, id=topic) for topic, place in TOPICS.items()),
        *(pytest.param("harmful_content", kinds, id=category) for category, kinds in HARMFUL.items()),
    ],
)
def test_pangeas_rules_and_topics_and_trends_categories(detector: str, kinds: tuple[str, ...]) -> None:
    assert set(kinds) <= detectors()[detector].kinds


@pytest.mark.parametrize("kind", RULE_IDS)
def test_trends_rules(kind: str) -> None:
    assert kind in detectors()["pii"].kinds | detectors()["secrets"].kinds


@pytest.mark.parametrize("kind", RULES)
def test_datadogs_rules_of_sensitive_data(kind: str) -> None:
    assert kind in detectors()["pii"].kinds | detectors()["secrets"].kinds


@pytest.mark.parametrize("kind", TAGS.values())
def test_datadogs_categories(kind: str) -> None:
    assert kind in detectors()["prompt_attack"].kinds | detectors()["tool_call"].kinds


@pytest.mark.parametrize("name", [*map(our_recipe, VENDOR_RECIPES), *EVENT_RECIPES.values(), DEFAULT_RECIPE, RECIPE])
def test_recipes(name: str) -> None:
    assert name in builtin_recipes()


@pytest.mark.parametrize("name", VENDOR_RECIPES)
def test_the_vendors_recipes_are_ours_under_another_name(name: str) -> None:
    assert our_recipe(name) != name


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("US_SSN", "US_SSN"),
        ("FIN_NRIC", "FIN/NRIC"),
        ("AWS_ACCESS_KEY_ID", "AMAZON_AWS_ACCESS_KEY_ID"),
        ("GITHUB_TOKEN", "GITHUB_ACCESS_TOKEN"),
        ("PRIVATE_KEY", "PRIVATE_KEY"),
        ("NPM_TOKEN", "NPM_TOKEN"),
    ],
)
def test_pangeas_entity_types(kind: str, expected: str) -> None:
    assert vendor_type(kind) == expected


def test_trends_recipe_blocks_trends_rules_and_no_address_alone() -> None:
    settings = {setting.detector: setting for setting in builtin_recipes()[RECIPE].detectors}
    for kind in RULE_IDS:
        owner = "pii" if kind in detectors()["pii"].kinds else "secrets"
        assert settings[owner].rule_for(kind).action is RuleAction.BLOCK, kind
    assert settings["pii"].rule_for("EMAIL_ADDRESS").action is RuleAction.DISABLED
