"""Make a link impossible to follow by accident."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from guardhouse.model.recipe import RuleAction
from guardhouse.redaction.base import Replacement, Value

if TYPE_CHECKING:
    from guardhouse.redaction.session import Session

_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*):(//)?", re.IGNORECASE)


class Defang:
    """`hxxp://113[.]235[.]101[.]11:54384/a.exe` for a URL; every dot bracketed for a bare host or address."""

    action = RuleAction.DEFANG
    parameter_names: frozenset[str] = frozenset()

    def check(self, parameters: Mapping[str, Any]) -> None:
        """Takes no parameters."""

    def rewrite(self, value: Value, *, parameters: Mapping[str, Any], session: Session) -> Replacement:
        """The value with its scheme spelled hxxp (any other: colon bracketed) and the dots of its host bracketed."""
        return Replacement(_defanged(value.text))


def _defanged(value: str) -> str:
    scheme = _SCHEME.match(value)
    if scheme is None:
        return _cut(value)
    name = scheme[1]
    slashes = scheme[2] or ""
    rest = value[scheme.end() :]
    host_end = min((index for mark in "/?#" if (index := rest.find(mark)) >= 0), default=len(rest))
    if name.lower() in ("http", "https", "hxxp", "hxxps"):
        opening = f"{'hxxps' if name.lower().endswith('s') else 'hxxp'}:{slashes}"
    else:
        opening = f"{name}[:]{slashes}"
    return opening + _cut(rest[:host_end]) + rest[host_end:]


def _cut(host: str) -> str:
    bare = host.replace("[.]", ".")
    if bare.count(":") > 1:  # IPv6
        return bare.replace(":", "[:]")
    return bare.replace(".", "[.]")
