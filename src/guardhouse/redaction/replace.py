"""Replace by a fixed text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardhouse.errors import InvalidInput
from guardhouse.model.recipe import RuleAction


class Replace:
    """`<KIND>`, or the parameter `value`, in which `{kind}` stands for the kind."""

    action = RuleAction.REPLACE
    parameter_names = frozenset({"value"})

    def check(self, parameters: Mapping[str, Any]) -> None:
        """`value` must be a string."""
        if not isinstance(parameters.get("value", ""), str):
            raise InvalidInput.wrong_type("string", ("parameters", "value"))

    def rewrite(self, value: str, *, kind: str, parameters: Mapping[str, Any], key: bytes) -> str:
        """The replacement; the matched value has no part in it."""
        template: str = parameters.get("value", "<{kind}>")
        return template.replace("{kind}", kind)
