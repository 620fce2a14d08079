"""Judges the tool calls of an assistant: what their arguments would do, and whether anybody asked for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from guardhouse.detectors.base import Evidence, Needs, TextEvidence
from guardhouse.detectors.tool_call import verdict as kinds_of
from guardhouse.detectors.tool_call.arguments import Leaf, leaves
from guardhouse.detectors.tool_call.flow import Context, read_context, suspicion_of
from guardhouse.detectors.tool_call.judge import Allowance, judge_text, strongest
from guardhouse.detectors.tool_call.reading import is_quiet, passages
from guardhouse.detectors.tool_call.structured import judge_values
from guardhouse.detectors.tool_call.verdict import Verdict
from guardhouse.matching.pack import load_pack
from guardhouse.matching.pattern import Pattern
from guardhouse.model.conversation import TextForm, ToolCall
from guardhouse.model.finding import Finding, Span
from guardhouse.model.policy import ToolPolicy
from guardhouse.model.recipe import DetectorSetting

_ASKED_FACTOR = 0.6
_RESTARTS = re.compile(r"\breboot\b|\brestart|\bshutdown\b[^;|&]*\s[-/]r\b|\binit 6\b", re.IGNORECASE)
_POWER_WORDS = re.compile(
    r"\b(?:shut ?down|power ?off|reboot|restart|turn (?:it |the \w+ )?off|halt|neu ?start|redémarr|reinici|重启|关机)",
    re.IGNORECASE,
)


class ToolCallDetector:
    """Arguments of judged tool calls, read as shell, SQL, Python, HTTP or plain values, in their conversation.

    Kinds: `DESTRUCTIVE_TOOL_CALL`, `DENIAL_OF_SERVICE_TOOL_CALL`, `DATA_EXFILTRATION`, `SECURITY_EXPLOIT` from the
    arguments; `INDIRECT_PROMPT_INJECTION` for a call that carries out an order of an earlier tool result;
    `BLOCKED_TOOL` for a tool whose policy is `block`. Calls of tools whose policy is `allow` are not judged.
    One finding per kind and value, with the rule that spoke in `evidence["rule"]`. Linear in the arguments.
    """

    name = "tool_call"
    kinds = frozenset(
        {
            kinds_of.DESTRUCTIVE,
            kinds_of.DENIAL,
            kinds_of.EXFILTRATION,
            kinds_of.EXPLOIT,
            kinds_of.INJECTED,
            kinds_of.BLOCKED_TOOL,
        }
    )
    option_names: frozenset[str] = frozenset()

    def needs(self, setting: DetectorSetting) -> Needs:
        """The pack of shapes (mostly Windows, where no grammar helps)."""
        return Needs(patterns=_pack())

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """Findings for every judged call, in order."""
        contexts: dict[int, Context] = {}
        for text in evidence.texts:
            source = text.source
            if source.form is not TextForm.ARGUMENTS:
                continue
            policy = evidence.tool_policies.get(source.tool_name, ToolPolicy.JUDGE)
            if policy is ToolPolicy.ALLOW:
                continue
            if policy is ToolPolicy.BLOCK:
                yield Finding(
                    self.name,
                    kinds_of.BLOCKED_TOOL,
                    1.0,
                    source.path,
                    evidence={"policy": "block"},
                    analyzer="tool_policy",
                )
                continue
            context = contexts.get(source.message)
            if context is None:
                context = contexts[source.message] = read_context(evidence.conversation, source.message)
            yield from self._judge(text, context, evidence.deadline)

    def _judge(self, text: TextEvidence, context: Context, deadline: float | None) -> Iterator[Finding]:
        source = text.source
        values = leaves(source.value)
        allowance = Allowance(deadline=deadline)
        whole = Span(0, len(source.value))
        for passage in passages(source.tool_name, values):
            found = [
                Verdict(v.kind, v.confidence * passage.weight, v.rule, v.askable)
                for v in judge_text(passage.inner, allowance)
            ]
            yield from self._findings(found, passage.span, text, context, "arguments")
        yield from self._findings(judge_values(source.tool_name, values), whole, text, context, "values")
        yield from self._from_hits(text, values, context)
        suspicion = suspicion_of(ToolCall("", source.tool_name, source.value, source.path), context)
        if suspicion is not None:
            yield Finding(
                self.name,
                suspicion.kind,
                round(suspicion.confidence, 3),
                source.path,
                whole,
                source.value,
                analyzer="flow",
                evidence={"rule": suspicion.rule},
            )

    def _findings(
        self, verdicts: Iterable[Verdict], span: Span, text: TextEvidence, context: Context, analyzer: str
    ) -> Iterator[Finding]:
        weighed = [_weigh_asked(verdict, text.source.value, context) for verdict in verdicts]
        for verdict in strongest(weighed):
            yield Finding(
                self.name,
                verdict.kind,
                round(verdict.confidence, 3),
                text.source.path,
                span,
                text.source.value[span.start : span.end],
                analyzer=analyzer,
                evidence={"rule": verdict.rule},
            )

    def _from_hits(self, text: TextEvidence, values: list[Leaf], context: Context) -> Iterator[Finding]:
        quiet = [leaf.span for leaf in values if is_quiet(text.source.tool_name, leaf)]
        for hit in text.hits_of(_pack()):
            if any(span.overlaps(hit.span) for span in quiet):
                continue
            data = hit.pattern.data
            verdict = Verdict(
                str(data["kind"]),
                float(data["confidence"]),
                hit.pattern.id.partition(".")[2],
                bool(data.get("askable")),
            )
            yield from self._findings([verdict], hit.span, text, context, "patterns")


@cache
def _pack() -> tuple[Pattern, ...]:
    return load_pack("guardhouse.detectors.tool_call", "pack.toml")


_DISTINCT = re.compile(r"(?<![\w-])[A-Za-z0-9][\w.@+-]{4,}")
_TELLING = re.compile(r"\d|[._@]|[a-z][A-Z]")


def _weigh_asked(verdict: Verdict, arguments: str, context: Context) -> Verdict:
    """`verdict`, lowered when it is askable and the user named what the call names."""
    if not verdict.askable or not context.asked_text:
        return verdict
    if verdict.rule == "power_off":
        # Whoever asked, a machine that was switched off stays off; one that restarts comes back.
        restarts = _RESTARTS.search(arguments) and _POWER_WORDS.search(context.asked_text)
        return _lowered(verdict) if restarts else verdict
    telling = {word.lower() for word in _DISTINCT.findall(arguments[:4_000]) if _TELLING.search(word)}
    known = sum(word.rstrip(".") in context.asked_text for word in telling)
    return _lowered(verdict) if known and known * 2 >= min(len(telling), 4) else verdict


def _lowered(verdict: Verdict) -> Verdict:
    return Verdict(verdict.kind, verdict.confidence * _ASKED_FACTOR, verdict.rule, verdict.askable)
