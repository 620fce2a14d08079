"""Which texts follow which: where a secret that was cut in two may go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from guardhouse.detectors.base import Evidence
from guardhouse.model.conversation import CHANNEL_OF_ROLE, Channel, PartKind

_LOOK_BACK = 4
"""Texts before one that may hold its first piece; further back nobody would put the pieces together."""
_CONTEXT_REACH = 400


@dataclass(frozen=True, slots=True)
class Side:
    """A text as it is read: `index` numbers it among the judged texts, None for context that is not judged."""

    text: str = field(repr=False)
    channel: Channel
    index: int | None = None


def pairs(evidence: Evidence) -> Iterator[tuple[Side, Side]]:
    """Each judged text with the text right before it, and with the last one of the same speaker among the four before.

    Of the messages before the first judged one only the ends are read.
    """
    sides = [*_context(evidence)]
    sides += [
        Side(text.normalized.canonical.text, text.source.channel, index) for index, text in enumerate(evidence.texts)
    ]
    for at, right in enumerate(sides):
        if right.index is None or not at:
            continue
        yield sides[at - 1], right
        if sides[at - 1].channel is right.channel:
            continue
        for left in reversed(sides[max(0, at - _LOOK_BACK) : at - 1]):
            if left.channel is right.channel:
                yield left, right
                break


def _context(evidence: Evidence) -> Iterator[Side]:
    first = min(evidence.conversation.judged)
    for message in evidence.conversation.messages[max(0, first - _LOOK_BACK) : first]:
        for part in message.parts:
            if part.kind is PartKind.TEXT:
                yield Side(part.text[-_CONTEXT_REACH:], CHANNEL_OF_ROLE[message.role])
