"""The vendor's words for categories and for rules of sensitive data, and ours."""

from __future__ import annotations

from dataclasses import dataclass

TAGS = {
    "authority-override": "AUTHORITY_OVERRIDE",
    "data-exfiltration": "DATA_EXFILTRATION",
    "denial-of-service-tool-call": "DENIAL_OF_SERVICE_TOOL_CALL",
    "destructive-tool-call": "DESTRUCTIVE_TOOL_CALL",
    "indirect-prompt-injection": "INDIRECT_PROMPT_INJECTION",
    "instruction-override": "INSTRUCTION_OVERRIDE",
    "jailbreak": "JAILBREAK",
    "obfuscation": "OBFUSCATION",
    "role-play": "ROLE_PLAY",
    "security-exploit": "SECURITY_EXPLOIT",
    "system-prompt-extraction": "SYSTEM_PROMPT_EXTRACTION",
}
"""The eleven categories of answers."""

NEWER_TAGS = {
    "policy-evasion": ("JAILBREAK", "ROLE_PLAY", "OBFUSCATION", "INSTRUCTION_OVERRIDE"),
    "system-and-capability-discovery": ("SYSTEM_PROMPT_EXTRACTION",),
    "credential-access": ("DATA_EXFILTRATION",),
    "sensitive-data-collection": ("DATA_EXFILTRATION",),
    "privilege-escalation": ("AUTHORITY_OVERRIDE",),
    "malicious-execution": ("SECURITY_EXPLOIT",),
    "private-network-target": ("SECURITY_EXPLOIT",),
    "destructive-or-resource-abuse": ("DESTRUCTIVE_TOOL_CALL", "DENIAL_OF_SERVICE_TOOL_CALL"),
    "tool-abuse": ("DESTRUCTIVE_TOOL_CALL", "DENIAL_OF_SERVICE_TOOL_CALL"),
    "poisoning-or-persistence": ("INDIRECT_PROMPT_INJECTION",),
}
"""Keys of `confidence_threshold` in the vendor's coming taxonomy, beside those it shares with the eleven. Which of ours
each comes nearest to is our reading; a key of the eleven wins over them."""


@dataclass(frozen=True, slots=True)
class SensitiveRule:
    """How the vendor names a rule of its sensitive data scanner."""

    display_name: str
    tag: str
    category: str


RULES = {
    "EMAIL_ADDRESS": SensitiveRule("Standard Email Address Scanner", "email_address", "email_address"),
    "US_SSN": SensitiveRule("US Social Security Number Scanner", "us_ssn", "pii"),
    "CREDIT_CARD": SensitiveRule("Credit Card Scanner", "credit_card", "credit_card"),
    "PHONE_NUMBER": SensitiveRule("Phone Number Scanner", "phone_number", "phone_number"),
    "US_BANK_NUMBER": SensitiveRule("Bank Account Number Scanner", "bank_account", "bank_account"),
    "AWS_ACCESS_KEY_ID": SensitiveRule("AWS Access Key ID Scanner", "aws_access_key_id", "credentials"),
    "AWS_SECRET_ACCESS_KEY": SensitiveRule("AWS Secret Access Key Scanner", "aws_secret_access_key", "credentials"),
    "ANTHROPIC_API_KEY": SensitiveRule("Claude API Key Scanner", "claude_api_key", "credentials"),
}
"""The rules whose names the vendor's pages show, by our kind."""
CATEGORY_OF_DETECTOR = {"pii": "pii", "secrets": "credentials", "custom_entity": "custom"}
"""The detectors whose findings are sensitive data, and the category of rules that `RULES` does not name."""
_ACRONYMS = {
    "Aws": "AWS",
    "Us": "US",
    "Uk": "UK",
    "Eu": "EU",
    "Id": "ID",
    "Iban": "IBAN",
    "Ip": "IP",
    "Api": "API",
    "Url": "URL",
}


def tag_of(kind: str) -> str:
    """`instruction-override` for `INSTRUCTION_OVERRIDE`."""
    return kind.lower().replace("_", "-")


def rule_of(kind: str, detector: str) -> SensitiveRule:
    """The rule of a kind of sensitive data; a name of the same form for kinds that the vendor's pages do not show."""
    known = RULES.get(kind)
    if known is not None:
        return known
    words = [_ACRONYMS.get(word, word) for word in kind.replace("_", " ").title().split()]
    return SensitiveRule(" ".join([*words, "Scanner"]), kind.lower(), CATEGORY_OF_DETECTOR[detector])
