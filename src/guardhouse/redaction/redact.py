"""From findings and their rules to edited texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guardhouse.model.conversation import Path, SourceText, TextForm
from guardhouse.model.evaluation import Redaction
from guardhouse.model.finding import Finding, Span
from guardhouse.model.recipe import REDACTING, Rule, RuleAction
from guardhouse.redaction.apply import Edit, JsonText, edit_text
from guardhouse.redaction.base import Operator


@dataclass(frozen=True, slots=True)
class Target:
    """A finding that counts, and the rule it falls under."""

    finding: Finding
    rule: Rule


@dataclass(frozen=True, slots=True)
class Redacted:
    """`texts`: the changed strings by path. `replacements`: one per target, None where nothing was put."""

    texts: Mapping[Path, str]
    redactions: tuple[Redaction, ...]
    replacements: tuple[str | None, ...]


def redact(
    sources: Sequence[SourceText],
    targets: Sequence[Target],
    *,
    operators: Mapping[RuleAction, Operator],
    key: bytes,
) -> Redacted:
    """Edit the texts as the targets' rules say.

    Of two findings that overlap, the one that starts earlier (then the longer) gives kind and operator; its edit grows
    to cover the other, so that no part of a value stays. A finding without a span stands for its whole text.
    """
    texts: dict[Path, str] = {}
    redactions: list[Redaction] = []
    replacements: list[str | None] = [None] * len(targets)
    by_path: dict[Path, list[int]] = {}
    for index, target in enumerate(targets):
        if target.rule.action in REDACTING:
            by_path.setdefault(target.finding.path, []).append(index)
    for source in sources:
        chosen = [(_span(targets[index].finding, source), index) for index in by_path.get(source.path, ())]
        if not chosen:
            continue
        text, made = _redact_one(source, _merge(chosen), targets, operators, key)
        for index, redaction in made:
            replacements[index] = redaction.replacement
            redactions.append(redaction)
        if text != source.value:
            texts[source.path] = text
    return Redacted(texts, tuple(redactions), tuple(replacements))


def _span(finding: Finding, source: SourceText) -> Span:
    return finding.span if finding.span is not None else Span(0, len(source.value))


def _merge(chosen: Sequence[tuple[Span, int]]) -> list[tuple[Span, int]]:
    merged: list[tuple[Span, int]] = []
    for span, index in sorted(chosen, key=lambda item: (item[0].start, -item[0].end, item[1])):
        if merged and span.start < merged[-1][0].end:
            first, winner = merged[-1]
            merged[-1] = (Span(first.start, max(first.end, span.end)), winner)
        elif span.end > span.start:
            merged.append((span, index))
    return merged


def _redact_one(
    source: SourceText,
    merged: Sequence[tuple[Span, int]],
    targets: Sequence[Target],
    operators: Mapping[RuleAction, Operator],
    key: bytes,
) -> tuple[str, list[tuple[int, Redaction]]]:
    json_text = JsonText.read(source.value) if source.form is TextForm.ARGUMENTS else None
    edits: list[Edit] = []
    owners: list[tuple[int, str]] = []
    for span, index in merged:
        target = targets[index]
        operator = operators[target.rule.action]
        for place in json_text.places(span) if json_text else [span]:
            if edits and place.start < edits[-1].span.end:
                continue  # two findings inside one number, which is replaced whole
            value = json_text.value(place) if json_text else source.value[place.start : place.end]
            replacement = operator.rewrite(value, kind=target.finding.kind, parameters=target.rule.parameters, key=key)
            edits.append(Edit(place, json_text.written(place, replacement) if json_text else replacement))
            owners.append((index, replacement))
    text, placed = edit_text(source.value, edits)
    made = [
        (
            index,
            Redaction(
                path=source.path,
                span=edit.span,
                redacted_span=span,
                detector=targets[index].finding.detector,
                kind=targets[index].finding.kind,
                operator=targets[index].rule.action,
                replacement=replacement,
            ),
        )
        for edit, span, (index, replacement) in zip(edits, placed, owners, strict=True)
    ]
    return text, made
