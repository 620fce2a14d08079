"""Metrics, spans and the one log line of a request. Ids, names and numbers only; never judged text."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.requests import Request

from guardhouse.errors import MissingExtra
from guardhouse.model.conversation import Conversation
from guardhouse.model.evaluation import Action, Evaluation
from guardhouse.model.request import EvaluationRequest
from guardhouse.server.metrics import Metrics
from guardhouse.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

logger = logging.getLogger("guardhouse.request")
SPAN_NAME = "ai_guard"
EXPORT_TIMEOUT_S = 5
_TRACE_CONTEXT = TraceContextTextMapPropagator()
"""Not the baggage too: its reader writes what it cannot read into the log."""
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines; their log lines would drown the others."""


class Telemetry:
    """A worker's metrics and tracer."""

    def __init__(self, settings: Settings) -> None:
        self.metrics = Metrics()
        self._provider = _provider(settings.otlp_endpoint) if settings.otlp_endpoint else None
        source: Any = self._provider or trace
        self._tracer: trace.Tracer = source.get_tracer("guardhouse")

    @contextmanager
    def evaluating(self, request: Request, asked: EvaluationRequest) -> Iterator[Watch]:
        """Around one evaluation: the queue's depth, a span, and what the request's log line needs of the result."""
        parent = _TRACE_CONTEXT.extract(dict(request.headers))
        with (
            self.metrics.in_queue(),
            self._tracer.start_as_current_span(
                SPAN_NAME, parent, SpanKind.INTERNAL, record_exception=False, set_status_on_exception=False
            ) as span,
        ):
            yield Watch(self.metrics, request, asked, span)

    def finished(self, *, dialect: str, status: int, seconds: float, fields: Mapping[str, Any]) -> None:
        """Counts a finished request and writes its log line."""
        self.metrics.count_request(dialect, status, seconds)
        level = logging.ERROR if status >= 500 and status != 503 else logging.INFO
        if fields.get("path") in _PROBES and level == logging.INFO:
            level = logging.DEBUG
        if logger.isEnabledFor(level):
            logger.log(
                level,
                "request",
                extra={"fields": {**fields, "dialect": dialect, "status": status, "ms": round(seconds * 1000, 2)}},
            )

    def close(self) -> None:
        """Sends the spans that wait and ends the exporter."""
        if self._provider is not None:
            self._provider.shutdown()


class Watch:
    """One evaluation being watched."""

    def __init__(self, metrics: Metrics, request: Request, asked: EvaluationRequest, span: Span) -> None:
        self._metrics = metrics
        self._request = request
        self._asked = asked
        self._span = span

    def done(self, evaluation: Evaluation) -> None:
        """Records the result."""
        self._metrics.count_evaluation(self._asked.dialect, evaluation)
        self._request.state.evaluation = evaluation
        if self._span.is_recording():
            self._span.set_attributes(span_attributes(self._asked, evaluation))
            if evaluation.blocked:
                self._span.set_status(Status(StatusCode.ERROR, evaluation.reason))


def span_attributes(asked: EvaluationRequest, evaluation: Evaluation) -> dict[str, str | bool | list[str] | int]:
    """The attributes of an `ai_guard` span."""
    target, tool_name = target_of(asked.conversation)
    attributes: dict[str, str | bool | list[str] | int] = {
        "ai_guard.event": True,
        "ai_guard.target": target,
        "ai_guard.action": evaluation.action.name,
        "ai_guard.reason": evaluation.reason,
        "ai_guard.evaluation_id": evaluation.id,
        "ai_guard.attack_categories": [] if evaluation.action is Action.ALLOW else list(evaluation.flagged),
        "ai_guard.recipe": evaluation.recipe,
        "ai_guard.policy_revision": evaluation.policy_revision,
        "ai_guard.redacted": evaluation.transformed,
        "ai_guard.dialect": asked.dialect,
        "gen_ai.operation.name": "apply_guardrail",
    }
    if tool_name:
        attributes["ai_guard.tool_name"] = tool_name
    if evaluation.blocked:
        attributes["ai_guard.blocked"] = True
    if asked.scope.service:
        attributes["ai_guard.service"] = asked.scope.service
    if asked.scope.env:
        attributes["ai_guard.env"] = asked.scope.env
    return attributes


def target_of(conversation: Conversation) -> tuple[str, str]:
    """`("tool", its names)` where the last message calls tools or answers a call, else `("prompt", "")`."""
    last = conversation.messages[-1]
    if last.tool_calls:
        return "tool", ",".join(call.name for call in last.tool_calls)
    if last.tool_call_id is None:
        return "prompt", ""
    names = (
        call.name for message in conversation.messages for call in message.tool_calls if call.id == last.tool_call_id
    )
    return "tool", next(names, "")


def _provider(endpoint: str) -> TracerProvider:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise MissingExtra("otel", "sending spans to otlp_endpoint") from None
    url = endpoint if endpoint.rstrip("/").endswith("/v1/traces") else endpoint.rstrip("/") + "/v1/traces"
    provider = TracerProvider(resource=Resource.create({"service.name": "guardhouse"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=EXPORT_TIMEOUT_S)))
    return provider
