"""Replace by a fixed text, or by a name with a number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guardhouse.errors import InvalidInput
from guardhouse.model.recipe import RuleAction
from guardhouse.redaction.base import Replacement, Value
from guardhouse.redaction.session import NAME

if TYPE_CHECKING:
    from guardhouse.redaction.session import Session


class Replace:
    """`<KIND>`; numbered, `<KIND_1>`, the same value keeping its number; or `value` with `{kind}` and `{number}`.

    `numbered` numbers the values of each kind in the order in which they come; a `value` with `{number}` in it does so
    by itself. A conversation's later calls go on counting when they bring its context. With `literal` nothing in
    `value` is filled in. With `reversible` (and no `value`) the context holds the originals, sealed, for un-redaction.
    """

    action = RuleAction.REPLACE
    parameter_names = frozenset({"value", "numbered", "reversible", "literal"})

    def check(self, parameters: Mapping[str, Any]) -> None:
        """`value` must be a string, the others booleans; a text of one's own cannot be reversible."""
        if not isinstance(parameters.get("value", ""), str):
            raise InvalidInput.wrong_type("string", ("parameters", "value"))
        for name in ("numbered", "reversible", "literal"):
            check_boolean(parameters, name)
        if parameters.get("reversible") and "value" in parameters:
            raise InvalidInput("a text of one's own is not reversible", path=("parameters", "value"), code="conflict")

    def rewrite(self, value: Value, *, parameters: Mapping[str, Any], session: Session) -> Replacement:
        """The replacement; the matched value has no part in it."""
        if parameters.get("reversible"):
            return Replacement(session.named(value, is_restorable=True))
        template: str | None = parameters.get("value")
        if template is not None and parameters.get("literal"):
            return Replacement(template)
        if parameters.get("numbered") and template is None:
            template = NAME
        if template is not None and "{number}" in template:
            return Replacement(session.named(value, template=template))
        return Replacement(("<{kind}>" if template is None else template).replace("{kind}", value.kind))


def check_boolean(parameters: Mapping[str, Any], name: str) -> None:
    """Raise `InvalidInput` unless the parameter is absent, true or false."""
    if not isinstance(parameters.get(name, False), bool):
        raise InvalidInput.wrong_type("boolean", ("parameters", name))
