"""What a redaction gives back, in process and over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from guardhouse.model.evaluation import Redaction


@dataclass(frozen=True, slots=True)
class RedactedContent:
    """`content` is what was given, with the edits made: a text, or messages. `fpe_context` puts the originals back.

    `id` is that of the evaluation, and of its record in the activity log where there is one.
    """

    id: str
    content: Any = field(repr=False)
    redactions: tuple[Redaction, ...]
    fpe_context: str | None = field(default=None, repr=False)

    @property
    def count(self) -> int:
        """How many edits were made."""
        return len(self.redactions)
