"""`POST /v1/guard` of AI Guard: the whole body of a model call; and the same as the successor spells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guardhouse.model.activity import LogFields
from guardhouse.model.conversation import Conversation, Message, Role
from guardhouse.model.evaluation import Evaluation
from guardhouse.model.policy import Scope
from guardhouse.model.request import EvaluationRequest
from guardhouse.redaction.apply import put_back
from guardhouse.server.dialects.pangea import names
from guardhouse.server.dialects.pangea.access_rules import attributes_of
from guardhouse.server.dialects.pangea.kinds import in_vendor_types
from guardhouse.server.dialects.pangea.overrides import read_overrides
from guardhouse.server.dialects.pangea.render import rendered_detectors, summary_of
from guardhouse.server.dialects.pangea.schema import Checker
from guardhouse.server.dialects.pangea.setup import Setup, set_up
from guardhouse.server.dialects.pangea.shapes import Unreadable, leaves, messages_in
from guardhouse.server.dialects.pangea.shelf import NO_SHELF, Shelf
from guardhouse.server.dialects.pangea.text_guard import check_size, compact_json, tokens_in

LIMIT_BYTES = 1024 * 1024
_TEXTS = (
    "app_id",
    "actor_id",
    "llm_provider",
    "model",
    "model_version",
    "source_ip",
    "source_location",
    "tenant_id",
    "collector_instance_id",
    "config_id",
)
_NUMBERS = ("request_token_count", "response_token_count")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One spelling of the call."""

    input: str
    output: str
    recipe: str
    """The member of the result that names the recipe."""
    members: frozenset[str]


GUARD = Endpoint(
    "input",
    "output",
    "recipe",
    frozenset(
        {"input", "recipe", "debug", "overrides", "event_type", "count_tokens", "extra_info", *_TEXTS, *_NUMBERS}
    ),
)
CHAT_COMPLETIONS = Endpoint(
    "guard_input",
    "guard_output",
    "policy",
    frozenset({"guard_input", "user_id", "event_type", "extra_info", *_TEXTS}) - {"actor_id", "config_id"},
)
"""The successor's call: no recipe, no overrides, no debug; the policy decides."""


@dataclass(frozen=True, slots=True)
class GuardCall:
    """A valid request."""

    endpoint: Endpoint
    document: Mapping[str, Any]
    conversation: Conversation
    recipe: str | None
    event_type: str
    debug: bool
    count_tokens: bool
    setup: Setup

    def evaluation_request(self, *, service: str | None, client: str, dialect: str) -> EvaluationRequest:
        """What the service is asked."""
        return EvaluationRequest(
            conversation=self.conversation,
            scope=Scope(service=service),
            recipe=None if self.recipe is None else names.our_recipe(self.recipe),
            inline_recipe=self.setup.recipe,
            denied=self.setup.access.denied,
            overrides=self.setup.changes.overrides,
            sensitivity=self.setup.changes.sensitivity,
            default_recipe=names.EVENT_RECIPES[self.event_type],
            log_fields=self._log_fields(client),
            dialect=dialect,
        )

    def _log_fields(self, client: str) -> LogFields:
        said = self.document
        extra = {
            name: said[name]
            for name in (
                "app_id",
                "tenant_id",
                "llm_provider",
                "source_location",
                "collector_instance_id",
                "event_type",
            )
            if name in said
        }
        extra |= said.get("extra_info", {})
        model = ":".join(part for part in (said.get("model"), said.get("model_version")) if part)
        return LogFields(
            source=said.get("source_ip", ""),
            model=model,
            extra_info=compact_json(extra) if extra else "",
            client=client,
            actor=said.get("actor_id") or said.get("user_id", ""),
        )


def read_guard(document: object, shelf: Shelf = NO_SHELF, endpoint: Endpoint = GUARD) -> GuardCall:
    """The request in `document`. Raises `ValidationFailed` with everything that is wrong with it."""
    check = Checker()
    body = check.body(document, endpoint.members)
    for name in (*_TEXTS, "user_id"):
        check.string(body, name, ())
    for name in _NUMBERS:
        if name in body and (isinstance(body[name], bool) or not isinstance(body[name], int | float)):
            check.wrong_type("integer", (name,))
    event_type = check.choice(body, "event_type", (), tuple(names.EVENT_RECIPES)) or "input"
    recipe = check.string(body, "recipe", ())
    debug = check.boolean(body, "debug", ())
    count_tokens = check.boolean(body, "count_tokens", ())
    if "extra_info" in body:
        check.table(body["extra_info"], ("extra_info",))
    changes = read_overrides(check, body, names.GUARD)
    messages = _read_input(check, body, endpoint.input)

    def attributes() -> dict[str, Any]:
        asked, answered = _tokens(messages, endpoint)
        return attributes_of(body, input_tokens=asked, output_tokens=answered)

    default = names.vendor_recipe(names.EVENT_RECIPES[event_type])
    setup = set_up(check, body, shelf, changes, default=default, attributes=attributes)
    check.finish()
    conversation = Conversation(messages, frozenset(range(len(messages))))
    return GuardCall(endpoint, body, conversation, recipe, event_type, bool(debug), bool(count_tokens), setup)


def read_chat_completions(document: object, shelf: Shelf = NO_SHELF) -> GuardCall:
    """The request in `document`, in the successor's spelling."""
    return read_guard(document, shelf, CHAT_COMPLETIONS)


def guard_answer(call: GuardCall, evaluation: Evaluation) -> tuple[str, dict[str, Any]]:
    """The summary and the result."""
    evaluation = in_vendor_types(evaluation)
    endpoint = call.endpoint
    result: dict[str, Any] = {
        endpoint.output: put_back(call.document, evaluation.texts)[endpoint.input],
        "blocked": evaluation.blocked,
        "transformed": evaluation.transformed,
        endpoint.recipe: call.recipe or names.vendor_recipe(evaluation.recipe),
        "detectors": rendered_detectors(evaluation, names.GUARD, call.setup.changes, debug=call.debug),
    }
    if call.setup.access.outcomes:
        result["access_rules"] = call.setup.access.rendered(blocked=evaluation.blocked, debug=call.debug)
    if call.count_tokens:
        asked, answered = _tokens(call.conversation.messages, endpoint)
        result |= {"input_token_count": asked, "output_token_count": answered}
    if evaluation.fpe_context is not None:
        result["fpe_context"] = evaluation.fpe_context
    sentence = call.setup.access.summary(blocked=evaluation.blocked)
    return sentence + summary_of(evaluation, names.GUARD, call.setup.changes), result


def _read_input(check: Checker, body: Mapping[str, Any], name: str) -> tuple[Message, ...]:
    nothing = (Message(Role.USER),)
    if name not in body:
        check.add("FieldRequired", f"{name} is required", (name,))
        return nothing
    value = check.table(body[name], (name,))
    if check.problems:
        return nothing
    check_size(check, compact_json(value), (name,), LIMIT_BYTES)
    if check.problems:
        return nothing
    try:
        return messages_in(value, (name,))
    except Unreadable:
        # No form that is known: every string in it is judged, so that nothing slips through.
        return (Message(Role.USER, tuple(leaves(value, (name,)))),)


def _tokens(messages: Sequence[Message], endpoint: Endpoint) -> tuple[int, int]:
    """Tokens of what is asked and of what is answered."""
    answers = (endpoint.input, "choices")
    return (
        tokens_in(messages, lambda path: path[:2] != answers),
        tokens_in(messages, lambda path: path[:2] == answers),
    )
