"""The activity log's record of one evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from guardhouse.model.evaluation import Evaluation


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
class ActivityRecord:
    """One evaluation as it is stored. `texts` holds what the policy lets be kept, by rendered path."""

    id: str
    time: datetime
    """UTC, aware."""
    key_id: str
    dialect: str
    service: str
    env: str
    evaluation: Evaluation
    log_fields: LogFields = LogFields()
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    tools: tuple[str, ...] = ()
    """Names of the tools called in the judged messages."""
