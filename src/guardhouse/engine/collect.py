"""Collects evidence once for all detectors of a plan: every text normalised, matched and classified one time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from guardhouse.classifier.base import Classifier, ClassifierInput, HeadReading, Reading, Tag
from guardhouse.detectors.base import TextEvidence
from guardhouse.engine.timing import Stopwatch
from guardhouse.matching.matcher import Matcher
from guardhouse.model.conversation import (
    CHANNEL_OF_ROLE,
    Conversation,
    PartKind,
    SourceText,
    TextForm,
)
from guardhouse.text.normalize import normalize
from guardhouse.text.views import Normalized, View


def judged_texts(conversation: Conversation) -> tuple[SourceText, ...]:
    """Every text and every call's arguments of the judged messages, in order."""
    tool_names = {call.id: call.name for message in conversation.messages for call in message.tool_calls if call.id}
    texts: list[SourceText] = []
    for index in sorted(conversation.judged):
        message = conversation.messages[index]
        channel = CHANNEL_OF_ROLE[message.role]
        answered = tool_names.get(message.tool_call_id or "", "")
        texts += [
            SourceText(part.text, part.path, channel, index, tool_name=answered)
            for part in message.parts
            if part.kind is PartKind.TEXT
        ]
        texts += [
            SourceText(call.arguments, call.path, channel, index, TextForm.ARGUMENTS, call.name)
            for call in message.tool_calls
        ]
    return tuple(texts)


def collect(
    sources: Sequence[SourceText],
    *,
    matchers: Sequence[Matcher],
    patterns: Collection[str],
    classifier: Classifier | None,
    heads: frozenset[str],
    deadline: float,
    watch: Stopwatch,
) -> tuple[TextEvidence, ...]:
    """The evidence for each text, in order. Raises `DeadlineExceeded` when time runs out on the way."""
    with watch.stage("normalize"):
        normalized = [normalize(source.value, json_escapes=source.form is TextForm.ARGUMENTS) for source in sources]
    with watch.stage("match"):
        texts = [
            _matched(source, form, matchers, patterns, deadline)
            for source, form in zip(sources, normalized, strict=True)
        ]
    if classifier is None or not heads:
        return tuple(texts)
    with watch.stage("classify"):
        readings = _classify(texts, classifier, deadline)
    return tuple(
        replace(text, heads=reading.heads, tags=reading.tags) for text, reading in zip(texts, readings, strict=True)
    )


def _matched(
    source: SourceText, form: Normalized, matchers: Sequence[Matcher], patterns: Collection[str], deadline: float
) -> TextEvidence:
    """The text with the hits of all matchers; their patterns are different ones."""
    found = [matcher.scan(form, only=patterns, deadline=deadline) for matcher in matchers]
    return TextEvidence(
        source,
        form,
        hits={name: hits for one in found for name, hits in one.items()},
        capped=frozenset().union(*(one.capped for one in found)),
    )


def _classify(texts: Sequence[TextEvidence], classifier: Classifier, deadline: float) -> list[Reading]:
    """One reading per text: for each head the highest over the text's views, all views in one batch.

    Names are taken from the text as it stands: what is decoded or rewritten has none that could be edited.
    """
    owners = [(index, view) for index, text in enumerate(texts) for view in _readable(text.normalized)]
    inputs = [ClassifierInput(view.text, texts[index].source.channel) for index, view in owners]
    heads: list[dict[str, HeadReading]] = [{} for _ in texts]
    tags: list[tuple[Tag, ...]] = [() for _ in texts]
    for (index, view), reading in zip(owners, classifier.classify(inputs, deadline=deadline), strict=True):
        best = heads[index]
        for head, value in reading.heads.items():
            if head not in best or value.confidence > best[head].confidence:
                span = None if value.span is None else view.to_original(value.span)
                best[head] = HeadReading(value.confidence, span if span is not None else view.origin)
        if view is texts[index].normalized.readings()[0]:
            tags[index] = tuple(replace(tag, span=view.to_original(tag.span)) for tag in reading.tags)
    return [Reading(one, marked) for one, marked in zip(heads, tags, strict=True)]


def _readable(normalized: Normalized) -> Iterable[View]:
    return (view for view in normalized.readings() if view.text.strip())
