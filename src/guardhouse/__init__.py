"""Guardhouse: an open, self-hosted AI guard.

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guardhouse.client import AsyncGuardClient, GuardClient
    from guardhouse.engine.guard import Guard
    from guardhouse.errors import Blocked, CallerError, GuardhouseError, InvalidInput, Unavailable
    from guardhouse.hookspecs import hookimpl
    from guardhouse.model.conversation import Conversation, Message, Role
    from guardhouse.model.evaluation import Action, DetectorReport, Evaluation, Outcome
    from guardhouse.model.finding import Finding, Span
    from guardhouse.model.policy import Policy, Scope
    from guardhouse.model.recipe import Overrides, Recipe

__version__ = "0.1.0"

_HOMES = {
    "Action": "guardhouse.model.evaluation",
    "AsyncGuardClient": "guardhouse.client",
    "Blocked": "guardhouse.errors",
    "CallerError": "guardhouse.errors",
    "Conversation": "guardhouse.model.conversation",
    "DetectorReport": "guardhouse.model.evaluation",
    "Evaluation": "guardhouse.model.evaluation",
    "Finding": "guardhouse.model.finding",
    "Guard": "guardhouse.engine.guard",
    "GuardClient": "guardhouse.client",
    "GuardhouseError": "guardhouse.errors",
    "InvalidInput": "guardhouse.errors",
    "Message": "guardhouse.model.conversation",
    "Outcome": "guardhouse.model.evaluation",
    "Overrides": "guardhouse.model.recipe",
    "Policy": "guardhouse.model.policy",
    "Recipe": "guardhouse.model.recipe",
    "Role": "guardhouse.model.conversation",
    "Scope": "guardhouse.model.policy",
    "Span": "guardhouse.model.finding",
    "Unavailable": "guardhouse.errors",
    "hookimpl": "guardhouse.hookspecs",
}

__all__ = [
    "Action",
    "AsyncGuardClient",
    "Blocked",
    "CallerError",
    "Conversation",
    "DetectorReport",
    "Evaluation",
    "Finding",
    "Guard",
    "GuardClient",
    "GuardhouseError",
    "InvalidInput",
    "Message",
    "Outcome",
    "Overrides",
    "Policy",
    "Recipe",
    "Role",
    "Scope",
    "Span",
    "Unavailable",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'guardhouse' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
