"""The bundled network, read window by window."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from guardhouse.classifier.network import WIDTH, Network, WindowReading, load_network
from guardhouse.errors import DeadlineExceeded

CHANCE = np.random.default_rng(3)


@cache
def network() -> Network:
    return load_network(Path(str(resources.files("guardhouse.classifier") / "data" / "network.onnx")))


def window(length: int) -> list[int]:
    return [101, 1, *CHANCE.integers(1000, 30000, length - 3).tolist(), 102]


def same(one: WindowReading, other: WindowReading) -> bool:
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("heads", "injected", "states"))


def test_every_window_has_its_reading_whatever_stands_beside_it() -> None:
    windows = [window(length) for length in (128, 5, 40, 128, 12)]
    together = network().read(windows)
    for reading, given in zip(together, windows, strict=True):
        assert same(reading, network().read([given])[0])
        assert reading.injected.shape == (len(given),)
        assert reading.states.shape == (len(given), WIDTH)


def test_the_channel_is_read() -> None:
    words = window(30)
    user, tool = network().read([words, [101, 2, *words[2:]]])
    assert np.abs(user.heads - tool.heads).max() > 0.01


def test_nothing_to_read_is_nothing() -> None:
    assert network().read([]) == []


def test_callers_at_once_read_as_they_would_alone() -> None:
    given = [[window(8 + 9 * caller) for _ in range(1 + 3 * caller)] for caller in range(6)]
    alone = [network().read(windows) for windows in given]
    with ThreadPoolExecutor(6) as callers:
        answers = list(callers.map(network().read, given))
    for caller in range(6):
        assert all(same(*pair) for pair in zip(answers[caller], alone[caller], strict=True))


def test_a_passed_deadline_is_told() -> None:
    with pytest.raises(DeadlineExceeded):
        network().read([window(20)], deadline=time.monotonic() - 1)
