"""The images of a conversation: which are judged, what they say as texts, and what is painted over in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from guardhouse.engine.decide import StepDecision
from guardhouse.engine.plan import IMAGE
from guardhouse.engine.run import Run
from guardhouse.errors import MissingExtra
from guardhouse.images.reader import ImageReader
from guardhouse.images.reading import ImageReading, Unreadable
from guardhouse.model.conversation import (
    CHANNEL_OF_ROLE,
    ContentPart,
    Conversation,
    PartKind,
    Path,
    SourceText,
    TextForm,
)
from guardhouse.model.evaluation import Outcome, Redaction
from guardhouse.model.finding import Span
from guardhouse.model.recipe import REDACTING, RuleAction
from guardhouse.redaction.redact import Done, Redacted, Target


def judged_images(conversation: Conversation) -> tuple[ContentPart, ...]:
    """Every image of the judged messages, in order."""
    return tuple(
        part
        for index in sorted(conversation.judged)
        for part in conversation.messages[index].parts
        if part.kind is PartKind.IMAGE
    )


def read_images(reader: ImageReader | None, parts: Sequence[ContentPart], *, until: float) -> tuple[ImageReading, ...]:
    """A reading per image, all before `until`; without a reader, or what it needs, they say so."""
    unwanted = "images are not read (setting read_images)"
    if reader is not None:
        try:
            return reader.read(parts, until=until)
        except MissingExtra as error:
            unwanted = str(error)
    return tuple(ImageReading(part.path, unwanted=unwanted) for part in parts)


def image_texts(conversation: Conversation, readings: Sequence[ImageReading]) -> tuple[SourceText, ...]:
    """What the images say, each as a text of the message that it stands in."""
    by_path = {reading.path: reading for reading in readings if reading.lines}
    return tuple(
        SourceText(by_path[part.path].text, part.path, CHANNEL_OF_ROLE[message.role], index, TextForm.IMAGE)
        for index in sorted(conversation.judged)
        for message in (conversation.messages[index],)
        for part in message.parts
        if part.kind is PartKind.IMAGE and part.path in by_path
    )


class Painting:
    """Paints over what the targets' rules want edited in images, where `redaction.redact` cannot edit."""

    def __init__(
        self, reader: ImageReader, parts: Sequence[ContentPart], readings: Sequence[ImageReading], *, deadline: float
    ) -> None:
        self._reader = reader
        self._parts = {part.path: part for part in parts}
        self._readings = {reading.path: reading for reading in readings if reading.lines}
        self._deadline = deadline

    def add_to(self, redacted: Redacted, targets: Sequence[Target]) -> tuple[Redacted, str]:
        """`redacted` with the painted images and what was done, and why an image could not be painted, if so.

        What stands beside the pixels goes with the rest of an image's metadata, so that it too is edited.
        """
        wanted: defaultdict[Path, list[int]] = defaultdict(list)
        for index, target in enumerate(targets):
            if target.rule.action in REDACTING and target.finding.path in self._readings:
                wanted[target.finding.path].append(index)
        texts, done = dict(redacted.texts), list(redacted.done)
        redactions = list(redacted.redactions)
        failed = ""
        for path, indexes in wanted.items():
            reading = self._readings[path]
            spans = {index: targets[index].finding.span or Span(0, len(reading.text)) for index in indexes}
            try:
                boxes = reading.boxes(spans.values())
                texts[path] = self._reader.paint(self._parts[path], boxes, until=self._deadline)
            except Unreadable as error:
                failed = f"an image could not be painted over: {error}"
                for index in indexes:
                    done[index] = Done("", RuleAction.REPORT)
                continue
            for index, span in spans.items():
                finding = targets[index].finding
                done[index] = Done("", RuleAction.MASK)
                redactions.append(
                    Redaction(
                        path, span, Span(span.start, span.start), finding.detector, finding.kind, RuleAction.MASK, ""
                    )
                )
        return replace(redacted, texts=texts, done=tuple(done), redactions=tuple(redactions)), failed


def with_failed_painting(run: Run, detail: str) -> Run:
    """The run with its image step failed: what was to be painted over still stands in the picture."""
    failed_required = run.failed_required
    decisions: list[StepDecision] = []
    for decision in run.decisions:
        if decision.report.detector == IMAGE:
            report = replace(decision.report, outcome=Outcome.FAILED, detail=detail)
            decision = replace(decision, report=report)
            failed_required = True
        decisions.append(decision)
    return replace(run, decisions=tuple(decisions), failed_required=failed_required)
