"""From an evaluation to the vendor's `detectors` object and summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from guardhouse.model.evaluation import AppliedFinding, Evaluation, Outcome
from guardhouse.model.finding import AnalyzerResponse
from guardhouse.model.recipe import REDACTING, RuleAction
from guardhouse.server.dialects.pangea import names
from guardhouse.server.dialects.pangea.analyzers import code_of
from guardhouse.server.dialects.pangea.kinds import vendor_type
from guardhouse.server.dialects.pangea.names import Vocabulary
from guardhouse.server.dialects.pangea.overrides import RequestChanges
from guardhouse.server.dialects.pangea.topics import section_of, sections_of, topic_of


@dataclass(slots=True)
class Section:
    """What one detector of the vendor's says; two of our reports may share one."""

    name: str
    executed: bool = False
    findings: list[AppliedFinding] = field(default_factory=list)
    analyzers: list[AnalyzerResponse] = field(default_factory=list)


def rendered_detectors(
    evaluation: Evaluation, vocabulary: Vocabulary, changes: RequestChanges, *, debug: bool
) -> dict[str, Any]:
    """The `detectors` object, in order of execution. What was not executed is absent."""
    out: dict[str, Any] = {}
    for section in _sections(evaluation, vocabulary, changes):
        if not section.executed:
            continue
        name = vocabulary.name_of(section.name)
        if section.findings:
            data = _DATA[section.name](section, evaluation.blocked, debug)
            out[name] = {"detected": True, "data": data}
        else:
            out[name] = {"detected": False, "data": None}
    return out


def summary_of(evaluation: Evaluation, vocabulary: Vocabulary, changes: RequestChanges) -> str:
    """One sentence per enabled detector, in words that quote nothing of the judged text."""
    sentences = []
    for section in _sections(evaluation, vocabulary, changes):
        title = names.TITLES[section.name]
        if not section.executed:
            sentences.append(f"{title} was not executed.")
        elif section.findings:
            sentences.append(f"{title} was detected and {_deed(section.findings, evaluation.blocked)}.")
        else:
            sentences.append(f"{title} was not detected.")
    return " ".join(sentences) or "No detector is enabled."


def _sections(evaluation: Evaluation, vocabulary: Vocabulary, changes: RequestChanges) -> list[Section]:
    """The vendor's detectors that our reports speak of, in order."""
    folded = {**vocabulary.folded, **dict.fromkeys(changes.as_topics, "topic")}
    sections: dict[str, Section] = {}

    def section(name: str) -> Section:
        name = folded.get(name, name)
        return sections.setdefault(name, Section(name))

    for report in evaluation.reports:
        has_run = report.outcome in (Outcome.DETECTED, Outcome.NOT_DETECTED)
        for name in sections_of(report, changes.named):
            section(name).executed |= has_run
        for applied in report.findings:
            place = section(section_of(report.detector, applied.finding.kind))
            place.executed = True
            place.findings.append(applied)
        if report.findings:
            section(section_of(report.detector, report.findings[0].finding.kind)).analyzers += report.analyzers
    return list(sections.values())


# --- data of each detector -------------------------------------------------------------------------------------------


def _prompt_injection(section: Section, blocked: bool, debug: bool) -> dict[str, Any]:
    strongest: dict[str, float] = {}
    responses = section.analyzers or [
        AnalyzerResponse(applied.finding.analyzer, applied.finding.confidence) for applied in section.findings
    ]
    for response in responses:
        code = code_of(response.analyzer)
        strongest[code] = max(strongest.get(code, 0.0), response.confidence)
    return {
        "action": _strongest_label(section.findings, blocked),
        "analyzer_responses": [
            {"analyzer": code, "confidence": round(confidence, 2)} for code, confidence in strongest.items()
        ],
    }


def _entities(section: Section, blocked: bool, debug: bool) -> dict[str, Any]:
    return {"entities": [_entity(applied, blocked) for applied in _in_reading_order(section.findings)]}


def _in_reading_order(findings: Sequence[AppliedFinding]) -> list[AppliedFinding]:
    """Text by text, as the detector went through them, and in each from its start."""
    texts = {path: rank for rank, path in enumerate(dict.fromkeys(applied.finding.path for applied in findings))}

    def place(applied: AppliedFinding) -> tuple[int, int]:
        span = applied.finding.span
        return texts[applied.finding.path], 0 if span is None else span.start

    return sorted(findings, key=place)


def _entity(applied: AppliedFinding, blocked: bool) -> dict[str, Any]:
    finding = applied.finding
    entity: dict[str, Any] = {
        "type": vendor_type(finding.kind),
        "value": finding.value,
        "action": _label(applied, blocked),
    }
    if finding.span is not None:
        entity["start_pos"] = finding.span.start
    if applied.replacement is not None:
        entity["redacted_value"] = applied.replacement
    return entity


def _links(section: Section, blocked: bool, debug: bool) -> dict[str, Any]:
    entities = []
    for applied in _in_reading_order(section.findings):
        entity = _entity(applied, blocked)
        entity.pop("redacted_value", None)
        if debug:
            entity["raw"] = _raw(applied)
        entities.append(entity)
    return {"entities": entities}


def _raw(applied: AppliedFinding) -> dict[str, Any]:
    """What the vendor shows of a reputation look-up: the list's own words, else how sure the detector is."""
    evidence = applied.finding.evidence
    category = evidence.get("category", "")
    score = str(evidence.get("score", ""))
    return {
        "category": [category] if category else [],
        "score": int(score) if score.isascii() and score.isdigit() else round(applied.finding.confidence * 100),
        "verdict": evidence.get("verdict") or "malicious",
    }


def _topics(section: Section, blocked: bool, debug: bool) -> dict[str, Any]:
    confidences: dict[str, float] = {}
    for applied in section.findings:
        topic = topic_of(applied.finding)
        confidences[topic] = max(confidences.get(topic, 0.0), applied.finding.confidence)
    return {
        "action": _strongest_label(section.findings, blocked),
        "topics": [{"topic": topic, "confidence": round(value, 2)} for topic, value in confidences.items()],
    }


def _classifications(section: Section, blocked: bool, debug: bool) -> dict[str, Any]:
    confidences: dict[str, float] = {}
    for applied in section.findings:
        category = topic_of(applied.finding)
        confidences[category] = max(confidences.get(category, 0.0), applied.finding.confidence)
    return {
        "action": _strongest_label(section.findings, blocked),
        "classifications": [
            {"category": category, "confidence": round(value, 2)} for category, value in confidences.items()
        ],
    }


def _language(section: Section, blocked: bool, debug: bool) -> dict[str, Any]:
    surest = max(section.findings, key=lambda applied: applied.finding.confidence).finding
    return {
        "action": _strongest_label(section.findings, blocked),
        "language": surest.evidence.get("language") or surest.kind.lower(),
    }


def _names(section: Section, blocked: bool, debug: bool) -> dict[str, Any]:
    found = dict.fromkeys(applied.finding.value for applied in section.findings)
    return {"action": _strongest_label(section.findings, blocked), "entities": list(found)}


_DATA: Mapping[str, Callable[[Section, bool, bool], dict[str, Any]]] = {
    "prompt_injection": _prompt_injection,
    "pii_entity": _entities,
    "secrets_detection": _entities,
    "custom_entity": _entities,
    "malicious_entity": _links,
    "topic": _topics,
    "language_detection": _language,
    "code_detection": _language,
    "competitors": _names,
    "gibberish": _classifications,
    "sentiment": _classifications,
    "selfharm": _classifications,
    "profanity_and_toxicity": _classifications,
    "image": _classifications,
}


# --- words for actions -----------------------------------------------------------------------------------------------


def _label(applied: AppliedFinding, blocked: bool) -> str:
    """What was done about one finding. A block that the policy only watches for is a report."""
    if applied.blocked:
        return "blocked" if blocked else "reported"
    return names.ACTION_LABELS.get(applied.action, "reported")


def _strongest_label(findings: Iterable[AppliedFinding], blocked: bool) -> str:
    return "blocked" if blocked and any(applied.blocked for applied in findings) else "reported"


def _deed(findings: Iterable[AppliedFinding], blocked: bool) -> str:
    applied = list(findings)
    if blocked and any(item.blocked for item in applied):
        return "blocked"
    actions = {item.action for item in applied}
    if actions & (REDACTING - {RuleAction.DEFANG}):
        return "redacted"
    return "defanged" if RuleAction.DEFANG in actions else "reported"
