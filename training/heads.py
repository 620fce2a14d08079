"""The heads of the model, in the order of their columns, and how the corpora's category names map to them."""

from __future__ import annotations

ATTACK = "attack"
KINDS = (
    "jailbreak",
    "indirect_prompt_injection",
    "instruction_override",
    "role_play",
    "authority_override",
    "obfuscation",
    "system_prompt_extraction",
    "data_exfiltration",
    "security_exploit",
    "destructive_tool_call",
    "denial_of_service_tool_call",
)
HARMS = (
    "hate",
    "harassment",
    "sexual",
    "violence",
    "self_harm",
    "criminal",
    "weapons",
    "profanity",
    "toxicity",
)
TOPICS = (
    "topic_financial_advice",
    "topic_legal_advice",
    "topic_religion",
    "topic_politics",
    "topic_health_coverage",
)
OTHERS = ("sentiment_negative", "gibberish")
HEADS = (ATTACK, *KINDS, *HARMS, *TOPICS, *OTHERS)


def head_of_category(category: str) -> str | None:
    """`indirect-prompt-injection` -> `indirect_prompt_injection`; None for a category that has no head."""
    head = category.replace("-", "_")
    return head if head in HEADS else None
