"""Chat messages as applications write them, read into a `Conversation`.

Lenient on purpose: a guard that refuses a message is a guard that callers switch off. What has no meaning here is
ignored; what cannot be read at all (a message that is no object, content that is a number) is the caller's mistake.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from guardhouse.errors import InvalidInput
from guardhouse.model.conversation import (
    ContentPart,
    Conversation,
    Message,
    PartKind,
    Path,
    Role,
    ToolCall,
    last_turn,
    render_path,
)

_ROLES = {role.value: role for role in Role} | {
    "function": Role.TOOL,
    "context": Role.DOCUMENT,
    "model": Role.ASSISTANT,
}


def conversation_from_text(text: str, *, path: Path = ("text",), role: Role = Role.USER) -> Conversation:
    """One message holding one text, judged."""
    part = ContentPart(PartKind.TEXT, text, path)
    call_id = "" if role is Role.TOOL else None
    return Conversation((Message(role, (part,), tool_call_id=call_id),), frozenset({0}))


def conversation_from_messages(
    messages: object, *, path: Path = ("messages",), judge_all: bool = False
) -> Conversation:
    """A conversation from `[{role, content, tool_calls?, tool_call_id?}, ...]`; `path` leads to the list.

    Without `judge_all` the last turn is judged (see `last_turn`). Raises `InvalidInput` when `messages` is no list,
    is empty, or a message cannot be read.
    """
    if not isinstance(messages, list | tuple):
        raise InvalidInput.wrong_type("array", path)
    if not messages:
        raise InvalidInput(f"{render_path(path)} must not be empty", path=path, code="empty")
    read = tuple(message_from_dict(item, (*path, index)) for index, item in enumerate(messages))
    return Conversation(read, frozenset(range(len(read))) if judge_all else last_turn(read))


def message_from_dict(data: object, path: Path) -> Message:
    """One message. An unknown role is read as a user's; parts and calls that make no sense are left out."""
    if not isinstance(data, Mapping):
        raise InvalidInput.wrong_type("object", path)
    if "role" not in data:
        raise InvalidInput(f"{render_path(path)}.role is required", path=(*path, "role"), code="missing")
    role_name = data["role"]
    if not isinstance(role_name, str):
        raise InvalidInput.wrong_type("string", (*path, "role"))
    call_id = data.get("tool_call_id")
    return Message(
        role=_ROLES.get(role_name.lower(), Role.USER),
        parts=parts_from_content(data.get("content"), (*path, "content")),
        tool_calls=_tool_calls(data.get("tool_calls"), (*path, "tool_calls")),
        tool_call_id=call_id if isinstance(call_id, str) else None,
    )


def parts_from_content(content: object, path: Path) -> tuple[ContentPart, ...]:
    """Content parts from a string, a list of parts, or None."""
    if content is None:
        return ()
    if isinstance(content, str):
        return (ContentPart(PartKind.TEXT, content, path),)
    if not isinstance(content, list | tuple):
        raise InvalidInput.wrong_type("string or array", path)
    return tuple(part for index, item in enumerate(content) for part in _parts_of_item(item, (*path, index)))


def _parts_of_item(item: object, path: Path) -> Sequence[ContentPart]:
    if isinstance(item, str):
        return (ContentPart(PartKind.TEXT, item, path),)
    if not isinstance(item, Mapping):
        return (ContentPart(PartKind.OTHER, "", path),)
    for member in ("text", "refusal", "content"):
        if isinstance(item.get(member), str):
            return (ContentPart(PartKind.TEXT, item[member], (*path, member)),)
    if isinstance(item.get("content"), list):
        return parts_from_content(item["content"], (*path, "content"))
    image = item.get("image_url")
    if isinstance(image, str):
        return (ContentPart(PartKind.IMAGE, image, (*path, "image_url")),)
    if isinstance(image, Mapping) and isinstance(image.get("url"), str):
        return (ContentPart(PartKind.IMAGE, image["url"], (*path, "image_url", "url")),)
    return (_image_source(item, path) or ContentPart(PartKind.OTHER, "", path),)


def _image_source(item: Mapping[str, Any], path: Path) -> ContentPart | None:
    """The image of a part that holds bare base64 or a URL: `source` with `data` or `url`, `inline_data` with `data`."""
    for member, names in (("source", ("data", "url")), ("inline_data", ("data",)), ("inlineData", ("data",))):
        source = item.get(member)
        if not isinstance(source, Mapping):
            continue
        kind = source.get("media_type") or source.get("mime_type") or source.get("mimeType") or item.get("type")
        for name in names:
            if isinstance(kind, str) and kind.startswith("image") and isinstance(source.get(name), str):
                return ContentPart(PartKind.IMAGE, source[name], (*path, member, name))
    return None


def _tool_calls(calls: object, path: Path) -> tuple[ToolCall, ...]:
    if not isinstance(calls, list | tuple):
        return ()
    return tuple(call for index, item in enumerate(calls) if (call := _tool_call(item, (*path, index))) is not None)


def _tool_call(item: Any, path: Path) -> ToolCall | None:
    if not isinstance(item, Mapping):
        return None
    function = item.get("function")
    holder, holder_path = (function, (*path, "function")) if isinstance(function, Mapping) else (item, path)
    arguments = holder.get("arguments")
    if arguments is None:
        arguments = ""
    if not isinstance(arguments, str):
        # Some frameworks pass the decoded object. It is judged as its JSON text; the path leads to the object, which
        # redaction replaces by the edited object (see `redaction.apply.put_back`).
        arguments = _as_json(arguments)
    name = holder.get("name")
    identity = item.get("id")
    return ToolCall(
        id=identity if isinstance(identity, str) else "",
        name=name if isinstance(name, str) else "",
        arguments=arguments,
        path=(*holder_path, "arguments"),
    )


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
