"""What a check makes of a matched shape."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing that stands in a matched value, at `value[start:end]`.

    `plain` and `near` replace the rule's confidence without and with its own words nearby; None leaves it.
    `facts` are short words for explanation (a brand, a region), never matched text.
    """

    start: int
    end: int
    plain: float | None = None
    near: float | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


Check = Callable[[str], Iterable[Reading]]
"""Gives all that truly stands in a value; nothing if it only looks the part. Is given
values that have the shape or form of its rule, and raises nothing for those."""


def whole(value: str, **facts: str) -> tuple[Reading, ...]:
    """The value from end to end."""
    return (Reading(0, len(value), facts=facts),)
