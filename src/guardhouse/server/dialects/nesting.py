"""How deep a document is: what follows a document recursively needs a bound that the JSON parser does not give."""

from __future__ import annotations

from collections.abc import Mapping

MOST_LEVELS = 200


def is_deep(document: object) -> bool:
    """True when objects and lists lie more than `MOST_LEVELS` deep in each other. Linear, and never recursive."""
    level = [document]
    for _ in range(MOST_LEVELS + 1):
        below: list[object] = []
        for node in level:
            if isinstance(node, Mapping):
                below.extend(node.values())
            elif isinstance(node, list):
                below.extend(node)
        if not below:
            return False
        level = below
    return True
