"""Taking values out of streams of text and putting them back, with the guard's own `redact` and `unredactor`."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from guardhouse.cli.file_formats import Write

if TYPE_CHECKING:
    from guardhouse.engine.guard import Guard
    from guardhouse.model.evaluation import Redaction
    from guardhouse.model.redacted import RedactedContent
    from guardhouse.redaction.unredact import Unredactor

WINDOW = 128 * 1024
"""Characters of prose that are looked through at once."""
OVERLAP = 16 * 1024
"""Characters before and behind a window that are seen with it, so that no value is cut and its context is read."""
_CONTEXT_VALUES = 2000
"""A context takes so many values; then a new one begins, for each request reads all of the one before."""
_NAME = re.compile(r"<([A-Z][A-Z0-9_]{0,63})_([0-9]{1,15})>")
_MOST_NAMES = 256


@dataclass(frozen=True, slots=True)
class How:
    """What `Guard.redact` is told about every text."""

    recipe: str | None
    action: str | None
    parameters: Mapping[str, Any] | None
    kinds: Sequence[str] | None
    service: str | None

    def arguments(self) -> dict[str, Any]:
        """As keyword arguments."""
        told = {
            "action": self.action,
            "parameters": self.parameters,
            "kinds": self.kinds,
            "service": self.service,
        }
        return told if self.recipe is None else {**told, "recipe": self.recipe}


@dataclass(slots=True)
class Names:
    """The highest number of each kind's names, `<PERSON_7>`, that stand in texts: none of them is given again."""

    highest: dict[str, int] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """Look through `text`."""
        for kind, number in _NAME.findall(text):
            if kind in self.highest or len(self.highest) < _MOST_NAMES:
                self.highest[kind] = max(self.highest.get(kind, 0), int(number))

    def written(self) -> str:
        """A text in which all of them stand."""
        return " ".join(f"<{kind}_{number}>" for kind, number in self.highest.items())


class Redacting:
    """A `Rewriter` that takes out. One for all files of a run: equal values are replaced equally in all of them.

    `contexts` are what un-redaction needs, `found` counts edits by kind.
    """

    def __init__(self, guard: Guard, how: How, *, names: Names, advance: Callable[[int], None]) -> None:
        self._guard = guard
        self._how = how
        self._advance = advance
        self._names = names
        self._conversation_id = secrets.token_hex(16)
        self._open: str | None = None
        self._values = 0
        self._full: list[str] = []
        self.found: Counter[str] = Counter()

    @property
    def contexts(self) -> list[str]:
        """All contexts so far."""
        return [*self._full, *([] if self._open is None else [self._open])]

    def prose(self, source: TextIO, write: Write) -> None:
        """Windows with an overlap on both sides; edits that begin in a window are made, the others only looked at."""
        before, text = "", source.read(WINDOW + OVERLAP)
        while text:
            more = source.read(WINDOW) if len(text) >= WINDOW + OVERLAP else ""
            seen = before + text
            edits = self._edits(seen) if seen.strip() else []
            edits = [edit for edit in edits if edit.span.end > len(before)]
            cut = _cut(seen, len(before), edits) if more else len(seen)
            position = len(before)
            for edit in edits:
                if edit.span.start >= cut:
                    break
                write(seen[position : max(position, edit.span.start)])
                write(edit.replacement)
                position = edit.span.end
                self.found[edit.kind] += 1
            write(seen[position:cut])
            self._advance(cut - len(before))
            before, text = seen[max(0, cut - OVERLAP) : cut], seen[cut:] + more

    def records(self, records: Sequence[str]) -> list[str]:
        """JSON texts, as arguments of calls, in which strings and numbers are edited so that they stay JSON."""
        messages = [
            {
                "role": "assistant",
                "tool_calls": [{"id": "", "type": "function", "function": {"name": "record", "arguments": record}}],
            }
            for record in records
        ]
        redacted = self._redact(messages)
        self.found.update(edit.kind for edit in redacted.redactions)
        self._advance(sum(map(len, records)))
        return [message["tool_calls"][0]["function"]["arguments"] for message in redacted.content[: len(records)]]

    def _edits(self, text: str) -> list[Redaction]:
        redacted = self._redact([{"role": "user", "content": text}])
        edits = [edit for edit in redacted.redactions if edit.path == ("messages", 0, "content")]
        return sorted(edits, key=lambda edit: edit.span.start)

    def _redact(self, messages: list[dict[str, Any]]) -> RedactedContent:
        reserved = self._names.written()
        extra = [{"role": "user", "content": reserved}] if reserved else []
        redacted = self._guard.redact(
            [*messages, *extra],
            conversation_id=self._conversation_id,
            fpe_context=self._open,
            **self._how.arguments(),
        )
        self._open = redacted.fpe_context
        if self._open is not None:
            for edit in redacted.redactions:
                self._names.note(edit.replacement)
            self._values += redacted.count
            if self._values >= _CONTEXT_VALUES:
                self._full.append(self._open)
                self._open, self._values = None, 0
        return redacted


class Restoring:
    """A `Rewriter` that puts back."""

    def __init__(self, unredactor: Unredactor, *, advance: Callable[[int], None]) -> None:
        self._unredactor = unredactor
        self._advance = advance
        self.changed = 0

    def prose(self, source: TextIO, write: Write) -> None:
        """Piece by piece."""
        while piece := source.read(WINDOW):
            write(self._unredactor.feed(piece))
            self._advance(len(piece))
        write(self._unredactor.finish())
        self.changed += 1  # what came piece by piece is not compared

    def records(self, records: Sequence[str]) -> list[str]:
        """JSON texts that stay JSON."""
        self._advance(sum(map(len, records)))
        restored = [self._unredactor.whole(record) for record in records]
        self.changed += sum(new != old for new, old in zip(restored, records, strict=True))
        return restored


def _cut(seen: str, start: int, edits: Sequence[Redaction]) -> int:
    """Where the window ends: `OVERLAP` before the end of what is seen, at the end of a line or word, and in no edit."""
    cut = max(start + 1, len(seen) - OVERLAP)
    least = max(start, cut - OVERLAP)
    for border in ("\n", " "):
        found = seen.rfind(border, least, cut)
        if found >= 0:
            cut = found + 1
            break
    for edit in edits:
        if edit.span.start < cut < edit.span.end:
            return edit.span.start if edit.span.start > start else edit.span.end
    return cut
