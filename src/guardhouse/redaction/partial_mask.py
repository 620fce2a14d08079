"""Mask all but some characters at the ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guardhouse.errors import InvalidInput
from guardhouse.model.recipe import RuleAction
from guardhouse.redaction.base import Replacement, Value
from guardhouse.redaction.mask import check_masking_char

if TYPE_CHECKING:
    from guardhouse.redaction.session import Session

_COUNTS = ("unmasked_from_left", "unmasked_from_right", "masked_from_left", "masked_from_right")


class PartialMask:
    """Keeps the length. With `masking_type` "unmask" (default) the ends stay readable, with "mask" they are hidden.

    `unmasked_from_left` and `unmasked_from_right` (default 0 and 4) count the readable characters, `masked_from_left`
    and `masked_from_right` the hidden ones; `chars_to_ignore` are never masked; `masking_char` is `*`. A value no
    longer than what would stay readable is masked whole: half of a short secret is no redaction.
    """

    action = RuleAction.PARTIAL_MASK
    parameter_names = frozenset({"masking_type", "chars_to_ignore", "masking_char", *_COUNTS})

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Counts must be whole numbers from 0, the type one of two, ignored characters single."""
        check_masking_char(parameters)
        if parameters.get("masking_type", "unmask") not in ("mask", "unmask"):
            raise InvalidInput(
                "masking_type is mask or unmask", path=("parameters", "masking_type"), code="not_in_enum"
            )
        for name in _COUNTS:
            count = parameters.get(name, 0)
            if isinstance(count, bool) or not isinstance(count, int) or count < 0:
                raise InvalidInput(f"{name} must be a whole number from 0", path=("parameters", name))
        ignored = parameters.get("chars_to_ignore", [])
        if not isinstance(ignored, list | tuple) or not all(isinstance(c, str) and len(c) == 1 for c in ignored):
            raise InvalidInput("chars_to_ignore lists single characters", path=("parameters", "chars_to_ignore"))

    def rewrite(self, value: Value, *, parameters: Mapping[str, Any], session: Session) -> Replacement:
        """The value with some characters masked, of the same length."""
        masking_char: str = parameters.get("masking_char", "*")
        ignored = frozenset(parameters.get("chars_to_ignore", ()))
        hidden = _hidden(len(value.text), parameters)
        masked = (
            masking_char if hide and char not in ignored else char
            for char, hide in zip(value.text, hidden, strict=True)
        )
        return Replacement("".join(masked))


def _hidden(length: int, parameters: Mapping[str, Any]) -> list[bool]:
    if parameters.get("masking_type", "unmask") == "mask":
        left = parameters.get("masked_from_left", 0)
        right = parameters.get("masked_from_right", 0)
        return [index < left or index >= length - right for index in range(length)]
    left = parameters.get("unmasked_from_left", 0)
    right = parameters.get("unmasked_from_right", 0 if "unmasked_from_left" in parameters else 4)
    if left + right >= length:
        return [True] * length
    return [left <= index < length - right for index in range(length)]
