"""What a dialect (or the library's caller) asks of the engine and the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guardhouse.model.activity import LogFields
from guardhouse.model.conversation import Conversation
from guardhouse.model.policy import Blocking, Scope, SensitiveData, Sensitivity, ToolPolicy
from guardhouse.model.recipe import Overrides, Recipe


@dataclass(frozen=True, slots=True)
class EvaluationRequest:
    """One conversation to judge and how.

    `recipe` is what the caller named; None takes the policy's recipe, else `default_recipe`. The `default_*` members
    are the dialect's, used where neither the caller nor any policy says anything. `sensitivity`, `sensitive_data` and
    `tool_policies` are this request's own and win over the policy (an empty mapping leaves the policy's).
    `conversation_id` ties what is put in the place of values to a conversation; empty takes the log's session.
    `fpe_context` is that of the conversation's last answer, whose names and encryptions go on. `inline_recipe` stands
    in no snapshot and wins over all names: a dialect makes it from a configuration. `denied` says, in words that quote
    nothing judged, why the caller's own rules refuse the request already: nothing is looked for then.
    """

    conversation: Conversation
    scope: Scope = Scope()
    recipe: str | None = None
    overrides: Overrides | None = None
    sensitivity: Sensitivity = Sensitivity()
    sensitive_data: SensitiveData | None = None
    tool_policies: Mapping[str, ToolPolicy] = field(default_factory=dict)
    default_recipe: str = "default"
    default_blocking: Blocking = Blocking.BLOCK
    log_fields: LogFields = LogFields()
    dialect: str = "native"
    conversation_id: str = ""
    fpe_context: str | None = field(default=None, repr=False)
    inline_recipe: Recipe | None = None
    denied: str = ""
