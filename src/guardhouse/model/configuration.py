"""A service configuration: a document in a dialect's own words, kept under an id that its clients name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Configuration:
    """One configuration. `kind` says which of the dialect's services it is for; the store does not read `document`.

    `updated` moves with every change, so that who changes it can say which state they saw.
    """

    id: str
    kind: str
    name: str
    created: datetime
    updated: datetime
    document: Mapping[str, Any] = field(repr=False)
