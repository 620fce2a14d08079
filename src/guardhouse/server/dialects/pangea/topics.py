"""Which of the vendor's detectors a kind of ours is told under, and under which topic."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from guardhouse.model.evaluation import DetectorReport
from guardhouse.model.finding import Finding

_SECTIONS = {
    "prompt_attack": "prompt_injection",
    "tool_call": "prompt_injection",
    "pii": "pii_entity",
    "secrets": "secrets_detection",
    "custom_entity": "custom_entity",
    "malicious_entity": "malicious_entity",
    "language": "language_detection",
    "code": "code_detection",
    "topic": "topic",
    "competitors": "competitors",
    "gibberish": "gibberish",
    "sentiment": "sentiment",
    "image": "image",
}
_HARM_SECTIONS = {"SELF_HARM": "selfharm", "PROFANITY": "profanity_and_toxicity", "TOXICITY": "profanity_and_toxicity"}


@dataclass(frozen=True, slots=True)
class Place:
    """A detector of ours and those of its kinds that a topic of the vendor's stands for; no kinds means all."""

    detector: str
    kinds: tuple[str, ...] = ()


TOPICS: Mapping[str, Place] = {
    "toxicity": Place("harmful_content", ("TOXICITY", "PROFANITY", "HATE", "HARASSMENT")),
    "self-harm-and-violence": Place("harmful_content", ("SELF_HARM", "VIOLENCE")),
    "roleplay": Place("prompt_attack", ("ROLE_PLAY",)),
    "weapons": Place("harmful_content", ("WEAPONS",)),
    "criminal-conduct": Place("harmful_content", ("CRIMINAL",)),
    "sexual": Place("harmful_content", ("SEXUAL",)),
    "financial-advice": Place("topic", ("FINANCIAL_ADVICE",)),
    "legal-advice": Place("topic", ("LEGAL_ADVICE",)),
    "religion": Place("topic", ("RELIGION",)),
    "politics": Place("topic", ("POLITICS",)),
    "health-coverage": Place("topic", ("HEALTH_COVERAGE",)),
    "negative-sentiment": Place("sentiment"),
    "gibberish": Place("gibberish"),
}
"""The topics that the vendor's tools know, and where we look for them."""

_TOPIC_OF_KIND = {kind: topic for topic, place in TOPICS.items() for kind in place.kinds}


def section_of(detector: str, kind: str) -> str:
    """The vendor's detector under which a finding is told. Plug-ins' detectors are told as custom entities."""
    if detector == "harmful_content":
        return _HARM_SECTIONS.get(kind, "topic")
    return _SECTIONS.get(detector, "custom_entity")


def sections_of(report: DetectorReport, named: Collection[str]) -> Sequence[str]:
    """The vendor's detectors that a report speaks of even when it found nothing; `named` are those in the overrides."""
    if report.detector != "harmful_content":
        return (section_of(report.detector, ""),)
    if report.findings:
        return ()
    return tuple(name for name in ("selfharm", "topic") if name in named) or ("topic",)


def topic_of(finding: Finding) -> str:
    """The vendor's topic for a finding, else the kind in the vendor's spelling."""
    if finding.detector == "sentiment":
        return "negative-sentiment"
    return _TOPIC_OF_KIND.get(finding.kind, finding.kind.lower().replace("_", "-"))
