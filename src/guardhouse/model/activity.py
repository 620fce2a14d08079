"""The activity log's records: of evaluations, and of originals that were given out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from guardhouse.model.evaluation import Evaluation


class RecordKind(StrEnum):
    """What a record of the activity log is of."""

    EVALUATION = "evaluation"
    UNREDACTION = "unredaction"


@dataclass(frozen=True, slots=True)
class LogFields:
    """What the caller says about the request, kept beside the evaluation; every member may be empty."""

    source: str = ""
    model: str = ""
    citations: str = ""
    tools: str = ""
    extra_info: str = ""
    client: str = ""
    """Name and version of the calling client, as it gives them."""
    actor: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class Unredaction:
    """Originals of a redaction that were given out: how many and of what kinds, never a value.

    `redaction_key` and `key_version` are those of the key ring that the context was made under. `is_list` says that
    all of the context's originals were given out as a list, and not only those that some data quoted.
    """

    kinds: Mapping[str, int]
    """How many different values, by kind; empty where the data quoted none."""
    redaction_key: str
    key_version: int
    is_list: bool = False

    @property
    def count(self) -> int:
        """How many different values."""
        return sum(self.kinds.values())


@dataclass(frozen=True, slots=True)
class ActivityRecord:
    """One evaluation, or one un-redaction, as it is stored: exactly one of the two is there.

    `texts` holds what the policy lets be kept of an evaluation, by rendered path.
    """

    id: str
    time: datetime
    """UTC, aware."""
    key_id: str
    dialect: str
    service: str
    env: str
    evaluation: Evaluation | None
    log_fields: LogFields = LogFields()
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    tools: tuple[str, ...] = ()
    """Names of the tools called in the judged messages."""
    unredaction: Unredaction | None = None

    @property
    def what(self) -> RecordKind:
        """What it is of."""
        return RecordKind.EVALUATION if self.unredaction is None else RecordKind.UNREDACTION
