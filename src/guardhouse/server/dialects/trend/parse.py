"""The three bodies: a prompt, a chat request, a chat answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guardhouse.errors import InvalidInput
from guardhouse.model.conversation import Conversation, Message, Path, Role
from guardhouse.model.messages import conversation_from_text, message_from_dict
from guardhouse.model.recipe import DetectorOverride, Overrides
from guardhouse.server.dialects.nesting import MOST_LEVELS, is_deep
from guardhouse.server.dialects.trend.headers import RequestType

_TRUSTED = (Role.SYSTEM, Role.DEVELOPER)
_HOSTILE = ("prompt_attack", "tool_call", "harmful_content")
"""What a system message alone is not judged for: it is the application's own word."""


@dataclass(frozen=True, slots=True)
class Body:
    """A body that fits its declared type. `disabled` are detectors that make no sense for it."""

    conversation: Conversation
    disabled: tuple[str, ...] = ()

    def overrides(self, changes: Mapping[str, DetectorOverride]) -> Overrides | None:
        """The changes to the recipe that this body needs beside `changes`; None for none."""
        detectors = {**changes, **{name: DetectorOverride(disabled=True) for name in self.disabled}}
        return Overrides(detectors) if detectors else None


def read_body(document: object, kind: RequestType) -> Body:
    """The body's texts. Raises `InvalidInput` when it does not fit `kind`; members that are not read are let be."""
    if not isinstance(document, Mapping):
        raise InvalidInput("the body must be a JSON object", code="wrong_type", expected="object")
    if is_deep(document):
        raise InvalidInput(f"the body is nested more than {MOST_LEVELS} levels deep")
    match kind:
        case RequestType.SIMPLE:
            return _simple(document)
        case RequestType.CHAT_REQUEST:
            return _chat_request(document)
        case RequestType.CHAT_RESPONSE:
            return _chat_response(document)


def _simple(document: Mapping[str, Any]) -> Body:
    prompt = _required(document, "prompt", RequestType.SIMPLE)
    if not isinstance(prompt, str):
        raise InvalidInput.wrong_type("string", ("prompt",))
    return Body(conversation_from_text(prompt, path=("prompt",)))


def _chat_request(document: Mapping[str, Any]) -> Body:
    listed = _list(_required(document, "messages", RequestType.CHAT_REQUEST), ("messages",))
    messages = tuple(_message(item, ("messages", index)) for index, item in enumerate(listed))
    if not messages:
        return Body(Conversation((Message(Role.USER),), frozenset({0})))
    # Every turn counts, not only the last. The application's own instructions are context, unless there is nothing
    # else: then they are looked through for sensitive data only.
    judged = frozenset(index for index, message in enumerate(messages) if message.role not in _TRUSTED)
    if judged:
        return Body(Conversation(messages, judged))
    return Body(Conversation(messages, frozenset(range(len(messages)))), disabled=_HOSTILE)


def _chat_response(document: Mapping[str, Any]) -> Body:
    choices = _list(_required(document, "choices", RequestType.CHAT_RESPONSE), ("choices",))
    messages = []
    for index, choice in enumerate(choices):
        path = ("choices", index, "message")
        answer = _object(_object(choice, path[:2]).get("message"), path)
        messages.append(_message({"role": "assistant", **answer}, path))
    if not messages:
        messages.append(Message(Role.ASSISTANT))
    return Body(Conversation(tuple(messages), frozenset(range(len(messages)))))


def _message(item: Any, path: Path) -> Message:
    """One message; a missing or odd role is a user's."""
    data = dict(_object(item, path))
    if not isinstance(data.get("role"), str):
        data["role"] = "user"
    return message_from_dict(data, path)


def _required(document: Mapping[str, Any], name: str, kind: RequestType) -> Any:
    """The member that makes a body of this type. Without it, the type and the body do not belong together."""
    if name not in document:
        raise InvalidInput(
            f"{name} is required for {kind.value}; make TMV1-Request-Type match the body", path=(name,), code="missing"
        )
    return document[name]


def _object(value: Any, path: Path) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInput.wrong_type("object", path)
    return value


def _list(value: Any, path: Path) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidInput.wrong_type("array", path)
    return value
