"""How long one evaluation takes in process, by the size of the text, for a history that grows, and of it the model."""

from __future__ import annotations

import time
from typing import Any

from measure import Section, milliseconds, percentile
from texts import texts

from guardhouse import Guard
from guardhouse.classifier.base import ClassifierInput
from guardhouse.classifier.bundled import BundledClassifier
from guardhouse.classifier.load import load_classifier
from guardhouse.model.conversation import Channel

SIZES = ((100, 400), (1_000, 400), (20_000, 60), (100_000, 15), (1_000_000, 5))
"""Bytes, and how many texts."""
TOKENS = (32, 128, 512)
BUDGET_S = 25.0
"""Most seconds one size may take; slower machines measure fewer texts."""


def latency(*, quick: bool = False) -> list[Section]:
    """By size, and by history."""
    guard = Guard()
    guard.load()
    for text in _first(texts(1_000, seed=1), 30):
        guard.evaluate(text)
    return [_by_size(guard, quick), _by_history(guard, quick), _model_alone(quick)]


def _by_size(guard: Guard, quick: bool) -> Section:
    rows = []
    per_kilobyte: dict[int, float] = {}
    for size, count in SIZES:
        times = _times(guard, size, max(3, count // 10) if quick else count)
        middle = percentile(times, 0.5)
        per_kilobyte[size] = middle / size * 1000
        rows.append(
            [
                f"{size:,} B",
                str(len(times)),
                milliseconds(middle),
                milliseconds(percentile(times, 0.99)),
                milliseconds(max(times)),
                f"{middle / size * 1e6 * 1000:.0f} us",
                f"{size / middle / 1e6:.2f} MB/s",
            ]
        )
    growth = per_kilobyte[1_000_000] / per_kilobyte[20_000]
    text = (
        "The default recipe on fresh English prose with some personal data, one thread, everything loaded. "
        f"Cost grows linearly: a kilobyte of a 1 MB text costs {growth:.2f} times a kilobyte of a 20 KB text."
    )
    return Section("Latency in process", text, ["text", "n", "p50", "p99", "worst", "per KB (p50)", "throughput"], rows)


def _by_history(guard: Guard, quick: bool) -> Section:
    """An agent resends its whole history with each turn; only the last turn should cost."""
    source = texts(400, seed=7)
    rows = []
    for turns in (1, 10, 50, 200):
        times = []
        for _ in range(5 if quick else 40):
            history: list[dict[str, Any]] = [
                {"role": "user" if index % 2 == 0 else "assistant", "content": next(source)} for index in range(turns)
            ]
            history.append({"role": "user", "content": next(source)})
            start = time.perf_counter()
            guard.evaluate(history)
            times.append(time.perf_counter() - start)
        rows.append([str(turns + 1), milliseconds(percentile(times, 0.5)), milliseconds(percentile(times, 0.99))])
    text = "A conversation of 400-byte messages, all of them new; the last turn is judged in the light of the rest."
    return Section("Long histories", text, ["messages", "p50", "p99"], rows)


def _model_alone(quick: bool) -> Section:
    """Both models, without patterns and detectors, on texts of so many tokens; frames of windows counted in."""
    classifier = load_classifier(cache_entries=1)
    assert isinstance(classifier, BundledClassifier)
    rows = []
    for size in TOKENS:
        times = []
        for text in _first(texts(size * 8, seed=size, planted=False), 10 if quick else 60):
            words = text.split(" ")
            while len(classifier.token_ids(" ".join(words))) > size - 3:
                words.pop()
            given = [ClassifierInput(" ".join(words), Channel.USER)]
            start = time.perf_counter()
            classifier.classify(given)
            times.append(time.perf_counter() - start)
        middle = percentile(times, 0.5)
        rows.append([str(size), milliseconds(middle), milliseconds(percentile(times, 0.99)), f"{size / middle:,.0f}"])
    text = f"The classifier ({classifier.name}) alone on fresh text, one thread."
    return Section("The model alone", text, ["tokens", "p50", "p99", "tokens/s"], rows)


def _times(guard: Guard, size: int, count: int) -> list[float]:
    times: list[float] = []
    began = time.perf_counter()
    for text in _first(texts(size, seed=size), count):
        start = time.perf_counter()
        guard.evaluate(text)
        times.append(time.perf_counter() - start)
        if time.perf_counter() - began > BUDGET_S:
            break
    return times


def _first(source: Any, count: int) -> list[str]:
    return [next(source) for _ in range(count)]
