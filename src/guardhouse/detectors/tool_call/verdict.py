"""What a rule says about one part of a tool call's arguments."""

from __future__ import annotations

from dataclasses import dataclass

DESTRUCTIVE = "DESTRUCTIVE_TOOL_CALL"
DENIAL = "DENIAL_OF_SERVICE_TOOL_CALL"
EXFILTRATION = "DATA_EXFILTRATION"
EXPLOIT = "SECURITY_EXPLOIT"
INJECTED = "INDIRECT_PROMPT_INJECTION"
BLOCKED_TOOL = "BLOCKED_TOOL"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A kind, how sure, and the rule that says so (a short name for the evidence, never judged text).

    `askable` verdicts are about acts that are daily work where the user asked for them (a reboot, a firewall rule, a
    new administrator); the detector lowers them when the user named the same things.
    """

    kind: str
    confidence: float
    rule: str
    askable: bool = False


def destructive(confidence: float, rule: str, *, askable: bool = False) -> Verdict:
    """A verdict of lasting loss: data, disks, machines or their records."""
    return Verdict(DESTRUCTIVE, confidence, rule, askable)


def denial(confidence: float, rule: str, *, askable: bool = False) -> Verdict:
    """A verdict of exhausting or cutting off a resource."""
    return Verdict(DENIAL, confidence, rule, askable)


def exfiltration(confidence: float, rule: str, *, askable: bool = False) -> Verdict:
    """A verdict of secrets or data leaving, or being laid open."""
    return Verdict(EXFILTRATION, confidence, rule, askable)


def exploit(confidence: float, rule: str, *, askable: bool = False) -> Verdict:
    """A verdict of breaking in, staying in, or taking down protection."""
    return Verdict(EXPLOIT, confidence, rule, askable)
