"""Runs inside a process that has LiteLLM on its path: its guardrails' hooks, as its proxy calls them.

In: a list of `{"guardrail": "pangea", "hook": "pre_call", "options": {...}, "data": {...}, "call_type": "completion"}`,
for `post_call` also `response`; or `{"guardrail": "crowdstrike_aidr", "input_type": "request", "inputs": {...}, "data":
{...}}`. Out: one result per call, what the hook returned under `returned`, or `raised` with status and detail.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any

import loopback

loopback.refuse()
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else importing it fetches a list of prices

from fastapi import HTTPException  # noqa: E402
from litellm.caching.dual_cache import DualCache  # noqa: E402
from litellm.proxy._types import UserAPIKeyAuth  # noqa: E402
from litellm.proxy.guardrails.guardrail_hooks.crowdstrike_aidr.crowdstrike_aidr import (  # noqa: E402
    CrowdStrikeAIDRHandler,
)
from litellm.proxy.guardrails.guardrail_hooks.pangea.pangea import PangeaHandler  # noqa: E402
from litellm.types.utils import ModelResponse  # noqa: E402


def _guardrail(call: dict[str, Any]) -> Any:
    kinds = {"pangea": PangeaHandler, "crowdstrike_aidr": CrowdStrikeAIDRHandler}
    return kinds[call["guardrail"]](
        guardrail_name="guard",
        api_key=call.get("token", os.environ["DRIVER_TOKEN"]),
        api_base=call.get("url", os.environ["DRIVER_URL"]),
        event_hook=call.get("hook"),
        default_on=True,
        **call.get("options", {}),
    )


async def _returned(call: dict[str, Any]) -> Any:
    guardrail, data = _guardrail(call), call["data"]
    if call["guardrail"] == "crowdstrike_aidr":
        return await guardrail.apply_guardrail(inputs=call["inputs"], request_data=data, input_type=call["input_type"])
    if call["hook"] == "pre_call":
        return await guardrail.async_pre_call_hook(
            user_api_key_dict=UserAPIKeyAuth(), cache=DualCache(), data=data, call_type=call["call_type"]
        )
    response = ModelResponse(**call["response"])
    returned = await guardrail.async_post_call_success_hook(
        data=data, user_api_key_dict=UserAPIKeyAuth(), response=response
    )
    return None if returned is None else {"choices": returned.choices}


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


async def _result(call: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"returned": await _returned(call)}
    except HTTPException as error:
        return {"raised": {"status": error.status_code, "detail": error.detail}}


async def _main() -> None:
    results = [await _result(call) for call in json.load(sys.stdin)]
    json.dump(results, sys.stdout, default=_plain)
    sys.stdout.flush()
    os._exit(0)  # its background threads end by themselves only much later


asyncio.run(_main())
