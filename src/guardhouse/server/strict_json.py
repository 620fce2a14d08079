"""JSON from strangers: UTF-8 only, no NaN, no depth that breaks the parser; lone surrogates are let through."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from guardhouse.errors import InvalidInput


def decode_json(body: bytes) -> Any:
    """The document in `body`.

    msgspec does the work; what it refuses is read again by the standard library, which also takes lone surrogate
    escapes (Python clients send them) and integers over 64 bits. Raises `InvalidInput` with path `()` for an empty
    body, bytes that are not UTF-8, malformed JSON, NaN, infinities and nesting deeper than about 1,000.
    """
    if not body.strip():
        raise InvalidInput("the body is empty; a JSON document was expected", code="empty")
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _decode_slowly(body)
    except RecursionError:
        raise InvalidInput("the JSON is nested too deeply") from None


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
        raise InvalidInput("the JSON is nested too deeply") from None
    except ValueError as error:
        # Integers of thousands of digits, and the two hooks below.
        raise InvalidInput("the body holds a number that cannot be used", code="out_of_range") from error


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise ValueError("number out of range")
    return value
