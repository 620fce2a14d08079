"""From an evaluation to what the activity log keeps of it, under the policy's word on texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from guardhouse.engine.collect import judged_texts
from guardhouse.engine.plan import SENSITIVE_DETECTORS
from guardhouse.model.activity import ActivityRecord
from guardhouse.model.conversation import Conversation, Path, render_path
from guardhouse.model.evaluation import AppliedFinding, Evaluation
from guardhouse.model.finding import Span
from guardhouse.model.key import ApiKey
from guardhouse.model.policy import StoreText
from guardhouse.model.recipe import REDACTING, RuleAction
from guardhouse.model.request import EvaluationRequest
from guardhouse.service.masking import is_whole


def record_of(
    evaluation: Evaluation,
    request: EvaluationRequest,
    key: ApiKey,
    store_text: StoreText,
    *,
    time: datetime,
    reading: Evaluation | None = None,
) -> ActivityRecord:
    """The record of one evaluation. Linear in the judged texts.

    `reading` is the second look for what is sensitive, where there was one (see `masking.py`).
    """
    return ActivityRecord(
        id=evaluation.id,
        time=time,
        key_id=key.id,
        dialect=request.dialect,
        service=request.scope.service or "",
        env=request.scope.env or "",
        evaluation=evaluation if store_text is StoreText.FULL else without_values(evaluation),
        log_fields=request.log_fields,
        texts=kept_texts(evaluation, request.conversation, store_text, reading=reading),
        tools=tuple(_tools(request.conversation)),
    )


def without_values(evaluation: Evaluation) -> Evaluation:
    """The evaluation without anything that was matched, put in a match's place, or edited."""
    reports = tuple(
        replace(
            report,
            findings=tuple(
                replace(applied, finding=replace(applied.finding, value=""), replacement=None)
                for applied in report.findings
            ),
        )
        for report in evaluation.reports
    )
    redactions = tuple(replace(redaction, replacement="") for redaction in evaluation.redactions)
    return replace(evaluation, reports=reports, redactions=redactions, texts={}, fpe_context=None)


def kept_texts(
    evaluation: Evaluation, conversation: Conversation, store_text: StoreText, *, reading: Evaluation | None = None
) -> dict[str, str]:
    """The judged texts as they may be kept, by rendered path: none, with the sensitive parts masked, or as they came.

    What an attack says is kept when redacted, for it is what an auditor has to see; what is somebody's secret is not.
    A text that could not be looked through is not kept.
    """
    if store_text is StoreText.NONE or (reading is not None and not is_whole(reading)):
        return {}
    spans: dict[Path, list[tuple[Span, str]]] = {}
    if store_text is StoreText.REDACTED:
        for report in (*evaluation.reports, *(reading.reports if reading is not None else ())):
            for applied in report.findings:
                if applied.finding.span is not None and _is_sensitive(applied):
                    spans.setdefault(applied.finding.path, []).append((applied.finding.span, applied.finding.kind))
    return {
        render_path(source.path): masked(source.value, spans.get(source.path, ()))
        for source in judged_texts(conversation)
    }


def masked(text: str, spans: Iterable[tuple[Span, str]]) -> str:
    """`text` with each range replaced by `<KIND>`; ranges that overlap become one, of the first one's kind."""
    pieces: list[str] = []
    position = 0
    for span, kind in sorted(spans, key=lambda item: (item[0].start, -item[0].end)):
        if span.end <= position or span.start == span.end:
            continue
        if span.start >= position:
            pieces += [text[position : span.start], f"<{kind}>"]
        position = span.end
    return "".join([*pieces, text[position:]])


def _is_sensitive(applied: AppliedFinding) -> bool:
    edited = applied.action in REDACTING and applied.action is not RuleAction.DEFANG
    return edited or applied.finding.detector in SENSITIVE_DETECTORS


def _tools(conversation: Conversation) -> Iterable[str]:
    calls = (call for index in sorted(conversation.judged) for call in conversation.messages[index].tool_calls)
    return dict.fromkeys(call.name for call in calls)
