"""`POST /v1/text/guard`: one text or the messages of a model call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from guardhouse.model.activity import LogFields
from guardhouse.model.conversation import ContentPart, Conversation, Message, PartKind, Path, Role
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
from guardhouse.server.dialects.pangea.shapes import Unreadable, messages_in, role_named
from guardhouse.server.dialects.pangea.shelf import NO_SHELF, Shelf
from guardhouse.server.front import CHARACTERS_PER_TOKEN

LIMIT_BYTES = 20 * 1024
_MEMBERS = frozenset(
    {"text", "messages", "recipe", "debug", "overrides", "log_fields", "config_id", "llm_info", "llm_input"}
)
"""`llm_info` and `llm_input` came from older clients; nothing reads them any more."""
_LOG_FIELDS = frozenset({"citations", "extra_info", "model", "source", "tools"})


class Form(Enum):
    """What was sent, and so what goes back."""

    TEXT = "text"
    LIST = "list"
    OBJECT = "object"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class TextGuardCall:
    """A valid request. `serialized` is what was judged where the messages follow no known form."""

    document: Mapping[str, Any]
    form: Form
    conversation: Conversation
    recipe: str | None
    debug: bool
    setup: Setup
    log_fields: LogFields
    serialized: str = ""

    def evaluation_request(self, *, service: str | None, client: str, dialect: str) -> EvaluationRequest:
        """What the service is asked."""
        log = self.log_fields
        return EvaluationRequest(
            conversation=self.conversation,
            scope=Scope(service=service),
            recipe=None if self.recipe is None else names.our_recipe(self.recipe),
            inline_recipe=self.setup.recipe,
            denied=self.setup.access.denied,
            overrides=self.setup.changes.overrides,
            sensitivity=self.setup.changes.sensitivity,
            default_recipe=names.DEFAULT_RECIPE,
            log_fields=LogFields(log.source, log.model, log.citations, log.tools, log.extra_info, client),
            dialect=dialect,
        )


def read_text_guard(document: object, shelf: Shelf = NO_SHELF) -> TextGuardCall:
    """The request in `document`. Raises `ValidationFailed` with everything that is wrong with it."""
    check = Checker()
    body = check.body(document, _MEMBERS)
    recipe = check.string(body, "recipe", ())
    debug = check.boolean(body, "debug", ())
    changes = read_overrides(check, body, names.TEXT_GUARD)
    log_fields = _read_log_fields(check, body)
    form, messages, serialized = _read_content(check, body)

    def attributes() -> dict[str, Any]:
        return attributes_of(body, input_tokens=tokens_in(messages), output_tokens=0)

    setup = set_up(check, body, shelf, changes, default=names.VENDOR_DEFAULT_RECIPE, attributes=attributes)
    check.finish()
    conversation = Conversation(messages, frozenset(range(len(messages))))
    return TextGuardCall(body, form, conversation, recipe, bool(debug), setup, log_fields, serialized)


def text_guard_answer(call: TextGuardCall, evaluation: Evaluation) -> tuple[str, dict[str, Any]]:
    """The summary and the result."""
    evaluation = in_vendor_types(evaluation)
    result: dict[str, Any] = {
        "recipe": call.recipe or names.vendor_recipe(evaluation.recipe),
        "blocked": evaluation.blocked,
        "transformed": evaluation.transformed,
    }
    match call.form:
        case Form.TEXT:
            result["prompt_text"] = evaluation.texts.get(("text",), call.document["text"])
        case Form.UNKNOWN:
            result["prompt_text"] = evaluation.texts.get(("messages",), call.serialized)
        case Form.OBJECT:
            result["prompt_messages"] = put_back(call.document, evaluation.texts)["messages"]
        case Form.LIST:
            result["prompt_messages"] = _listed(put_back(call.document, evaluation.texts)["messages"])
    result["detectors"] = rendered_detectors(evaluation, names.TEXT_GUARD, call.setup.changes, debug=call.debug)
    if call.setup.access.outcomes:
        result["access_rules"] = call.setup.access.rendered(blocked=evaluation.blocked, debug=call.debug)
    if evaluation.fpe_context is not None:
        result["fpe_context"] = evaluation.fpe_context
    sentence = call.setup.access.summary(blocked=evaluation.blocked)
    return sentence + summary_of(evaluation, names.TEXT_GUARD, call.setup.changes), result


def tokens_in(messages: Iterable[Message], counts: Callable[[Path], bool] = lambda path: True) -> int:
    """Tokens, by the rule of thumb, of the texts whose path counts."""
    characters = 0
    for message in messages:
        texts = [(part.path, part.text) for part in message.parts if part.kind is not PartKind.IMAGE]
        texts += [(call.path, call.arguments) for call in message.tool_calls]
        characters += sum(len(text) for path, text in texts if counts(path))
    return -(-characters // CHARACTERS_PER_TOKEN)


def compact_json(value: Any) -> str:
    """`value` as JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def check_size(check: Checker, text: str, path: Path, limit_bytes: int) -> None:
    """Note when `text` is longer than it may be; counted in UTF-8."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if size > limit_bytes:
        check.add("AboveMaxLength", f"must be at most {limit_bytes} bytes long, not {size}", path)


def _read_content(check: Checker, body: Mapping[str, Any]) -> tuple[Form, tuple[Message, ...], str]:
    if "text" in body and "messages" in body:
        check.add("MutuallyExclusive", "only one of text and messages may be given", ())
    elif "text" in body:
        text = check.string(body, "text", ()) or ""
        check_size(check, text, ("text",), LIMIT_BYTES)
        return Form.TEXT, _one_text(text, ("text",)), ""
    elif "messages" in body:
        messages = body["messages"]
        if isinstance(messages, list | dict):
            return _read_messages(check, messages)
        check.wrong_type("array", ("messages",))
    else:
        check.add("MustProvideOne", "one of text and messages must be given", ())
    return Form.TEXT, _one_text("", ("text",)), ""


def _read_messages(check: Checker, messages: Any) -> tuple[Form, tuple[Message, ...], str]:
    serialized = compact_json(messages)
    check_size(check, serialized, ("messages",), LIMIT_BYTES)
    if check.problems:
        return Form.UNKNOWN, _one_text("", ("messages",)), serialized
    try:
        found = messages_in(messages, ("messages",))
    except Unreadable:
        return Form.UNKNOWN, _one_text(serialized, ("messages",)), serialized
    return (Form.LIST if isinstance(messages, list) else Form.OBJECT), found, ""


def _one_text(text: str, path: Path) -> tuple[Message, ...]:
    return (Message(Role.USER, (ContentPart(PartKind.TEXT, text, path),)),)


def _listed(messages: list[Any]) -> list[Any]:
    """The messages so that the vendor's Python client can read them: string `role`, string `content` where it had one.

    Lists of content parts go back as they came; that client cannot have sent them.
    """
    return [_message(message) for message in messages]


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    out = dict(message)
    if not isinstance(out.get("role"), str):
        out["role"] = role_named(out.get("type")).value
    if out["role"] == "tools" and not isinstance(out.get("content"), str):
        out["content"] = compact_json(out.get("content"))
    if out.get("content") is None and "parts" not in out:
        out["content"] = ""
    return out


def _read_log_fields(check: Checker, body: Mapping[str, Any]) -> LogFields:
    if "log_fields" not in body:
        return LogFields()
    path = ("log_fields",)
    table = check.table(body["log_fields"], path, _LOG_FIELDS)
    return LogFields(**{name: check.string(table, name, path) or "" for name in _LOG_FIELDS})
