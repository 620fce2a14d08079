"""From the policies of all scopes to what holds for one request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from guardhouse.model.policy import EffectivePolicy, Policy, PolicySnapshot, Scope, Sensitivity, StoreText, ToolPolicy


def resolve_policy(
    snapshot: PolicySnapshot, scope: Scope, *, store_text: StoreText = StoreText.REDACTED
) -> EffectivePolicy:
    """What holds for `scope`: organisation default < environment < service < service and environment, field by field.

    Sensitivities and tool policies merge name by name. `store_text` is what holds where no policy says.
    """
    chain = [policy for candidate in _widening(scope) if (policy := snapshot.policies.get(candidate)) is not None]
    by_category: dict[str, float] = {}
    tool_policies: dict[str, ToolPolicy] = {}
    for policy in reversed(chain):
        by_category.update(policy.sensitivity.by_category)
        tool_policies.update(policy.tool_policies)
    return EffectivePolicy(
        revision=snapshot.revision,
        blocking=_first(chain, "blocking"),
        sensitivity=Sensitivity(
            default=next((p.sensitivity.default for p in chain if p.sensitivity.default is not None), None),
            by_category=by_category,
        ),
        sensitive_data=_first(chain, "sensitive_data"),
        recipe=_first(chain, "recipe"),
        evaluation_context=_first(chain, "evaluation_context") or "",
        tool_policies=tool_policies,
        fail_mode=_first(chain, "fail_mode"),
        store_text=_first(chain, "store_text") or store_text,
    )


def _widening(scope: Scope) -> Iterable[Scope]:
    """The scopes that cover `scope`, narrowest first, without repeats."""
    candidates = (scope, Scope(service=scope.service), Scope(env=scope.env), Scope())
    return dict.fromkeys(candidates)


def _first(chain: Iterable[Policy], field: str) -> Any:
    return next((value for policy in chain if (value := getattr(policy, field)) is not None), None)
