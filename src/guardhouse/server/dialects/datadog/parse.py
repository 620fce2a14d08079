"""A request's body as an `EvaluationRequest`.

Lenient about messages: a refusal makes the vendor's integrations go on unguarded, in silence. Strict about the few
members of `meta` that change the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardhouse.errors import InvalidInput
from guardhouse.model.activity import LogFields
from guardhouse.model.codec import unit_interval
from guardhouse.model.conversation import Path, render_path
from guardhouse.model.messages import conversation_from_messages
from guardhouse.model.policy import Blocking, Scope, SensitiveData, Sensitivity, ToolPolicy
from guardhouse.model.request import EvaluationRequest
from guardhouse.server.dialects.datadog.categories import NEWER_TAGS, TAGS

ROOT: Path = ("data", "attributes")
META: Path = (*ROOT, "meta")
DEFAULT_THRESHOLD = 0.5
_TOOL_POLICY_WORDS = {
    ToolPolicy.ALLOW: frozenset({"allow", "allowed", "allowlist", "always_allow", "always-allow", "trusted"}),
    ToolPolicy.BLOCK: frozenset({"block", "blocked", "blocklist", "always_block", "always-block", "deny", "denied"}),
}
_LOGGED_CHARACTERS = 64


def parse_request(document: object, headers: Mapping[str, str]) -> EvaluationRequest:
    """The request. Raises `InvalidInput` with the path of what is wrong; its detail never quotes a message."""
    data = _object(_object(document, ()).get("data"), ("data",))
    attributes = _object(data.get("attributes"), ROOT)
    if "messages" not in attributes:
        raise InvalidInput("data.attributes.messages is required", path=(*ROOT, "messages"), code="missing")
    meta = attributes.get("meta")
    meta = {} if meta is None else _object(meta, META)
    return EvaluationRequest(
        conversation=conversation_from_messages(attributes["messages"], path=(*ROOT, "messages")),
        scope=Scope(service=_name(meta, "service"), env=_name(meta, "env")),
        sensitivity=_sensitivity(meta.get("confidence_threshold")),
        sensitive_data=_sensitive_data(meta.get("is_sds_enabled_override")),
        tool_policies=_tool_policies(meta.get("tool_policies")),
        default_recipe="agent_conversation",
        default_blocking=Blocking.MONITOR,
        log_fields=_log_fields(meta, headers),
        dialect="datadog",
    )


def _object(value: object, path: Path) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    where = render_path(path) or "the body"
    raise InvalidInput(f"{where} must be an object", path=path, code="wrong_type", expected="object")


def _name(meta: Mapping[str, Any], member: str) -> str | None:
    """The name of a service or environment; an empty one is none, as tracers mean it."""
    value = meta.get(member)
    if value is not None and not isinstance(value, str):
        path = (*META, member)
        raise InvalidInput(f"{render_path(path)} must be a string", path=path, code="wrong_type", expected="string")
    return value or None


def _sensitivity(threshold: object) -> Sensitivity:
    """The threshold of every category of attack, from one number or from an object by tag.

    In an object a tag's own value wins, then `flagging_global`, then 0.5, whatever the policy says. Only the categories
    of attack are named, so that sensitive data is found as before.
    """
    path: Path = (*META, "confidence_threshold")
    if threshold is None:
        return Sensitivity()
    if not isinstance(threshold, Mapping):
        return Sensitivity(by_category=dict.fromkeys(TAGS.values(), unit_interval(threshold, path)))
    named = {
        tag: unit_interval(value, (*path, tag))
        for tag, value in threshold.items()
        if value is not None and (tag in TAGS or tag in NEWER_TAGS or tag == "flagging_global")
    }
    by_category = dict.fromkeys(TAGS.values(), named.get("flagging_global", DEFAULT_THRESHOLD))
    for tag, kinds in NEWER_TAGS.items():
        if tag in named:
            by_category |= dict.fromkeys(kinds, named[tag])
    by_category |= {kind: named[tag] for tag, kind in TAGS.items() if tag in named}
    return Sensitivity(by_category=by_category)


def _sensitive_data(override: object) -> SensitiveData | None:
    if override is None:
        return None
    if not isinstance(override, bool):
        path = (*META, "is_sds_enabled_override")
        raise InvalidInput(f"{render_path(path)} must be a boolean", path=path, code="wrong_type", expected="boolean")
    return SensitiveData.SCAN if override else SensitiveData.OFF


def _tool_policies(value: object) -> dict[str, ToolPolicy]:
    """By tool name. The vendor does not document the words, so that an unknown one leaves the tool to be judged."""
    if not isinstance(value, Mapping):
        return {}
    return {str(tool): _tool_policy(policy) for tool, policy in value.items()}


def _tool_policy(value: object) -> ToolPolicy:
    if isinstance(value, Mapping):
        value = next((value[name] for name in ("policy", "action", "value", "type") if name in value), None)
    word = value.lower() if isinstance(value, str) else ""
    return next((policy for policy, words in _TOOL_POLICY_WORDS.items() if word in words), ToolPolicy.JUDGE)


def _log_fields(meta: Mapping[str, Any], headers: Mapping[str, str]) -> LogFields:
    agent = meta.get("coding_agent")
    client = " ".join(filter(None, (headers.get("dd-ai-guard-language"), headers.get("dd-ai-guard-version"))))
    return LogFields(
        source=(headers.get("dd-ai-guard-source") or "")[:_LOGGED_CHARACTERS],
        client=client[:_LOGGED_CHARACTERS],
        actor=agent[:_LOGGED_CHARACTERS] if isinstance(agent, str) else "",
    )
