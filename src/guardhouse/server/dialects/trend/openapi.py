"""The endpoint in OpenAPI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guardhouse.server.openapi import OBJECT, operation

_STRING = {"type": "string"}
_FLAG = {"type": "boolean"}
_SCORE = {"type": "number", "minimum": 0, "maximum": 1}
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "object", "properties": {"code": _STRING, "message": _STRING}}},
}
_BODY = {
    "type": "object",
    "description": "`prompt`, `messages` or `choices`, as TMV1-Request-Type says.",
    "properties": {
        "prompt": _STRING,
        "messages": {"type": "array", "items": OBJECT},
        "choices": {"type": "array", "items": OBJECT},
    },
}
_ANSWER = {
    "type": "object",
    "required": ["id", "action", "reasons", "reason"],
    "properties": {
        "id": _STRING,
        "action": {"enum": ["Allow", "Block"]},
        "reasons": {"type": "array", "items": _STRING},
        "reason": _STRING,
        "redactedRequest": OBJECT,
        "harmfulContent": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"category": _STRING, "hasPolicyViolation": _FLAG, "confidenceScore": _SCORE},
            },
        },
        "sensitiveInformation": {
            "type": "object",
            "properties": {
                "hasPolicyViolation": _FLAG,
                "rules": {"type": "array", "items": {"type": "object", "properties": {"id": _STRING}}},
            },
        },
        "promptAttacks": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"type": _STRING, "hasPolicyViolation": _FLAG, "confidenceScore": _SCORE},
            },
        },
    },
}


def openapi_paths(paths: Sequence[str]) -> dict[str, Any]:
    """The one endpoint under each of `paths`."""
    return {path: {"post": _operation()} for path in paths}


def _operation() -> dict[str, Any]:
    return operation(
        "Judge a prompt, a chat request or a chat answer of an application.",
        body=_BODY,
        answers={
            200: ("The verdict; a block too.", _ANSWER),
            400: ("The headers or the body do not fit.", _ERROR),
            401: ("No live key.", _ERROR),
            403: ("The key may not evaluate, or belongs to another application.", _ERROR),
            413: ("The body is too large.", _ERROR),
            429: ("A usage limit is passed.", _ERROR),
            503: ("The server is busy.", _ERROR),
        },
        parameters=[
            _header("TMV1-Application-Name", "1 to 64 letters, digits, hyphens, underscores.", required=True),
            _header(
                "TMV1-Request-Type",
                "SimpleRequestGuard (default), OpenAIChatCompletionRequestV1 or OpenAIChatCompletionResponseV1.",
            ),
            _header("Prefer", "return=minimal (default), return=representation, redact-pii; comma-separated."),
        ],
        tag="trend",
    )


def _header(name: str, description: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "description": description, "schema": _STRING}
