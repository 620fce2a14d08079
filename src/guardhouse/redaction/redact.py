"""From findings and their rules to edited texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guardhouse.model.conversation import Path, SourceText, TextForm
from guardhouse.model.evaluation import Redaction
from guardhouse.model.finding import Finding, Span
from guardhouse.model.recipe import REDACTING, Rule, RuleAction
from guardhouse.redaction.apply import Edit, JsonText, edit_text, escaped, is_json
from guardhouse.redaction.base import Operator, Value
from guardhouse.redaction.session import ATTEMPTS, Session


@dataclass(frozen=True, slots=True)
class Target:
    """A finding that counts, and the rule it falls under."""

    finding: Finding
    rule: Rule


@dataclass(frozen=True, slots=True)
class Done:
    """What was put in the place of a finding, and by which operator's way."""

    replacement: str = field(repr=False)
    action: RuleAction


@dataclass(frozen=True, slots=True)
class Redacted:
    """`texts`: the changed strings by path. `done`: one per target, None where nothing was put.

    `context` is what un-redaction, and the conversation's next redaction, need; None when there is nothing to remember.
    """

    texts: Mapping[Path, str] = field(repr=False)
    redactions: tuple[Redaction, ...]
    done: tuple[Done | None, ...]
    context: str | None = field(default=None, repr=False)


def unredacted(targets: Sequence[Target]) -> Redacted:
    """What `redact` gives where none of the targets is to be edited and no conversation goes on."""
    return Redacted({}, (), (None,) * len(targets))


@dataclass(slots=True)
class _Draft:
    """A redaction while it is made. `expected` is what restoring each text is to give."""

    texts: dict[Path, str] = field(default_factory=dict)
    redactions: list[Redaction] = field(default_factory=list)
    done: dict[int, Done] = field(default_factory=dict)
    expected: dict[Path, str] = field(default_factory=dict)


def redact(
    sources: Sequence[SourceText],
    targets: Sequence[Target],
    *,
    operators: Mapping[RuleAction, Operator],
    session: Session,
) -> Redacted:
    """Edit the texts as the targets' rules say. Linear in the texts.

    Of two findings that overlap, the one that starts earlier (then the longer) gives kind and operator; its edit grows
    to cover the other, so that no part of a value stays. A finding without a span stands for its whole text.

    What can be restored is restored here once, to see that it comes back exactly: where a text happens to hold what
    was put elsewhere in it or in another, or an attacker wrote it so, other replacements are taken.
    """
    by_path: dict[Path, list[int]] = {}
    for index, target in enumerate(targets):
        if target.rule.action in REDACTING:
            by_path.setdefault(target.finding.path, []).append(index)
    draft = _Draft()
    for attempt in range(ATTEMPTS):
        if attempt:
            session.begin(attempt)
            draft = _Draft()
        for source in sources:
            draft.expected[source.path] = source.value
            if source.path in by_path:
                _redact_one(source, by_path[source.path], targets, operators, session, draft)
        if not session.has_restorable or _comes_back(sources, draft, session):
            break
    done = tuple(draft.done.get(index) for index in range(len(targets)))
    return Redacted(draft.texts, tuple(draft.redactions), done, session.context())


def _comes_back(sources: Sequence[SourceText], draft: _Draft, session: Session) -> bool:
    """True when restoring gives every text again, those too in which nothing was put."""
    restorer = session.restorer()
    texts = ((draft.texts.get(source.path, source.value), draft.expected[source.path]) for source in sources)
    return all(restorer.text(text) == expected for text, expected in texts)


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
    chosen: Sequence[int],
    targets: Sequence[Target],
    operators: Mapping[RuleAction, Operator],
    session: Session,
    draft: _Draft,
) -> None:
    text = source.value
    json_text = JsonText.read(text) if source.form is TextForm.ARGUMENTS else None
    # Prose that looks like JSON will be restored as JSON, where its pieces must be spelled as they were.
    is_literal = json_text is None and (session.is_literal or is_json(text))
    spans = [(targets[index].finding.span or Span(0, len(text)), index) for index in chosen]
    edits: list[Edit] = []
    owners: list[tuple[int, Done]] = []
    for span, index in _merge(spans):
        target = targets[index]
        for place in json_text.places(span) if json_text else [span]:
            taken = edits[-1].span.end if edits else 0
            if place.end <= taken:
                continue  # two findings inside one number or escape, which is replaced whole
            place = Span(max(place.start, taken), place.end)
            value = _value_at(source, place, target.finding.kind, json_text, is_literal=is_literal)
            made = operators[target.rule.action].rewrite(value, parameters=target.rule.parameters, session=session)
            written = json_text.written(place, made.text, stays_bare=made.stays_bare) if json_text else made.text
            edits.append(Edit(place, written))
            owners.append((index, Done(made.text, made.action or target.rule.action)))
    edited, placed = edit_text(text, edits)
    if edited != text:
        draft.texts[source.path] = edited
        draft.expected[source.path] = _without_restorable(text, edits, owners, session)
    for edit, span, (index, done) in zip(edits, placed, owners, strict=True):
        session.placed(done.replacement, span.start)
        draft.done[index] = done
        finding = targets[index].finding
        draft.redactions.append(
            Redaction(
                path=source.path,
                span=edit.span,
                redacted_span=span,
                detector=finding.detector,
                kind=finding.kind,
                operator=done.action,
                replacement=done.replacement,
            )
        )


def _value_at(source: SourceText, place: Span, kind: str, json_text: JsonText | None, *, is_literal: bool) -> Value:
    piece = source.value[place.start : place.end]
    if json_text is None:
        return Value(piece, kind, raw=piece if is_literal and escaped(piece) != piece else None)
    value = json_text.value(place)
    return Value(value, kind, raw=json_text.raw(place, value), is_bare=not json_text.is_in_string(place))


def _without_restorable(text: str, edits: Sequence[Edit], owners: Sequence[tuple[int, Done]], session: Session) -> str:
    """`text` with those edits only that cannot be restored."""
    lossy = [edit for edit, (_, done) in zip(edits, owners, strict=True) if not session.is_restorable(done.replacement)]
    return edit_text(text, lossy)[0]
