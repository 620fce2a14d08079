"""API keys and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class KeyRole(StrEnum):
    """`EVALUATOR` may evaluate, `AUDITOR` read, `EDITOR` also change policies and recipes, `ADMIN` also keys."""

    ADMIN = "admin"
    EDITOR = "editor"
    AUDITOR = "auditor"
    EVALUATOR = "evaluator"


class Permission(StrEnum):
    """What a call needs."""

    EVALUATE = "evaluate"
    UNREDACT = "unredact"
    READ_ACTIVITY = "read_activity"
    EDIT_POLICY = "edit_policy"
    MANAGE_KEYS = "manage_keys"


ROLE_PERMISSIONS: dict[KeyRole, frozenset[Permission]] = {
    KeyRole.EVALUATOR: frozenset({Permission.EVALUATE}),
    KeyRole.AUDITOR: frozenset({Permission.READ_ACTIVITY}),
    KeyRole.EDITOR: frozenset({Permission.EVALUATE, Permission.READ_ACTIVITY, Permission.EDIT_POLICY}),
    KeyRole.ADMIN: frozenset(Permission) - {Permission.UNREDACT},
}
"""Un-redaction is never part of a role; it is granted to a key by itself."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is stored: never the key itself, only `digest`, the SHA-256 of it in lower-case hex."""

    id: str
    name: str
    digest: str = field(repr=False)
    role: KeyRole
    created: datetime
    expires: datetime | None
    revoked: datetime | None = None
    service: str | None = None
    """Only requests of this service may use it; None is any."""
    may_unredact: bool = False

    def is_live(self, now: datetime) -> bool:
        """True when it is neither revoked nor expired at `now`."""
        return self.revoked is None and (self.expires is None or now < self.expires)

    def allows(self, permission: Permission) -> bool:
        """True when its role, or its own grant, covers `permission`."""
        if permission is Permission.UNREDACT:
            return self.may_unredact
        return permission in ROLE_PERMISSIONS[self.role]
