from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from starlette.requests import Request

from guardhouse.errors import Unavailable
from guardhouse.model.conversation import Conversation
from guardhouse.model.evaluation import Action, AppliedFinding, DetectorReport, Evaluation, Outcome
from guardhouse.model.finding import Finding
from guardhouse.model.messages import conversation_from_messages
from guardhouse.model.policy import Scope
from guardhouse.model.recipe import RuleAction
from guardhouse.model.request import EvaluationRequest
from guardhouse.server.metrics import Metrics
from guardhouse.server.telemetry import Telemetry, target_of
from guardhouse.settings import Settings

CALL = {"id": "c1", "function": {"name": "bash", "arguments": "{}"}}
OTHER_CALL = {"id": "c2", "function": {"name": "http_get", "arguments": "{}"}}


def evaluation_of(action: Action, *, blocked: bool = False) -> Evaluation:
    finding = Finding("prompt_attack", "JAILBREAK", 0.9, ("messages", 0, "content"), value="planted-secret")
    found = (AppliedFinding(finding, 0.5, RuleAction.BLOCK, True),) if action else ()
    return Evaluation(
        id="e-1",
        action=action,
        reason="Jailbreak was detected.",
        blocked=blocked,
        blocking_enabled=blocked,
        recipe="default",
        reports=(DetectorReport("prompt_attack", Outcome.DETECTED, found),),
        confidences={},
        thresholds={},
        redactions=(),
        texts={},
        timings_ms={"match": 2.0, "classify": 30.0},
        policy_revision=4,
    )


def request_of(**headers: str) -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw, "method": "POST", "path": "/"})


def asked_of(*messages: dict[str, Any]) -> EvaluationRequest:
    return EvaluationRequest(conversation_from_messages(list(messages)), scope=Scope("shop", "prod"), dialect="datadog")


@pytest.mark.parametrize(
    ("messages", "target"),
    [
        ([{"role": "user", "content": "x"}], ("prompt", "")),
        ([{"role": "assistant", "tool_calls": [CALL, OTHER_CALL]}], ("tool", "bash,http_get")),
        (
            [{"role": "assistant", "tool_calls": [CALL, OTHER_CALL]}, {"role": "tool", "tool_call_id": "c2"}],
            ("tool", "http_get"),
        ),
        ([{"role": "tool", "tool_call_id": "unmatched", "content": "x"}], ("tool", "")),
    ],
)
def test_target(messages: list[dict[str, Any]], target: tuple[str, str]) -> None:
    conversation: Conversation = conversation_from_messages(messages)
    assert target_of(conversation) == target


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    return exporter


def only_span(exporter: InMemorySpanExporter) -> ReadableSpan:
    (span,) = exporter.get_finished_spans()
    return span


def test_a_blocked_evaluation_is_a_span_with_the_vendors_attributes(spans: InMemorySpanExporter) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    asked = asked_of({"role": "assistant", "tool_calls": [CALL]})
    telemetry = Telemetry(Settings())
    with telemetry.evaluating(request_of(traceparent=parent), asked) as watch:
        watch.done(evaluation_of(Action.DENY, blocked=True))
    span = only_span(spans)
    assert span.name == "ai_guard"
    assert span.status.status_code is StatusCode.ERROR
    assert span.parent is not None
    assert f"{span.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    attributes = dict(span.attributes or {})
    assert attributes == {
        "ai_guard.event": True,
        "ai_guard.target": "tool",
        "ai_guard.tool_name": "bash",
        "ai_guard.action": "DENY",
        "ai_guard.reason": "Jailbreak was detected.",
        "ai_guard.blocked": True,
        "ai_guard.redacted": False,
        "ai_guard.attack_categories": ("JAILBREAK",),
        "ai_guard.evaluation_id": "e-1",
        "ai_guard.recipe": "default",
        "ai_guard.policy_revision": 4,
        "ai_guard.dialect": "datadog",
        "ai_guard.service": "shop",
        "ai_guard.env": "prod",
        "gen_ai.operation.name": "apply_guardrail",
    }
    assert "planted-secret" not in span.to_json()


def test_an_allowed_one_is_not_an_error(spans: InMemorySpanExporter) -> None:
    telemetry = Telemetry(Settings())
    with telemetry.evaluating(request_of(), asked_of({"role": "user", "content": "planted-secret"})) as watch:
        watch.done(evaluation_of(Action.ALLOW))
    span = only_span(spans)
    assert span.status.status_code is StatusCode.UNSET
    assert "ai_guard.blocked" not in (span.attributes or {})
    assert "planted-secret" not in span.to_json()


def test_an_evaluation_that_fails_ends_its_span_without_its_words(spans: InMemorySpanExporter) -> None:
    telemetry = Telemetry(Settings())
    with (
        pytest.raises(Unavailable),
        telemetry.evaluating(request_of(), asked_of({"role": "user", "content": "x"})),
    ):
        raise Unavailable("planted-secret")
    assert "planted-secret" not in only_span(spans).to_json()
    assert b"ai_guard_queue_depth 0.0" in telemetry.metrics.exposition()


def test_metrics() -> None:
    metrics = Metrics()
    with metrics.in_queue():
        assert b"ai_guard_queue_depth 1.0" in metrics.exposition()
    metrics.count_evaluation("datadog", evaluation_of(Action.DENY, blocked=True))
    metrics.count_evaluation("datadog", evaluation_of(Action.ALLOW))
    metrics.count_request("datadog", 200, 0.02)
    metrics.count_request("datadog", 429, 0.001)
    lines = metrics.exposition().decode().splitlines()
    for line in (
        'ai_guard_evaluations_total{action="deny",blocking_enabled="true",dialect="datadog"} 1.0',
        'ai_guard_evaluations_total{action="allow",blocking_enabled="false",dialect="datadog"} 1.0',
        'ai_guard_blocked_total{dialect="datadog"} 1.0',
        'ai_guard_stage_seconds_bucket{le="0.0025",stage="match"} 2.0',
        'ai_guard_stage_seconds_bucket{le="0.025",stage="classify"} 0.0',
        'ai_guard_requests_total{dialect="datadog",status="200"} 1.0',
        'ai_guard_errors_total{dialect="datadog",status="429"} 1.0',
        "ai_guard_queue_depth 0.0",
    ):
        assert line in lines
    assert not any(line.startswith('ai_guard_errors_total{dialect="datadog",status="200"}') for line in lines)


_WORKER = """
import json, os, sys
from guardhouse.server.metrics import Metrics
metrics = Metrics()
metrics.count_request("native", 200, 0.01)
queue = metrics.in_queue()
queue.__enter__()
print(metrics.exposition().decode().count("ai_guard_queue_depth 1.0"), flush=True)
if sys.argv[1:] == ["read"]:
    wanted = ("ai_guard_requests_total", "ai_guard_queue_depth")
    print(json.dumps([line for line in metrics.exposition().decode().splitlines() if line.startswith(wanted)]))
os._exit(9)
"""


def test_workers_add_up_and_the_dead_leave_the_queue(tmp_path: Any) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", _WORKER, *arguments], env=environment, capture_output=True, text=True, check=False
        ).stdout.splitlines()
        for arguments in ([], ["read"])
    ]
    assert outputs[0] == ["1"]
    assert sorted(json.loads(outputs[1][1])) == [
        "ai_guard_queue_depth 1.0",
        'ai_guard_requests_total{dialect="native",status="200"} 2.0',
    ]
