"""The part of JSONPath (RFC 9535) that chooses fields: names, indexes, slices, wildcards, unions, descendants.

No filters and no functions: they are programs, and these paths come from strangers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from guardhouse.model.conversation import Path

LONGEST = 1_000
MOST_VISITS = 500_000
"""Values looked at for one path, all steps together."""
_NAME = re.compile(r"[^\W\d][\w-]*")
_SELECTOR = re.compile(
    r"\s*(?:(?P<wild>\*)|(?P<slice>-?\d{0,9}:-?\d{0,9}(?::-?\d{1,9})?)|(?P<index>-?\d{1,9})"
    r"|(?P<single>'(?:[^'\\]|\\.)*')|(?P<double>\"(?:[^\"\\]|\\.)*\"))\s*(?P<end>[,\]])"
)
Node = tuple[Path, Any]
Selector = Callable[[Node], Iterator[Node]]


class JsonPathError(ValueError):
    """The path cannot be read, or asks for too much."""


def select(path: str, document: Any, *, root: Path = ()) -> list[Node]:
    """The values that `path` chooses in `document`, each once, with their paths behind `root`.

    Raises `JsonPathError`.
    """
    nodes: dict[Path, Any] = {root: document}
    visits = 0
    for is_descendant, selectors in _segments(path):
        chosen: dict[Path, Any] = {}
        seen: set[Path] = set()
        for node in nodes.items():
            for start in _descendants(node) if is_descendant else (node,):
                visits += 1
                if visits > MOST_VISITS:
                    raise JsonPathError("chooses too much")
                if start[0] in seen:
                    continue
                seen.add(start[0])
                for selector in selectors:
                    for found, value in selector(start):
                        chosen[found] = value
                        visits += 1
        nodes = chosen
    return list(nodes.items())


def _segments(path: str) -> list[tuple[bool, list[Selector]]]:
    if len(path) > LONGEST:
        raise JsonPathError(f"is longer than {LONGEST} characters")
    if not path.startswith("$"):
        raise JsonPathError("must begin with $")
    segments: list[tuple[bool, list[Selector]]] = []
    position = 1
    while position < len(path):
        is_descendant = path.startswith("..", position)
        if is_descendant:
            position += 2
        elif path[position] == ".":
            position += 1
        if path.startswith("[", position) and (is_descendant or path[position - 1] != "."):
            selectors, position = _bracketed(path, position + 1)
        elif path.startswith("*", position):
            selectors, position = [_children], position + 1
        else:
            name = _NAME.match(path, position)
            if name is None or path[position - 1] != ".":
                raise JsonPathError(f"cannot be read from character {position}")
            selectors, position = [_named(name[0])], name.end()
        segments.append((is_descendant, selectors))
    return segments


def _bracketed(path: str, position: int) -> tuple[list[Selector], int]:
    selectors: list[Selector] = []
    while True:
        match = _SELECTOR.match(path, position)
        if match is None:
            raise JsonPathError(f"cannot be read from character {position}")
        if match["wild"]:
            selectors.append(_children)
        elif match["slice"] is not None:
            selectors.append(_sliced(match["slice"]))
        elif match["index"] is not None:
            selectors.append(_indexed(int(match["index"])))
        else:
            selectors.append(_named(_unquoted(match["single"] or match["double"])))
        position = match.end()
        if match["end"] == "]":
            return selectors, position


def _unquoted(quoted: str) -> str:
    if quoted[0] == "'":
        quoted = '"' + quoted[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
    try:
        return str(json.loads(quoted))
    except ValueError:
        raise JsonPathError("holds a name that cannot be read") from None


def _children(node: Node) -> Iterator[Node]:
    path, value = node
    if isinstance(value, dict):
        yield from (((*path, name), item) for name, item in value.items())
    elif isinstance(value, list):
        yield from (((*path, index), item) for index, item in enumerate(value))


def _descendants(node: Node) -> Iterator[Node]:
    """The node itself and all below it."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(_children(current))


def _named(name: str) -> Selector:
    def select_name(node: Node) -> Iterator[Node]:
        path, value = node
        if isinstance(value, dict) and name in value:
            yield (*path, name), value[name]

    return select_name


def _indexed(index: int) -> Selector:
    def select_index(node: Node) -> Iterator[Node]:
        path, value = node
        if isinstance(value, list) and -len(value) <= index < len(value):
            place = index % len(value)
            yield (*path, place), value[place]

    return select_index


def _sliced(text: str) -> Selector:
    parts = [int(part) if part else None for part in text.split(":")]
    step = parts[2] if len(parts) > 2 else None
    if step == 0:
        raise JsonPathError("has a slice that does not move")

    def select_slice(node: Node) -> Iterator[Node]:
        path, value = node
        if isinstance(value, list):
            for place in range(*slice(parts[0], parts[1], step).indices(len(value))):
                yield (*path, place), value[place]

    return select_slice
