"""What is judged: a conversation of messages, in which every text knows its place in the caller's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

Path = tuple[str | int, ...]
"""Keys and indexes from the root of the caller's JSON document to one string."""


def render_path(path: Sequence[str | int]) -> str:
    """`messages[2].content` for `("messages", 2, "content")`; the empty string for the document itself."""
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        else:
            out += f".{step}" if out else step
    return out


class Role(StrEnum):
    """Who speaks. A role that is not in this list is read as `USER`, the least trusted speaker of prompts."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    DOCUMENT = "document"


class Channel(StrEnum):
    """How far a text can be trusted; the same words are an order from a user and an attack in a tool result."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"
    DOCUMENT = "document"


CHANNEL_OF_ROLE = {
    Role.SYSTEM: Channel.SYSTEM,
    Role.DEVELOPER: Channel.SYSTEM,
    Role.USER: Channel.USER,
    Role.ASSISTANT: Channel.ASSISTANT,
    Role.TOOL: Channel.TOOL,
    Role.DOCUMENT: Channel.DOCUMENT,
}


class PartKind(StrEnum):
    """What a content part holds."""

    TEXT = "text"
    IMAGE = "image"
    OTHER = "other"


class TextForm(StrEnum):
    """What a string is: prose, a tool call's arguments (usually JSON inside a string), or what an image says."""

    CONTENT = "content"
    ARGUMENTS = "arguments"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class ContentPart:
    """One part of a message. `text` is the text, or the URL of an image; `path` leads to that string."""

    kind: PartKind
    text: str
    path: Path


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the assistant asks for. `arguments` is a string, usually JSON, not always; `path` leads to it."""

    id: str
    name: str
    arguments: str
    path: Path


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `tool_call_id` is set on answers of tools and may match no call."""

    role: Role
    parts: tuple[ContentPart, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class SourceText:
    """One string of the conversation with all that is known of its origin.

    The text of an image has the path of the image's URL; spans count in the text as it was recognised.
    """

    value: str
    path: Path
    channel: Channel
    message: int
    """Index of its message in the conversation."""
    form: TextForm = TextForm.CONTENT
    tool_name: str = ""
    """The tool called, for arguments; the tool that answered, for a tool result whose call is known."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages, oldest first. `judged` holds the indexes the verdict is about; the others are context."""

    messages: tuple[Message, ...]
    judged: frozenset[int]

    def __post_init__(self) -> None:
        if not self.messages:
            raise ValueError("a conversation has at least one message")
        if not self.judged or not all(0 <= index < len(self.messages) for index in self.judged):
            raise ValueError("judged messages must be in the conversation, at least one of them")


def last_turn(messages: Sequence[Message]) -> frozenset[int]:
    """Indexes of the last message, with the tool results or answers that stand in one run with it.

    Parallel tool calls are answered by several `tool` messages in a row, and several choices of one answer are
    several `assistant` messages: a guard that judged only the last of them would miss the others.
    """
    last = len(messages) - 1
    first = last
    if messages[last].role in (Role.TOOL, Role.ASSISTANT):
        while first > 0 and messages[first - 1].role is messages[last].role:
            first -= 1
    return frozenset(range(first, last + 1))
