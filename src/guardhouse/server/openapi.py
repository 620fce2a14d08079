"""`/openapi.json`: what every dialect says of its own routes, and the routes that are nobody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from guardhouse import __version__
from guardhouse.server.dialects.base import Dialect

OBJECT = {"type": "object"}
_STRING = {"type": "string"}
ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "path"],
            "properties": {"code": _STRING, "message": _STRING, "path": _STRING},
        }
    },
}
"""An error in Guardhouse's own form."""
DENIED = {401: ("No live key.", ERROR), 403: ("The key may not do this.", ERROR), 429: ("Over a limit.", ERROR)}


def document(dialects: Sequence[Dialect]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the dialects that are served."""
    paths = dict(_OWN_PATHS)
    for dialect in dialects:
        for path, item in dialect.openapi_paths().items():
            paths[path] = {**paths.get(path, {}), **item}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Guardhouse",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Judges prompts, answers, tool calls, tool results and documents.",
        },
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "A Guardhouse API key."},
                "api_key": {"type": "apiKey", "in": "header", "name": "DD-API-KEY"},
                "application_key": {"type": "apiKey", "in": "header", "name": "DD-APPLICATION-KEY"},
            }
        },
        "security": [{"bearer": []}],
    }


def operation(
    summary: str,
    *,
    answers: dict[int, tuple[str, dict[str, Any]]],
    errors: dict[int, tuple[str, dict[str, Any]]] | None = None,
    body: dict[str, Any] | None = None,
    parameters: Sequence[dict[str, Any]] = (),
    media_type: str = "application/json",
    security: Sequence[dict[str, Any]] | None = None,
    tag: str = "server",
) -> dict[str, Any]:
    """One OpenAPI operation. `answers` maps a status to its description and the schema of its body.

    `errors` are answers that are JSON whatever the `media_type` of the others.
    """
    made: dict[str, Any] = {
        "summary": summary,
        "tags": [tag],
        "responses": {
            str(status): {"description": text, "content": {media_type: {"schema": schema}}}
            for status, (text, schema) in answers.items()
        },
    }
    if errors:
        made["responses"] |= operation(summary, answers=errors)["responses"]
    if body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    if parameters:
        made["parameters"] = list(parameters)
    if security is not None:
        made["security"] = list(security)
    return made


_CHECKS = {"type": "object", "properties": {"status": {"type": "string"}, "checks": OBJECT}}
_OWN_PATHS: dict[str, Any] = {
    "/healthz": {"get": operation("The process is alive.", answers={200: ("Alive.", OBJECT)}, security=())},
    "/readyz": {
        "get": operation(
            "The model is loaded and the store can be reached.",
            answers={200: ("Ready.", _CHECKS), 503: ("Not ready; `checks` says why.", _CHECKS)},
            security=(),
        )
    },
    "/metrics": {
        "get": operation(
            "Metrics in Prometheus' text format; needs a key that may read, unless the setting metrics_public is on.",
            answers={200: ("Metrics.", {"type": "string"})},
            media_type="text/plain",
            errors=DENIED,
        )
    },
    "/openapi.json": {"get": operation("This document.", answers={200: ("OpenAPI 3.1.", OBJECT)}, security=())},
}
