"""The endpoint in OpenAPI."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guardhouse.server.dialects.datadog.categories import TAGS
from guardhouse.server.openapi import OBJECT, operation

_STRING = {"type": "string"}
_UNIT = {"type": "number", "minimum": 0, "maximum": 1}
_NULLABLE_STRING = {"type": ["string", "null"]}

_MESSAGE = {
    "type": "object",
    "required": ["role"],
    "properties": {
        "role": {**_STRING, "description": "system, developer, user, assistant, tool; another is judged as user."},
        "content": {"type": ["string", "array", "null"], "items": OBJECT},
        "tool_calls": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": _STRING,
                    "function": {"type": "object", "properties": {"name": _STRING, "arguments": _STRING}},
                },
            },
        },
        "tool_call_id": _STRING,
    },
}
_META = {
    "type": ["object", "null"],
    "properties": {
        "service": _NULLABLE_STRING,
        "env": _NULLABLE_STRING,
        "coding_agent": _NULLABLE_STRING,
        "confidence_threshold": {"oneOf": [_UNIT, {"type": "object", "additionalProperties": _UNIT}, {"type": "null"}]},
        "is_sds_enabled_override": {"type": ["boolean", "null"]},
        "tool_policies": {"type": ["object", "null"]},
    },
}
_BODY = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "object",
            "required": ["attributes"],
            "properties": {
                "type": {"const": "evaluations"},
                "attributes": {
                    "type": "object",
                    "required": ["messages"],
                    "properties": {
                        "messages": {"type": "array", "minItems": 1, "items": _MESSAGE},
                        "meta": _META,
                    },
                },
            },
        }
    },
}
_FINDING = {
    "type": "object",
    "required": ["rule_display_name", "rule_tag", "category", "location"],
    "properties": {
        "rule_display_name": _STRING,
        "rule_tag": _STRING,
        "category": _STRING,
        "location": {
            "type": "object",
            "required": ["path", "start_index", "end_index_exclusive"],
            "properties": {
                "path": _STRING,
                "start_index": {"type": "integer", "description": "In code points."},
                "end_index_exclusive": {"type": "integer"},
            },
        },
    },
}
_ATTRIBUTES = {
    "type": "object",
    "required": ["action", "is_blocking_enabled", "reason", "tags", "tag_probs"],
    "properties": {
        "action": {"enum": ["ALLOW", "DENY", "ABORT"]},
        "is_blocking_enabled": {"type": "boolean"},
        "reason": _STRING,
        "tags": {"type": "array", "items": _STRING},
        "tag_probs": {"type": "object", "required": sorted(TAGS), "additionalProperties": _UNIT},
        "global_prob": _UNIT,
        "sds_findings": {"type": "array", "items": _FINDING},
        "redaction_replacements": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "replacement"],
                "properties": {"path": _STRING, "replacement": _STRING},
            },
        },
    },
}
_ANSWER = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "object",
            "required": ["id", "type", "attributes"],
            "properties": {
                "id": {"type": "string", "format": "uuid"},
                "type": {"const": "evaluations"},
                "attributes": _ATTRIBUTES,
            },
        }
    },
}
_ERRORS = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "type": "array",
            "items": {
                "oneOf": [
                    _STRING,
                    {"type": "object", "properties": {"status": _STRING, "title": _STRING, "detail": _STRING}},
                ]
            },
        }
    },
}
_ERROR_WORDS = {
    400: "The body is not of this form.",
    401: "The API key is missing or not live.",
    403: "The application key is missing, not live, or may not evaluate.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    429: "A usage limit is passed; see the x-ratelimit headers.",
    500: "A fault of the server; the id is in its log.",
    503: "The server is busy; see Retry-After.",
}


def openapi_paths(paths: Sequence[str]) -> dict[str, Any]:
    """The same operation under each path."""
    post = operation(
        "Judge the last turn of a conversation.",
        body=_BODY,
        answers={status: (text, _ERRORS) for status, text in _ERROR_WORDS.items()},
        security=({"api_key": [], "application_key": []}, {"bearer": []}),
        tag="datadog",
    )
    post["responses"]["200"] = {
        "description": "The verdict.",
        "content": {"application/vnd.api+json": {"schema": _ANSWER}},
    }
    post["responses"] = dict(sorted(post["responses"].items()))
    return {path: {"post": post} for path in paths}
