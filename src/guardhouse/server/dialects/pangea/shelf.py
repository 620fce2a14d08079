"""The service configurations as calls use them: read from their documents once, until any of them changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from guardhouse.detectors.base import Detector
from guardhouse.errors import ConfigurationError
from guardhouse.model.configuration import Configuration
from guardhouse.model.recipe import Recipe
from guardhouse.server.dialects.base import front_of
from guardhouse.server.dialects.pangea.guard_config import GuardProfile, linked_redact, read_guard_config
from guardhouse.server.dialects.pangea.prompt_config import PromptProfile, read_prompt_config
from guardhouse.server.dialects.pangea.redact_config import read_redact_config
from guardhouse.server.dialects.pangea.rule_book import Profile, RuleBook
from guardhouse.server.dialects.pangea.schema import Checker, ValidationFailed

AI_GUARD, PROMPT_GUARD, REDACT = "ai_guard", "prompt_guard", "redact"
"""The kinds of configurations, one for each service."""


class Shelf:
    """Configurations and recipes of one revision. Profiles are made when they are first asked for."""

    def __init__(
        self,
        configurations: Mapping[str, Configuration],
        recipes: Mapping[str, Recipe],
        detectors: Mapping[str, Detector],
    ) -> None:
        self.configurations = configurations
        self.recipes = recipes
        self.detectors = detectors
        self._profiles: dict[str, Any] = {}

    def redact(self, check: Checker, config_id: str | None) -> Profile | None:
        """The Redact configuration that a call names, None where there is none of that id: a client that was made for
        another installation must work here."""
        profile: Profile | None = self._named(check, REDACT, config_id)
        return profile

    def prompt_guard(self, check: Checker, config_id: str | None) -> PromptProfile | None:
        """The same for Prompt Guard."""
        profile: PromptProfile | None = self._named(check, PROMPT_GUARD, config_id)
        return profile

    def ai_guard(self, check: Checker, config_id: str | None) -> GuardProfile | None:
        """The same for AI Guard."""
        profile: GuardProfile | None = self._named(check, AI_GUARD, config_id)
        return profile

    def linked(self, kind: str, config_id: str) -> Any:
        """The profile of this kind and id, None when there is none."""
        configuration = self.configurations.get(config_id)
        if configuration is None or configuration.kind != kind:
            return None
        if config_id not in self._profiles:
            check = Checker()
            profile = self.read(check, kind, configuration.document, tries_patterns=False)
            if check.problems:
                first = ValidationFailed(check.problems)
                raise ConfigurationError(f"the configuration {config_id!r} cannot be applied: {first.detail}")
            self._profiles[config_id] = profile
        return self._profiles[config_id]

    def read(self, check: Checker, kind: str, document: Mapping[str, Any], *, tries_patterns: bool = True) -> Any:
        """The profile that a document comes to; mistakes go to `check`."""
        if kind == REDACT:
            return read_redact_config(check, document, self.detectors, tries_patterns=tries_patterns)
        if kind == PROMPT_GUARD:
            return read_prompt_config(check, document)
        book = RuleBook(self.detectors, linked_redact(document, self.linked))
        return read_guard_config(check, document, book, self.linked)

    def _named(self, check: Checker, kind: str, config_id: str | None) -> Any:
        configuration = None if config_id is None else self.configurations.get(config_id)
        if configuration is None or config_id is None:
            return None
        if configuration.kind != kind:
            check.add("ConfigServiceMismatch", "this configuration is another service's", ("config_id",))
            return None
        return self.linked(kind, config_id)


NO_SHELF = Shelf({}, {}, {})
"""Nothing is configured."""


async def shelf_of(request: Request) -> Shelf:
    """The shelf as of at most a second ago; the same one until something changes."""
    services = front_of(request).services
    configurations = await services.configurations.all()
    recipes = (await services.policies.snapshot()).recipes
    kept: Shelf | None = getattr(request.app.state, "pangea_shelf", None)
    if kept is None or kept.configurations is not configurations or kept.recipes is not recipes:
        kept = request.app.state.pangea_shelf = Shelf(configurations, recipes, services.guard.detectors)
    return kept
