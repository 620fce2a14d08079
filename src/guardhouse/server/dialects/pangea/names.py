"""The vendor's words and ours: recipes, detectors, rules, actions, topics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guardhouse.model.recipe import RuleAction

DEFAULT_RECIPE = "user_prompt"
"""Ours for the vendor's default, `pangea_prompt_guard`."""

VENDOR_DEFAULT_RECIPE = "pangea_prompt_guard"

_RECIPES = {
    "pangea_prompt_guard": "user_prompt",
    "pangea_ingestion_guard": "ingestion",
    "pangea_llm_prompt_guard": "llm_prompt",
    "pangea_llm_response_guard": "llm_response",
    "pangea_agent_pre_plan_guard": "agent_pre_plan",
    "pangea_agent_pre_tool_guard": "agent_pre_tool",
    "pangea_agent_post_tool_guard": "agent_post_tool",
}
_VENDOR_RECIPES = {ours: vendors for vendors, ours in _RECIPES.items()}

ENTITY_ACTIONS: Mapping[str, RuleAction] = {
    "disabled": RuleAction.DISABLED,
    "report": RuleAction.REPORT,
    "block": RuleAction.BLOCK,
    "mask": RuleAction.MASK,
    "partial_masking": RuleAction.PARTIAL_MASK,
    "replacement": RuleAction.REPLACE,
    "hash": RuleAction.HASH,
    "fpe": RuleAction.FPE,
}
LINK_ACTIONS: Mapping[str, RuleAction] = {
    "report": RuleAction.REPORT,
    "defang": RuleAction.DEFANG,
    "disabled": RuleAction.DISABLED,
    "block": RuleAction.BLOCK,
}

ACTION_LABELS: Mapping[RuleAction, str] = {
    RuleAction.REPORT: "reported",
    RuleAction.BLOCK: "blocked",
    RuleAction.DEFANG: "defanged",
    RuleAction.MASK: "redacted:masked",
    RuleAction.PARTIAL_MASK: "redacted:partially_masked",
    RuleAction.REPLACE: "redacted:replaced",
    RuleAction.HASH: "redacted:hashed",
    RuleAction.FPE: "redacted:encrypted",
}

EVENT_RECIPES: Mapping[str, str] = {
    "input": "user_prompt",
    "output": "llm_response",
    "tool_input": "agent_pre_tool",
    "tool_output": "agent_post_tool",
    "tool_listing": "agent_pre_plan",
}
"""The recipe of a model call that names none, by what happens in it."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """How one endpoint spells the detectors. `renamed` is from the names of `/v1/text/guard`."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    folded: Mapping[str, str] = field(default_factory=dict)
    """Detectors that have no name of their own here, and the detector that stands for them."""

    def name_of(self, detector: str) -> str:
        """The endpoint's own name of a detector of `/v1/text/guard`."""
        detector = self.folded.get(detector, detector)
        return self.renamed.get(detector, detector)


TEXT_GUARD = Vocabulary()
GUARD = Vocabulary(
    renamed={
        "prompt_injection": "malicious_prompt",
        "pii_entity": "confidential_and_pii_entity",
        "secrets_detection": "secret_and_key_entity",
        "code_detection": "code",
        "language_detection": "language",
    },
    folded={
        "selfharm": "topic",
        "gibberish": "topic",
        "sentiment": "topic",
        "profanity_and_toxicity": "topic",
    },
)

TITLES: Mapping[str, str] = {
    "prompt_injection": "Malicious Prompt",
    "pii_entity": "Confidential and PII",
    "secrets_detection": "Secret and Key Entity",
    "custom_entity": "Custom Entity",
    "malicious_entity": "Malicious Entity",
    "language_detection": "Language",
    "code_detection": "Code",
    "topic": "Topic",
    "competitors": "Competitors",
    "gibberish": "Gibberish",
    "sentiment": "Sentiment",
    "selfharm": "Self-harm",
    "profanity_and_toxicity": "Profanity and Toxicity",
    "image": "Image",
}
"""How the summary calls the detectors of `/v1/text/guard`."""


def our_recipe(name: str) -> str:
    """Our name of a recipe; operators' own recipes keep theirs."""
    return _RECIPES.get(name, name)


def vendor_recipe(name: str) -> str:
    """The vendor's name of one of our recipes; operators' own keep theirs."""
    return _VENDOR_RECIPES.get(name, name)
