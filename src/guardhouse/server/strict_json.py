"""JSON from strangers: UTF-8 only, no NaN, bounded nesting; lone surrogates are let through."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from guardhouse.errors import InvalidInput

MAX_DEPTH = 100
"""Deepest nesting of objects and lists. Whatever walks the document later may so walk it by recursion."""


def decode_json(body: bytes) -> Any:
    """The document in `body`.

    msgspec does the work; what it refuses is read again by the standard library, which also takes lone surrogate
    escapes (Python clients send them) and integers over 64 bits. Raises `InvalidInput` with path `()` for an empty
    body, bytes that are not UTF-8, malformed JSON, NaN, infinities and nesting deeper than `MAX_DEPTH`.
    """
    if not body.strip():
        raise InvalidInput("the body is empty; a JSON document was expected", code="empty")
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        document = _decode_slowly(body)
    except RecursionError:
        raise _too_deep() from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _refuse_depth(document)
    return document


def encode_json(value: Any) -> bytes:
    """`value` as UTF-8 JSON; with lone surrogates in it, as ASCII with escapes."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def _decode_slowly(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the body is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise InvalidInput(f"the body is not JSON: {error.msg} (character {error.pos})") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        # Integers of thousands of digits, and the two hooks below.
        raise InvalidInput("the body holds a number that cannot be used", code="out_of_range") from None


def _refuse_depth(document: Any) -> None:
    """Raises `InvalidInput` where `document` is deeper than `MAX_DEPTH`; level by level, without recursion."""
    level = [document] if isinstance(document, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> InvalidInput:
    return InvalidInput(f"the JSON is nested deeper than {MAX_DEPTH} levels")


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return value
