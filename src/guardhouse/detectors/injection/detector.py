"""Prompt attacks: what tries to turn a model from its instructions, in eleven kinds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from guardhouse.classifier.base import HeadReading
from guardhouse.detectors.base import Evidence, Needs, TextEvidence
from guardhouse.detectors.injection.hidden import weigh_hidden
from guardhouse.detectors.injection.weigh import HIGHEST, Weighed, is_hidden, weigh_phrases
from guardhouse.matching.pack import load_pack
from guardhouse.matching.pattern import Hit, Pattern
from guardhouse.model.conversation import Channel, TextForm
from guardhouse.model.finding import Finding
from guardhouse.model.recipe import DetectorSetting

_PACKAGE = "guardhouse.detectors.injection"
ATTACK = "attack"
INDIRECT = "INDIRECT_PROMPT_INJECTION"
KINDS = (
    "JAILBREAK",
    INDIRECT,
    "INSTRUCTION_OVERRIDE",
    "ROLE_PLAY",
    "AUTHORITY_OVERRIDE",
    "OBFUSCATION",
    "SYSTEM_PROMPT_EXTRACTION",
    "DATA_EXFILTRATION",
    "SECURITY_EXPLOIT",
    "DESTRUCTIVE_TOOL_CALL",
    "DENIAL_OF_SERVICE_TOOL_CALL",
)
HEAD_OF_KIND = {kind: kind.lower() for kind in KINDS}
_ASKED = frozenset({"INSTRUCTION_OVERRIDE", "JAILBREAK", "ROLE_PLAY", "AUTHORITY_OVERRIDE", "SYSTEM_PROMPT_EXTRACTION"})
"""What a user's attack is called when its kind is unsure: kinds of asking, not of what would come of it."""
_UNTRUSTED = frozenset({Channel.TOOL, Channel.DOCUMENT})
_LEAST_SHOWN = 0.01
_LEAST_OF_ASSISTANT = 0.75
"""An assistant quotes, warns and plans; only a plain phrase of attack in its mouth is told."""


class PromptAttack:
    """Jailbreaks, injections and extraction, read from phrases, the classifier's heads and hidden text.

    Gives a finding for every kind of at least 0.01, so that callers can show probabilities; `weigh` says how the
    evidence adds up. In tool results and documents nobody gives orders, so any attack there is also an indirect
    injection; text of the system's author is not judged, and of an assistant's only what is plain.
    """

    name = "prompt_attack"
    kinds = frozenset(KINDS)
    option_names: frozenset[str] = frozenset()

    @cached_property
    def _patterns(self) -> tuple[Pattern, ...]:
        return load_pack(_PACKAGE, "pack.toml") + load_pack(_PACKAGE, "pack_languages.toml")

    def needs(self, setting: DetectorSetting) -> Needs:
        """The phrases and the attack heads."""
        return Needs(self._patterns, frozenset({ATTACK, *HEAD_OF_KIND.values()}))

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """At most one finding per text and kind."""
        for text in evidence.texts:
            for kind, weighed in self._weigh(text).items():
                if weighed.confidence >= _LEAST_SHOWN:
                    yield _finding(text, kind, weighed)

    def _weigh(self, text: TextEvidence) -> Mapping[str, Weighed]:
        channel = text.source.channel
        if channel is Channel.SYSTEM or not text.source.value.strip():
            return {}
        hits = tuple(_counting(text.hits_of(self._patterns), channel))
        if channel is Channel.ASSISTANT:
            return _plain(weigh_phrases(hits, attack=0.5)) if text.source.form is not TextForm.ARGUMENTS else {}
        attack = text.heads.get(ATTACK)
        phrases = weigh_phrases(hits, attack.confidence if attack else 0.0)
        weighed = _with_heads(phrases, text.heads, attack)
        if attack is not None:
            _keep_attack(weighed, attack, channel)
        _raise(weighed, "OBFUSCATION", weigh_hidden(text.normalized, weighed, any(map(is_hidden, hits)), attack))
        if channel in _UNTRUSTED:
            strongest = max(weighed.values(), key=lambda one: one.confidence, default=None)
            _raise(weighed, INDIRECT, strongest)
        return weighed


def _counting(hits: Iterable[Hit], channel: Channel) -> Iterator[Hit]:
    for hit in hits:
        channels = hit.pattern.data.get("channels")
        if channels is None or channel.value in channels:
            yield hit


def _plain(phrases: Mapping[str, Weighed]) -> Mapping[str, Weighed]:
    return {kind: one for kind, one in phrases.items() if one.confidence >= _LEAST_OF_ASSISTANT}


def _with_heads(
    phrases: Mapping[str, Weighed], heads: Mapping[str, HeadReading], attack: HeadReading | None
) -> dict[str, Weighed]:
    weighed = dict(phrases)
    ceiling = attack.confidence if attack is not None else 0.0
    for kind, head in HEAD_OF_KIND.items():
        reading = heads.get(head)
        if reading is not None:
            _raise(weighed, kind, Weighed(min(reading.confidence, ceiling, HIGHEST), reading.span, "classifier", head))
    return weighed


def _keep_attack(weighed: dict[str, Weighed], attack: HeadReading, channel: Channel) -> None:
    """Give the attack head's confidence to the likeliest kind where no kind has reached it."""
    whole = Weighed(min(attack.confidence, HIGHEST), attack.span, "classifier", ATTACK)
    if channel in _UNTRUSTED:
        return _raise(weighed, INDIRECT, whole)
    own = {kind: one.confidence for kind, one in weighed.items() if kind in _ASKED}
    likeliest = max(own, key=own.__getitem__, default="INSTRUCTION_OVERRIDE")
    return _raise(weighed, likeliest, whole)


def _raise(weighed: dict[str, Weighed], kind: str, given: Weighed | None) -> None:
    known = weighed.get(kind)
    if given is not None and (known is None or given.confidence > known.confidence):
        weighed[kind] = given


def _finding(text: TextEvidence, kind: str, weighed: Weighed) -> Finding:
    span = weighed.span
    return Finding(
        detector=PromptAttack.name,
        kind=kind,
        confidence=weighed.confidence,
        path=text.source.path,
        span=span,
        value=text.source.value[span.start : span.end] if span is not None else "",
        analyzer=weighed.analyzer,
        evidence={"by": weighed.fact, "channel": text.source.channel.value},
    )
