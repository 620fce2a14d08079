"""Prometheus metrics of one server: one process, or several workers that share a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from guardhouse.model.evaluation import Evaluation

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Set by `run.py` before the workers start, to a private folder."""
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_OWNER = re.compile(r"_(\d+)\.db$")


class Metrics:
    """The metrics; every label has few values, none of them a caller's."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._folder = os.environ.get(FOLDER_VARIABLE, "")
        self._registry = CollectorRegistry()
        registry = self._registry
        self._evaluations = Counter(
            "ai_guard_evaluations", "Evaluations.", ("action", "blocking_enabled", "dialect"), registry=registry
        )
        self._blocked = Counter(
            "ai_guard_blocked", "Evaluations that clients are to block.", ("dialect",), registry=registry
        )
        self._stages = Histogram(
            "ai_guard_stage_seconds", "Time of an evaluation by stage.", ("stage",), buckets=_SECONDS, registry=registry
        )
        self._requests = Histogram(
            "ai_guard_request_seconds", "Time of a request, whole.", ("dialect",), buckets=_SECONDS, registry=registry
        )
        self._answers = Counter("ai_guard_requests", "Requests by status.", ("dialect", "status"), registry=registry)
        self._errors = Counter(
            "ai_guard_errors",
            "Requests answered with an error, by its status.",
            ("dialect", "status"),
            registry=registry,
        )
        self._queue = Gauge(
            "ai_guard_queue_depth", "Evaluations waiting or running.", registry=registry, multiprocess_mode="livesum"
        )
        if not self._folder:
            ProcessCollector(registry=registry)
            PlatformCollector(registry=registry)

    @contextmanager
    def in_queue(self) -> Iterator[None]:
        """Around one evaluation."""
        self._queue.inc()
        try:
            yield
        finally:
            self._queue.dec()

    def count_evaluation(self, dialect: str, evaluation: Evaluation) -> None:
        """Counts a verdict and the time of its stages."""
        enabled = "true" if evaluation.blocking_enabled else "false"
        self._evaluations.labels(evaluation.action.name.lower(), enabled, dialect).inc()
        if evaluation.blocked:
            self._blocked.labels(dialect).inc()
        for stage, milliseconds in evaluation.timings_ms.items():
            self._stages.labels(stage).observe(milliseconds / 1000)

    def count_request(self, dialect: str, status: int, seconds: float) -> None:
        """Counts a finished request."""
        self._requests.labels(dialect).observe(seconds)
        self._answers.labels(dialect, str(status)).inc()
        if status >= 400:
            self._errors.labels(dialect, str(status)).inc()

    def exposition(self) -> bytes:
        """All metrics, of all workers, in Prometheus' text format."""
        if not self._folder:
            return generate_latest(self._registry)
        _forget_dead_workers(Path(self._folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


def _forget_dead_workers(folder: Path) -> None:
    """Takes the gauges of workers that are gone out of the sum; their counters stay."""
    for file in folder.glob("gauge_live*.db"):
        owner = _OWNER.search(file.name)
        if owner and not _is_alive(int(owner[1])):
            mark_process_dead(int(owner[1]), path=str(folder))  # type: ignore[no-untyped-call]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
