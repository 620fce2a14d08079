"""Loads detectors and operators, built-in and installed ones, all through the same hooks."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import pluggy

from guardhouse import hookspecs
from guardhouse.detectors.base import Detector
from guardhouse.errors import ConfigurationError
from guardhouse.model.recipe import RuleAction
from guardhouse.redaction.base import Operator

BUILT_INS = (
    "guardhouse.detectors.injection",
    "guardhouse.detectors.tool_call",
    "guardhouse.detectors.pii",
    "guardhouse.detectors.secrets",
    "guardhouse.detectors.malicious_entity",
    "guardhouse.detectors.content",
    "guardhouse.detectors.custom",
    "guardhouse.detectors.image",
    "guardhouse.redaction",
)
ENTRY_POINT_GROUP = hookspecs.PROJECT


def load_plugins(*, installed: bool = True) -> pluggy.PluginManager:
    """A plug-in manager with the built-ins and, with `installed`, the entry points of group `guardhouse`."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    for name in BUILT_INS:
        manager.register(importlib.import_module(name), name)
    if installed:
        manager.load_setuptools_entrypoints(ENTRY_POINT_GROUP)
    return manager


def collect_detectors(manager: pluggy.PluginManager) -> Mapping[str, Detector]:
    """Detectors by name. Raises `ConfigurationError` when two plug-ins use one name."""
    detectors: dict[str, Detector] = {}
    for group in manager.hook.guardhouse_detectors():
        for detector in group:
            if detector.name in detectors:
                raise ConfigurationError(f"two plug-ins give a detector named {detector.name!r}")
            detectors[detector.name] = detector
    return dict(sorted(detectors.items()))


def collect_operators(manager: pluggy.PluginManager) -> Mapping[RuleAction, Operator]:
    """Redaction operators by the action they serve. Raises `ConfigurationError` when two serve one action."""
    operators: dict[RuleAction, Operator] = {}
    for group in manager.hook.guardhouse_operators():
        for operator in group:
            if operator.action in operators:
                raise ConfigurationError(f"two plug-ins serve the action {operator.action.value!r}")
            operators[operator.action] = operator
    return operators
