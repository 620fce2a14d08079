"""The vendor's ids of sensitive rules and names of harmful categories, and our kinds."""

from __future__ import annotations

from collections.abc import Mapping

SENSITIVE_DETECTORS = ("pii", "secrets", "custom_entity")

RULE_IDS: Mapping[str, str] = {
    "CREDIT_CARD": "CREDIT_CARD_NUMBER",
    "CREDIT_CARD_EXPIRATION": "CREDIT_CARD_EXPIRATION",
    "US_SSN": "USA_SOCIAL_SECURITY_NUMBER",
    "US_PASSPORT": "USA_PASSPORT_NUMBER",
    "INDIA_PASSPORT": "INDIA_PASSPORT_NUMBER",
    "AUSTRALIA_PASSPORT": "AUSTRALIA_PASSPORT_NUMBER",
    "IBAN_CODE": "INTERNATIONAL_BANK_ACCOUNT_NUMBER",
    "SWIFT_BIC": "SWIFT_BIC",
    "UK_BANK_ACCOUNT": "UK_BANK_ACCOUNT_NUMBER",
    "ENVIRONMENT_VARIABLE_PASSWORD": "ENVIRONMENT_VARIABLE_PASSWORD",
    "PASSWORD": "ENVIRONMENT_VARIABLE_PASSWORD",
    "TAIWAN_SKH_MEDICAL_RECORD_NUMBER": "TAIWAN_SKH_MEDICAL_RECORD_NUMBER",
}
"""By our kind; kinds that the vendor has no rule for bear our own name."""

HARMFUL: Mapping[str, tuple[str, ...]] = {
    "Sexual": ("SEXUAL",),
    "Hate": ("HATE",),
    "Violence": ("VIOLENCE",),
    "Harassment": ("HARASSMENT",),
    "Self-harm": ("SELF_HARM",),
}
"""The five categories in the order of the answer, and the kinds that count towards each."""


def rule_id(kind: str) -> str:
    """The vendor's id of one of our kinds."""
    return RULE_IDS.get(kind, kind)
