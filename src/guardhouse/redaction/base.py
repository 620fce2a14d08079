"""What a redaction operator is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from guardhouse.model.recipe import RuleAction


class Operator(Protocol):
    """Rewrites one value. Operators know nothing of where the value stood."""

    @property
    def action(self) -> RuleAction:
        """The recipe action that it serves."""
        ...

    @property
    def parameter_names(self) -> frozenset[str]:
        """The members of `Rule.parameters` that it understands."""
        ...

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Raise `InvalidInput` when the parameters make no sense. Called when a plan is built."""
        ...

    def rewrite(self, value: str, *, kind: str, parameters: Mapping[str, Any], key: bytes) -> str:
        """What to put in the place of `value`. `key` is the tenant's secret for keyed operators."""
        ...
