"""What a redaction operator is, what it is given and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from guardhouse.errors import InvalidInput
from guardhouse.model.recipe import RuleAction

if TYPE_CHECKING:
    from guardhouse.redaction.session import Session


@dataclass(frozen=True, slots=True)
class Value:
    """What stands at one place that is to be edited. It stays out of `repr`."""

    text: str = field(repr=False)
    """The characters meant: decoded where the place lies in a JSON string."""
    kind: str
    raw: str | None = field(default=None, repr=False)
    """How the JSON around it spells it, where that differs from `json.dumps(text, ensure_ascii=False)`."""
    is_bare: bool = False
    """True for a JSON number (or another scalar) that stands without quotes."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """What is put in the place of a value."""

    text: str
    action: RuleAction | None = None
    """What was done, where that is not what the operator is called for: a value that cannot be encrypted, say."""
    stays_bare: bool = False
    """True when it may stand where a bare JSON number stood, without quotes."""


MOST_KEY_NAME = 128


def check_key_name(parameters: Mapping[str, Any]) -> None:
    """`key_name` must be absent or a short string: any name makes a key of its own of the ring's."""
    name = parameters.get("key_name", "-")
    if not isinstance(name, str) or not 0 < len(name) <= MOST_KEY_NAME:
        raise InvalidInput(f"key_name is 1 to {MOST_KEY_NAME} characters", path=("parameters", "key_name"))


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

    def rewrite(self, value: Value, *, parameters: Mapping[str, Any], session: Session) -> Replacement:
        """What to put in the place of `value`. `session` has the tenant's keys and what was done before."""
        ...
