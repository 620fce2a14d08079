"""An AI Guard configuration: its recipes, and what its connections change in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from guardhouse.model.conversation import Path
from guardhouse.model.policy import Sensitivity
from guardhouse.model.recipe import DetectorSetting, Recipe, Rule, RuleAction
from guardhouse.server.dialects.pangea.access_rules import AccessRule, read_access_rules
from guardhouse.server.dialects.pangea.prompt_config import PromptProfile, read_audit
from guardhouse.server.dialects.pangea.recipe_detectors import RecipeReader
from guardhouse.server.dialects.pangea.redaction_methods import read_vault_id, tweak_named
from guardhouse.server.dialects.pangea.rule_book import Profile, RuleBook
from guardhouse.server.dialects.pangea.schema import Checker

MEMBERS = frozenset({"audit_data_activity", "connections", "recipes"})
MOST_RECIPES = 100
_RECIPE = ("name", "description", "version", "detectors", "access_rules", "connector_settings")
_INTEL = {"ip_intel": "IP_ADDRESS", "url_intel": "URL", "domain_intel": "DOMAIN"}
_OFF = {
    "prompt_guard": ("prompt_attack", "tool_call"),
    "redact": ("pii", "secrets", "custom_entity"),
    "lingua": ("language",),
    "code": ("code",),
}
"""The detectors that stand still where a connection is switched off."""
_CONNECTIONS: Mapping[str, tuple[str, ...]] = {
    "prompt_guard": ("enabled", "config_id", "confidence_threshold"),
    **dict.fromkeys(_INTEL, ("enabled", "config_id", "reputation_provider", "risk_threshold")),
    "user_intel": ("enabled", "config_id", "breach_provider"),
    "file_scan": ("enabled", "config_id", "scan_provider", "risk_threshold"),
    "redact": ("enabled", "config_id"),
    "vault": ("config_id",),
    "lingua": ("enabled",),
    "code": ("enabled",),
}

Linked = Callable[[str, str], Any]
"""The profile of a linked configuration by its service and id; None when there is none."""


@dataclass(frozen=True, slots=True)
class Connections:
    """What the connections change: detectors and kinds of links that are off, and thresholds."""

    off: frozenset[str] = frozenset()
    off_links: frozenset[str] = frozenset()
    attack_threshold: float | None = None
    link_threshold: float | None = None

    def applied(self, recipe: Recipe) -> Recipe:
        """`recipe` as it runs under these connections."""
        settings = tuple(self._setting(item) for item in recipe.detectors if item.detector not in self.off)
        return replace(recipe, detectors=settings)

    def _setting(self, setting: DetectorSetting) -> DetectorSetting:
        if setting.detector == "prompt_attack" and self.attack_threshold is not None:
            return replace(setting, threshold=self.attack_threshold)
        if setting.detector == "malicious_entity":
            quiet = dict.fromkeys(self.off_links, Rule(RuleAction.DISABLED))
            threshold = setting.threshold if self.link_threshold is None else self.link_threshold
            return replace(setting, rules={**setting.rules, **quiet}, threshold=threshold)
        return setting


@dataclass(frozen=True, slots=True)
class ConfiguredRecipe:
    """A recipe of a configuration. `named` and `as_topics` are as in `RequestChanges`."""

    recipe: Recipe
    sensitivity: Sensitivity = Sensitivity()
    named: frozenset[str] = frozenset()
    as_topics: frozenset[str] = frozenset()
    access_rules: tuple[AccessRule, ...] = ()


@dataclass(frozen=True, slots=True)
class GuardProfile:
    """What an AI Guard configuration says."""

    recipes: Mapping[str, ConfiguredRecipe]
    connections: Connections
    book: RuleBook

    def recipe(self, key: str, ours: Recipe | None) -> ConfiguredRecipe | None:
        """Its own recipe of this key, else `ours` under its connections, which may change nothing: then None."""
        own = self.recipes.get(key)
        if own is not None or ours is None or self.connections == Connections():
            return own
        return ConfiguredRecipe(self.connections.applied(ours))


def read_guard_config(check: Checker, document: Mapping[str, Any], book: RuleBook, linked: Linked) -> GuardProfile:
    """What the document comes to; mistakes go to `check`. `book` has the rules of the linked Redact configuration."""
    body = check.table(document, (), MEMBERS)
    read_audit(check, body, ("text_guard",))
    connections = _read_connections(check, body, linked)
    recipes = check.table(body.get("recipes", {}), ("recipes",))
    if len(recipes) > MOST_RECIPES:
        check.add("AboveMaxProperties", f"at most {MOST_RECIPES} recipes", ("recipes",))
        return GuardProfile({}, connections, book)
    read = {key: _read_recipe(check, key, item, ("recipes", key), book, connections) for key, item in recipes.items()}
    return GuardProfile(read, connections, book)


def linked_redact(document: Mapping[str, Any], linked: Linked) -> Profile:
    """The profile of the Redact configuration that the document's connections name."""
    connections = document.get("connections")
    redact = connections.get("redact") if isinstance(connections, Mapping) else None
    named = redact.get("config_id") if isinstance(redact, Mapping) else None
    profile = linked("redact", named) if isinstance(named, str) else None
    return profile or Profile()


def links_of(document: Mapping[str, Any]) -> frozenset[str]:
    """The ids of the configurations that the document's connections name."""
    connections = document.get("connections")
    items = connections.values() if isinstance(connections, Mapping) else ()
    named = (item.get("config_id") for item in items if isinstance(item, Mapping))
    return frozenset(name for name in named if isinstance(name, str))


def _read_recipe(
    check: Checker, key: str, item: Any, path: Path, book: RuleBook, connections: Connections
) -> ConfiguredRecipe:
    table = check.table(item, path, _RECIPE)
    if isinstance(item, Mapping):
        check.required(table, ("name", "description"), path)
    title, description, _ = (check.string(table, name, path) or "" for name in ("name", "description", "version"))
    if not 0 < len(key) <= 128:
        check.add("InvalidPropertyName", "a recipe's key is 1 to 128 characters", path)
    reader = RecipeReader(check, book, tweak=_read_tweak(check, table, path))
    settings = reader.settings(table, path)
    recipe = connections.applied(Recipe(key, title, description, settings))
    return ConfiguredRecipe(
        recipe,
        Sensitivity(by_category={**book.profile.thresholds, **reader.by_category}),
        reader.named,
        reader.as_topics,
        read_access_rules(check, table, path),
    )


def _read_tweak(check: Checker, table: Mapping[str, Any], path: Path) -> str | None:
    where: Path = (*path, "connector_settings")
    settings = check.table(table.get("connector_settings", {}), where, ("redact",))
    where = (*where, "redact")
    redact = check.table(settings.get("redact", {}), where, ("fpe_tweak_vault_secret_id",))
    secret_id = read_vault_id(check, redact, "fpe_tweak_vault_secret_id", where)
    return None if secret_id is None else tweak_named(secret_id)


def _read_connections(check: Checker, body: Mapping[str, Any], linked: Linked) -> Connections:
    path: Path = ("connections",)
    table = check.table(body.get("connections", {}), path, tuple(_CONNECTIONS))
    off: set[str] = set()
    links: set[str] = set()
    thresholds: dict[str, float] = {}
    attack: float | None = None
    for name, members in _CONNECTIONS.items():
        if name not in table:
            continue
        where: Path = (*path, name)
        item = check.table(table[name], where, members)
        is_off = check.boolean(item, "enabled", where) is False
        profile = _read_link(check, name, item, where, linked)
        if is_off:
            off.update(_OFF.get(name, ()))
            links.update({_INTEL[name]} if name in _INTEL else ())
        if name == "prompt_guard":
            attack = check.unit_number(item, "confidence_threshold", where)
            if attack is None and isinstance(profile, PromptProfile):
                attack = profile.threshold
        risk = check.number(item, "risk_threshold", where, 0, 100)
        if risk is not None and name in _INTEL and not is_off:
            thresholds[name] = risk / 100
        if name in ("user_intel", "file_scan") and not is_off and item.get("enabled"):
            check.add("ProviderDisabled", "there is no such service here", (*where, "enabled"))
        for provider in ("reputation_provider", "breach_provider", "scan_provider"):
            if check.string(item, provider, where) and not is_off:
                check.add("ProviderDisabled", "links are judged by this server's own lists", (*where, provider))
    if len(set(thresholds.values())) > 1:
        for name in thresholds:
            detail = "must be the same for addresses, links and domains"
            check.add("InvalidConst", detail, (*path, name, "risk_threshold"))
    return Connections(frozenset(off), frozenset(links), attack, next(iter(thresholds.values()), None))


def _read_link(check: Checker, name: str, item: Mapping[str, Any], path: Path, linked: Linked) -> Any:
    """The profile of the configuration that a connection names."""
    named = check.string(item, "config_id", path)
    if not named or name == "vault":  # the vault's keys are made from their ids: its own id changes nothing
        return None
    where: Path = (*path, "config_id")
    profile = linked(name, named) if name in ("redact", "prompt_guard") else None
    if profile is None:
        check.add("ConfigNotExist", "there is no such configuration", where)
    elif isinstance(profile, PromptProfile) and profile.analyzers and not all(profile.analyzers.values()):
        check.add("BadState", "it switches analyzers off, which only Prompt Guard itself can do", where)
    return profile
