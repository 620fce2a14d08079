"""Texts of a model call in any provider's JSON: where they lie, who speaks them, what tools are called.

Two forms are read: a list of messages, and an object (a request to, or an answer of, OpenAI, Azure, Anthropic, Bedrock,
Cohere, Gemini, or the state of an agent framework). What fits none is not guessed at: the caller judges it as one text.
Nothing here changes the document; every text carries its path in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from guardhouse.model.conversation import ContentPart, Message, PartKind, Path, Role, ToolCall

_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.DEVELOPER,
    "user": Role.USER,
    "human": Role.USER,
    "assistant": Role.ASSISTANT,
    "ai": Role.ASSISTANT,
    "model": Role.ASSISTANT,
    "chatbot": Role.ASSISTANT,
    "tool": Role.TOOL,
    "function": Role.TOOL,
    "function_call": Role.ASSISTANT,
    "function_call_output": Role.TOOL,
    "context": Role.DOCUMENT,
    "document": Role.DOCUMENT,
    "tools": Role.DOCUMENT,
}
_SCHEMA_WORDS = frozenset({"name", "type", "$schema", "$ref", "$id", "format", "pattern", "id"})
_IDENTIFIER = re.compile(r"[\w.:/#$-]{1,64}")
"""Under the words above, a tool description holds identifiers; anything longer or with blanks is judged."""


class Unreadable(Exception):
    """The JSON follows no known form."""


def messages_in(document: object, path: Path) -> tuple[Message, ...]:
    """All messages of `document`, oldest first; at least one, perhaps without text. Raises `Unreadable`."""
    if isinstance(document, list):
        found = list(_turns(document, path))
    elif isinstance(document, Mapping):
        found = list(_messages_of_object(document, path))
    else:
        raise Unreadable
    return tuple(found) or (Message(Role.USER),)


def leaves(document: object, path: Path) -> Iterator[ContentPart]:
    """Every string in `document`, in order."""
    stack: list[tuple[object, Path]] = [(document, path)]
    while stack:
        value, where = stack.pop()
        if isinstance(value, str):
            yield ContentPart(PartKind.TEXT, value, where)
        elif isinstance(value, Mapping):
            stack.extend((item, (*where, name)) for name, item in reversed(list(value.items())))
        elif isinstance(value, list):
            stack.extend((item, (*where, index)) for index, item in reversed(list(enumerate(value))))


def role_named(name: object) -> Role:
    """The role of any provider's word for it; what is not known is a user, the least trusted speaker."""
    return _ROLES.get(name.lower(), Role.USER) if isinstance(name, str) else Role.USER


# --- objects ---------------------------------------------------------------------------------------------------------


def _messages_of_object(document: Mapping[str, Any], path: Path) -> Iterator[Message]:
    read = False
    if isinstance(document.get("content"), str | list) and "messages" not in document:
        yield from _turn({"role": "assistant", **document}, path)
        read = True
    for name, reader in _MEMBERS.items():
        if document.get(name) is not None:
            yield from reader(document[name], (*path, name))
            read = True
    if not read:
        raise Unreadable


def _system(value: Any, path: Path) -> Iterator[Message]:
    """A string, a list of text parts, or `{parts: [...]}`."""
    if isinstance(value, Mapping) and "parts" in value:
        value, path = value["parts"], (*path, "parts")
    yield from _speech(Role.SYSTEM, value, path)


def _described(value: Any, path: Path) -> Iterator[Message]:
    """Descriptions of tools: prose that reaches the model and that a hostile tool server may have written."""
    parts = tuple(
        part
        for part in leaves(value, path)
        if part.path[-1] not in _SCHEMA_WORDS or not _IDENTIFIER.fullmatch(part.text)
    )
    if parts:
        yield Message(Role.DOCUMENT, parts)


def _documents(value: Any, path: Path) -> Iterator[Message]:
    parts = tuple(leaves(value, path))
    if parts:
        yield Message(Role.DOCUMENT, parts)


def _one_or_many(value: Any, path: Path) -> Iterator[Message]:
    """A prompt as a string, one turn, or a list of turns."""
    if isinstance(value, Mapping):
        yield from _turn(value, path)
    elif isinstance(value, list):
        yield from _turns(value, path)
    else:
        yield from _speech(Role.USER, value, path)


def _turns(value: Any, path: Path) -> Iterator[Message]:
    if not isinstance(value, list):
        raise Unreadable
    for index, item in enumerate(value):
        yield from _turn(item, (*path, index))


def _answer(value: Any, path: Path) -> Iterator[Message]:
    """`message`: an answer's object, or a user's string in one older form."""
    if isinstance(value, str):
        yield from _speech(Role.USER, value, path)
    elif isinstance(value, Mapping):
        yield from _turn({"role": "assistant", **value}, path)
    else:
        raise Unreadable


def _output(value: Any, path: Path) -> Iterator[Message]:
    """`{message: {...}}`, or a list of answered items."""
    if isinstance(value, Mapping) and "message" in value:
        yield from _answer(value["message"], (*path, "message"))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, Mapping) and ("content" in item or "arguments" in item):
                yield from _turn({"role": "assistant", **item}, (*path, index))
    else:
        yield from _speech(Role.ASSISTANT, value, path)


def _choices(value: Any, path: Path) -> Iterator[Message]:
    """Answers, one message each: `choices[].message`, `choices[].text` or `candidates[].content`."""
    if not isinstance(value, list):
        raise Unreadable
    for index, item in enumerate(value):
        where = (*path, index)
        if not isinstance(item, Mapping):
            raise Unreadable
        holder = next((name for name in ("message", "delta", "content") if isinstance(item.get(name), Mapping)), None)
        if holder is not None:
            yield from _turn({"role": "assistant", **item[holder]}, (*where, holder))
        elif isinstance(item.get("text"), str):
            yield from _speech(Role.ASSISTANT, item["text"], (*where, "text"))


def _completion(value: Any, path: Path) -> Iterator[Message]:
    yield from _speech(Role.ASSISTANT, value, path)


_MEMBERS: dict[str, Callable[[Any, Path], Iterator[Message]]] = {
    "system": _system,
    "system_instruction": _system,
    "system_instructions": _system,
    "systemInstruction": _system,
    "instructions": _system,
    "preamble": _system,
    "tools": _described,
    "documents": _documents,
    "chat_history": _turns,
    "prompt": _one_or_many,
    "messages": _turns,
    "contents": _one_or_many,
    "input": _one_or_many,
    "message": _answer,
    "output": _output,
    "choices": _choices,
    "candidates": _choices,
    "completion": _completion,
}
"""Readers by member, in the order in which a model reads what they hold."""


# --- turns -----------------------------------------------------------------------------------------------------------


def _turn(item: Any, path: Path) -> Iterator[Message]:
    """One message: `{role | type, content | parts | message | data}`, with the tool calls and results in it."""
    if not isinstance(item, Mapping) or not isinstance(item.get("role", ""), str | None):
        raise Unreadable
    name = item.get("role") or item.get("type")
    if isinstance(item.get("data"), Mapping) and "content" in item["data"]:
        item, path = item["data"], (*path, "data")
    if isinstance(name, str) and name.lower() == "tools":
        described = list(_described(item.get("content"), (*path, "content")))
        yield from described or [Message(Role.DOCUMENT)]
        return
    member = next((word for word in ("content", "parts", "message", "output", "text") if word in item), None)
    calls = tuple(_calls(item, path))
    if member is None and not calls:
        raise Unreadable
    call_id = item.get("tool_call_id")
    role = Role.ASSISTANT if calls and name is None else role_named(name)
    content, where = (None, path) if member is None else (item[member], (*path, member))
    yield from _speech(role, content, where, calls=calls, call_id=call_id if isinstance(call_id, str) else None)


def _speech(
    role: Role, content: Any, path: Path, *, calls: tuple[ToolCall, ...] = (), call_id: str | None = None
) -> Iterator[Message]:
    """The message that `content` (a string, parts, or null) makes, and one more for each tool result in it."""
    if content is None:
        yield Message(role, tool_calls=calls, tool_call_id=call_id)
        return
    if isinstance(content, str):
        yield Message(role, (ContentPart(PartKind.TEXT, content, path),), calls, call_id)
        return
    if not isinstance(content, list):
        raise Unreadable
    parts: list[ContentPart] = []
    called: list[ToolCall] = list(calls)
    results: list[Message] = []
    for index, item in enumerate(content):
        where = (*path, index)
        if isinstance(item, str):
            parts.append(ContentPart(PartKind.TEXT, item, where))
        elif not isinstance(item, Mapping):
            raise Unreadable
        elif (call := _called_part(item, where)) is not None:
            called.append(call)
        elif (result := _result_part(item, where)) is not None:
            results.append(result)
        else:
            parts.append(_part(item, where))
    yield Message(role, tuple(parts), tuple(called), call_id)
    yield from results


def _part(item: Mapping[str, Any], path: Path) -> ContentPart:
    for member in ("text", "refusal", "thinking", "content"):
        if isinstance(item.get(member), str):
            return ContentPart(PartKind.TEXT, item[member], (*path, member))
    image = item.get("image_url")
    for member, value in (("image_url", image), ("image_content_url", item.get("image_content_url"))):
        if isinstance(value, str):
            return ContentPart(PartKind.IMAGE, value, (*path, member))
    if isinstance(image, Mapping) and isinstance(image.get("url"), str):
        return ContentPart(PartKind.IMAGE, image["url"], (*path, "image_url", "url"))
    source = item.get("source")
    if isinstance(source, Mapping) and source.get("type") == "text" and isinstance(source.get("data"), str):
        return ContentPart(PartKind.TEXT, source["data"], (*path, "source", "data"))
    return ContentPart(PartKind.OTHER, "", path)


def _calls(item: Mapping[str, Any], path: Path) -> Iterator[ToolCall]:
    """`tool_calls`, the older `function_call`, and a bare `{name, arguments}` item."""
    listed = item.get("tool_calls")
    for index, call in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(call, Mapping):
            nested = isinstance(call.get("function"), Mapping)
            where = (*path, "tool_calls", index)
            yield from _call(call, call["function"] if nested else call, (*where, "function") if nested else where)
    if isinstance(item.get("function_call"), Mapping):
        yield from _call(item, item["function_call"], (*path, "function_call"))
    elif item.get("type") == "function_call":
        yield from _call(item, item, path)


def _call(outer: Mapping[str, Any], call: Mapping[str, Any], path: Path) -> Iterator[ToolCall]:
    member = next((word for word in ("arguments", "args", "input") if word in call), None)
    if member is not None:
        yield _tool_call(outer.get("id") or outer.get("call_id"), call.get("name"), call[member], (*path, member))


def _called_part(item: Mapping[str, Any], path: Path) -> ToolCall | None:
    if item.get("type") == "tool_use":
        return _tool_call(item.get("id"), item.get("name"), item.get("input"), (*path, "input"))
    for member, identity, arguments in (("toolUse", "toolUseId", "input"), ("functionCall", "id", "args")):
        call = item.get(member)
        if isinstance(call, Mapping):
            return _tool_call(call.get(identity), call.get("name"), call.get(arguments), (*path, member, arguments))
    return None


def _tool_call(identity: object, name: object, arguments: object, path: Path) -> ToolCall:
    if not isinstance(arguments, str):
        # Judged as JSON; `put_back` turns the edited JSON into an object again, the path leading to the object.
        arguments = "" if arguments is None else json.dumps(arguments, ensure_ascii=False)
    return ToolCall(
        id=identity if isinstance(identity, str) else "",
        name=name if isinstance(name, str) else "",
        arguments=arguments,
        path=path,
    )


def _result_part(item: Mapping[str, Any], path: Path) -> Message | None:
    """A tool's answer that lies among the parts of a user's message, as a message of the tool's own."""
    if item.get("type") == "tool_result":
        return _result(item.get("tool_use_id"), item.get("content"), (*path, "content"))
    for member, identity, content in (("toolResult", "toolUseId", "content"), ("functionResponse", "id", "response")):
        answer = item.get(member)
        if isinstance(answer, Mapping):
            return _result(answer.get(identity), answer.get(content), (*path, member, content))
    return None


def _result(identity: object, content: object, path: Path) -> Message:
    return Message(Role.TOOL, tuple(leaves(content, path)), tool_call_id=identity if isinstance(identity, str) else "")
