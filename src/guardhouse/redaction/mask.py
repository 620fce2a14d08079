"""Mask every character."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guardhouse.errors import InvalidInput
from guardhouse.model.recipe import RuleAction
from guardhouse.redaction.base import Replacement, Value

if TYPE_CHECKING:
    from guardhouse.redaction.session import Session


def check_masking_char(parameters: Mapping[str, Any]) -> None:
    """`masking_char` must be a string of one character."""
    masking_char = parameters.get("masking_char", "*")
    if not isinstance(masking_char, str) or len(masking_char) != 1:
        raise InvalidInput("masking_char must be one character", path=("parameters", "masking_char"))


class Mask:
    """As many `*` (or `masking_char`) as the value has code points."""

    action = RuleAction.MASK
    parameter_names = frozenset({"masking_char"})

    def check(self, parameters: Mapping[str, Any]) -> None:
        """`masking_char` must be one character."""
        check_masking_char(parameters)

    def rewrite(self, value: Value, *, parameters: Mapping[str, Any], session: Session) -> Replacement:
        """A mask of the value's length."""
        masking_char: str = parameters.get("masking_char", "*")
        return Replacement(masking_char * len(value.text))
