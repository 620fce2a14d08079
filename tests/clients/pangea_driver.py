"""Runs inside a process that has the vendor's Python client on its path: calls from standard input, results to output.

In: `[{"service": "AIGuard", "method": "guard_text", "arguments": {...}, "asynchronous": false}, ...]`. Out: one result
per call, see `_told` and `_raised`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import loopback
from pangea import PangeaConfig
from pangea import exceptions as raised
from pangea.asyncio import services as asynchronous
from pangea.services import AIGuard, PromptGuard, Redact, ai_guard, prompt_guard, redact

_SERVICES = {
    ("AIGuard", False): AIGuard,
    ("PromptGuard", False): PromptGuard,
    ("Redact", False): Redact,
    ("Redact", True): asynchronous.RedactAsync,
    ("AIGuard", True): asynchronous.AIGuardAsync,
    ("PromptGuard", True): asynchronous.PromptGuardAsync,
}


def _message(service: str, message: dict[str, Any]) -> Any:
    if service == "PromptGuard":
        return prompt_guard.Message(**message)
    return ai_guard.McpToolsMessage(**message) if message["role"] == "tools" else ai_guard.Message(**message)


def _arguments(call: dict[str, Any]) -> dict[str, Any]:
    """The arguments as the client's own models, as an application would give them."""
    arguments = dict(call["arguments"])
    if "messages" in arguments:
        arguments["messages"] = [_message(call["service"], message) for message in arguments["messages"]]
    if "overrides" in arguments:
        model = ai_guard.Overrides if call["method"] == "guard_text" else ai_guard.Overrides2
        arguments["overrides"] = model(**arguments["overrides"])
    if "redaction_method_overrides" in arguments:
        method = redact.RedactionMethodOverrides(**arguments["redaction_method_overrides"])
        arguments["redaction_method_overrides"] = method
    if "vault_parameters" in arguments:
        arguments["vault_parameters"] = redact.VaultParameters(**arguments["vault_parameters"])
    if "log_fields" in arguments:
        arguments["log_fields"] = ai_guard.LogFields(**arguments["log_fields"])
    return arguments


def _told(response: Any) -> dict[str, Any]:
    return {
        "request_id": response.request_id,
        "status": response.status,
        "summary": response.summary,
        "result": response.result.model_dump(exclude_unset=True, mode="json"),
    }


def _raised(error: Exception) -> dict[str, Any]:
    told: dict[str, Any] = {"raised": type(error).__name__}
    if isinstance(error, raised.PangeaAPIException):
        told |= {
            "status": error.response.status,
            "errors": [item.model_dump(exclude_none=True) for item in error.errors],
        }
    return told


async def _result(call: dict[str, Any]) -> dict[str, Any]:
    is_async = call.get("asynchronous", False)
    config = PangeaConfig(base_url_template=os.environ["DRIVER_URL"], request_retries=0)
    options = {"config_id": call["config_id"]} if "config_id" in call else {}
    service = _SERVICES[call["service"], is_async](os.environ["DRIVER_TOKEN"], config=config, **options)
    try:
        response = getattr(service, call["method"])(**_arguments(call))
        return _told(await response if is_async else response)
    except raised.PangeaException as error:
        return _raised(error)
    finally:
        if is_async:
            await service.close()


async def _main() -> None:
    json.dump([await _result(call) for call in json.load(sys.stdin)], sys.stdout)


loopback.refuse()
asyncio.run(_main())
