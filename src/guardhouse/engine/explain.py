"""Says in words what was decided and why. Never quotes what was judged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from guardhouse.model.conversation import Channel, Path, SourceText, TextForm
from guardhouse.model.evaluation import Action, AppliedFinding, DetectorReport, Outcome
from guardhouse.model.policy import FailMode

_LISTED = 6

_VERDICTS = {Action.ALLOW: "Allowed", Action.DENY: "Denied", Action.ABORT: "Aborted"}

_SUBJECTS = {
    Channel.USER: "the user's message",
    Channel.ASSISTANT: "the assistant's answer",
    Channel.SYSTEM: "the system prompt",
    Channel.TOOL: "a tool result",
    Channel.DOCUMENT: "a document",
}

_PHRASES = {
    "JAILBREAK": "tries to talk the assistant out of its rules",
    "INDIRECT_PROMPT_INJECTION": "carries instructions for the assistant that the user did not give",
    "INSTRUCTION_OVERRIDE": "tells the assistant to disregard its instructions",
    "ROLE_PLAY": "uses a played role to get around the assistant's rules",
    "AUTHORITY_OVERRIDE": "claims an authority it cannot have",
    "OBFUSCATION": "hides what it says from a reader",
    "SYSTEM_PROMPT_EXTRACTION": "asks for the assistant's hidden instructions",
    "DATA_EXFILTRATION": "would carry data to where it does not belong",
    "SECURITY_EXPLOIT": "carries an exploit",
    "DESTRUCTIVE_TOOL_CALL": "would destroy data or stop a system",
    "DENIAL_OF_SERVICE_TOOL_CALL": "would exhaust a system",
    "BLOCKED_TOOL": "uses a tool that the policy blocks",
}

_BY_DETECTOR = {
    "pii": "holds personal data ({kind})",
    "secrets": "holds a secret ({kind})",
    "malicious_entity": "names a malicious {words}",
    "harmful_content": "holds harmful content ({kind})",
    "topic": "is about a watched topic ({kind})",
    "language": "is in a language that the recipe watches",
    "code": "holds program code",
    "competitors": "names a competitor",
    "sentiment": "is of negative sentiment",
    "gibberish": "makes no sense",
    "image": "holds text",
}
_OTHERWISE = "holds {kind}"

_SAFE_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


def explain(
    action: Action,
    reports: Sequence[DetectorReport],
    sources: Mapping[Path, SourceText],
    *,
    failed_required: bool,
    fail_mode: FailMode,
) -> str:
    """One or two sentences: the verdict, what counted towards it, and what could not be checked."""
    blocking = [applied for report in reports for applied in report.findings if applied.blocked]
    noted = [applied for report in reports for applied in report.findings if not applied.blocked]
    parts = [f"{_VERDICTS[action]}: {_list(blocking, sources)}." if blocking else ""]
    if not blocking:
        parts = [f"{_VERDICTS[action]}."] if failed_required else [f"{_VERDICTS[action]}: nothing found that blocks."]
    if noted:
        parts.append(f"Also found: {_list(noted, sources)}.")
    failed = [report.detector for report in reports if report.outcome is Outcome.FAILED]
    if failed:
        meaning = (
            "the policy denies then" if fail_mode is FailMode.CLOSED and failed_required else "the policy lets pass"
        )
        parts.append(f"Not checked, because it failed: {', '.join(failed)}; {meaning}.")
    return " ".join(parts)


def _list(applied: Iterable[AppliedFinding], sources: Mapping[Path, SourceText]) -> str:
    ranked = sorted(applied, key=lambda item: -item.finding.confidence)
    clauses = list(dict.fromkeys(_clause(item, sources.get(item.finding.path)) for item in ranked))
    more = f", and {len(clauses) - _LISTED} more" if len(clauses) > _LISTED else ""
    return "; ".join(clauses[:_LISTED]) + more


def _clause(applied: AppliedFinding, source: SourceText | None) -> str:
    kind = applied.finding.kind
    phrase = _PHRASES.get(kind) or _BY_DETECTOR.get(applied.finding.detector, _OTHERWISE)
    return f"{_subject(source)} {phrase.format(kind=kind, words=kind.lower().replace('_', ' '))}"


def _subject(source: SourceText | None) -> str:
    if source is None:
        return "the conversation"
    if source.form is TextForm.ARGUMENTS:
        # A tool's name comes from the caller: only a plain one may stand in a reason.
        named = f" of {source.tool_name}" if _SAFE_NAME.fullmatch(source.tool_name) else ""
        return f"the call{named}" if named else "a tool call"
    subject = _SUBJECTS[source.channel]
    return f"an image in {subject}" if source.form is TextForm.IMAGE else subject
