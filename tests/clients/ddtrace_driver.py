"""Runs inside a process that has one of the vendor's tracers on its path: calls from standard input, results to output.

In: `[{"messages": [...], "options": {...} | null}, ...]`. Out: one result per call, see `_result`.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import loopback

loopback.refuse()

if os.environ["DRIVER_GENERATION"] == "3.18":
    from ddtrace.appsec import ai_guard
else:
    from ddtrace import aiguard as ai_guard


def _result(client: Any, call: dict[str, Any]) -> dict[str, Any]:
    try:
        evaluation = client.evaluate(call["messages"], call.get("options"))
    except ai_guard.AIGuardAbortError as abort:
        return {"abort": {"action": abort.action, "reason": abort.reason, "tags": getattr(abort, "tags", None)}}
    except ai_guard.AIGuardClientError as error:
        return {"error": {"status": error.status, "errors": error.errors}}
    return {"evaluation": dict(evaluation)}


def main() -> None:
    calls = json.load(sys.stdin)
    client = ai_guard.new_ai_guard_client(endpoint=os.environ.get("DRIVER_ENDPOINT") or None)
    json.dump([_result(client, call) for call in calls], sys.stdout)
    sys.stdout.flush()
    os._exit(0)  # the tracer's threads would first try to reach an agent that is not there


main()
