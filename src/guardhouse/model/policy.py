"""Policy: what each scope wants. At each scope each field is set, or None and inherited from the wider scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from guardhouse.model.recipe import Recipe

DEFAULT_SENSITIVITY = 0.5


class Blocking(StrEnum):
    """Whether clients should act on a DENY or ABORT. The true action is returned either way."""

    MONITOR = "monitor"
    BLOCK = "block"


class SensitiveData(StrEnum):
    """What is done about personal data and secrets."""

    OFF = "off"
    SCAN = "scan"
    REDACT = "redact"


class FailMode(StrEnum):
    """What a failed required detector means: CLOSED denies, OPEN lets pass. Both are recorded."""

    CLOSED = "closed"
    OPEN = "open"


class ToolPolicy(StrEnum):
    """What calls of one tool get: always allowed, always blocked, or judged by their arguments."""

    ALLOW = "allow"
    BLOCK = "block"
    JUDGE = "judge"


class StoreText(StrEnum):
    """How much of the judged text the activity log keeps."""

    NONE = "none"
    REDACTED = "redacted"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a policy applies. Both None is the organisation default; more members set is more specific."""

    service: str | None = None
    env: str | None = None


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Least confidence that flags, for all categories or for some. None inherits."""

    default: float | None = None
    by_category: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for value in (self.default, *self.by_category.values()):
            if value is not None and not 0.0 <= value <= 1.0:
                raise ValueError(f"sensitivity must be 0..1, not {value!r}")


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of one scope. None (or an empty mapping) inherits."""

    blocking: Blocking | None = None
    sensitivity: Sensitivity = Sensitivity()
    sensitive_data: SensitiveData | None = None
    recipe: str | None = None
    evaluation_context: str | None = None
    tool_policies: Mapping[str, ToolPolicy] = field(default_factory=dict)
    fail_mode: FailMode | None = None
    store_text: StoreText | None = None

    def __post_init__(self) -> None:
        if self.evaluation_context is not None and len(self.evaluation_context) > 1000:
            raise ValueError("evaluation_context holds at most 1,000 characters")


@dataclass(frozen=True, slots=True)
class PolicySnapshot:
    """All policies and recipes at one revision; an evaluation runs wholly under one snapshot."""

    revision: int
    policies: Mapping[Scope, Policy]
    recipes: Mapping[str, Recipe]


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """What holds for one request after inheritance; None where no scope says anything."""

    revision: int
    blocking: Blocking | None
    sensitivity: Sensitivity
    sensitive_data: SensitiveData | None
    recipe: str | None
    evaluation_context: str
    tool_policies: Mapping[str, ToolPolicy]
    fail_mode: FailMode | None
    store_text: StoreText
