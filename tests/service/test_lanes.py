from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator

import pytest
from store_support import eventually, settle

from guardhouse.errors import DetectorFailed, InvalidInput, Unavailable
from guardhouse.service import lanes as lanes_module
from guardhouse.service.lanes import LARGE_CHARACTERS, Lanes

pytestmark = pytest.mark.anyio

LARGE = LARGE_CHARACTERS + 1


@pytest.fixture
async def lanes(anyio_backend: str) -> AsyncIterator[Lanes]:
    lanes = Lanes(threads=2, max_queued=4, deadline_s=30)
    yield lanes
    await asyncio.to_thread(lanes.close)


class Gate:
    """Work that waits until it is let go."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.begun = 0

    def __call__(self, waited_ms: float) -> str:
        self.begun += 1
        assert self.open.wait(30)
        return "done"


async def begun(gate: Gate, count: int) -> None:
    await eventually(lambda: gate.begun == count)


async def test_work_is_done_in_another_thread_and_told_how_long_it_waited(lanes: Lanes) -> None:
    thread, waited_ms = await lanes.run(1, lambda waited_ms: (threading.current_thread().name, waited_ms))
    assert thread.startswith("judge")
    assert 0 <= waited_ms < 10_000
    assert lanes.waiting == 0


async def test_large_work_does_not_hold_up_short_work(lanes: Lanes) -> None:
    gate = Gate()
    large = [asyncio.create_task(lanes.run(LARGE, gate)) for _ in range(3)]
    await begun(gate, 1)
    assert await lanes.run(LARGE_CHARACTERS, lambda _: "short") == "short"
    gate.open.set()
    assert await asyncio.gather(*large) == ["done"] * 3


async def test_images_hold_up_neither_short_nor_large_work(lanes: Lanes) -> None:
    gate = Gate()
    images = [asyncio.create_task(lanes.run(1, gate, has_images=True)) for _ in range(2)]
    await begun(gate, 1)
    assert await lanes.run(1, lambda _: "short") == "short"
    assert await lanes.run(LARGE, lambda _: "large") == "large"
    assert gate.begun == 1
    gate.open.set()
    assert await asyncio.gather(*images) == ["done"] * 2


async def test_short_work_does_not_hold_up_large_work(lanes: Lanes) -> None:
    gate = Gate()
    short = [asyncio.create_task(lanes.run(1, gate)) for _ in range(3)]
    await begun(gate, 2)
    assert await lanes.run(LARGE, lambda _: "large") == "large"
    gate.open.set()
    assert await asyncio.gather(*short) == ["done"] * 3


async def test_too_much_is_refused_at_once_and_taken_again_later(lanes: Lanes) -> None:
    gate = Gate()
    tasks = [asyncio.create_task(lanes.run(1, gate)) for _ in range(4)]
    await settle()
    assert lanes.waiting == 4
    with pytest.raises(Unavailable, match="too many") as caught:
        await lanes.run(1, gate)
    assert caught.value.retry_after_s == 1
    gate.open.set()
    await asyncio.gather(*tasks)
    await settle()
    assert lanes.waiting == 0
    assert await lanes.run(1, lambda _: "again") == "again"


async def test_too_much_large_work_is_refused_while_short_work_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "MOST_WAITING", 2)
    lanes = Lanes(threads=1, max_queued=100, deadline_s=30)
    gate = Gate()
    tasks = [asyncio.create_task(lanes.run(LARGE, gate)) for _ in range(2)]
    await settle()
    with pytest.raises(Unavailable):
        await lanes.run(LARGE, gate)
    assert await lanes.run(1, lambda _: "short") == "short"
    gate.open.set()
    await asyncio.gather(*tasks)
    lanes.close()


async def test_work_that_waited_past_its_deadline_is_not_begun() -> None:
    lanes = Lanes(threads=1, max_queued=10, deadline_s=0.05)
    gate = Gate()
    first = asyncio.create_task(lanes.run(1, gate))
    await begun(gate, 1)
    late = asyncio.create_task(lanes.run(1, gate))
    await asyncio.sleep(0.1)
    gate.open.set()
    assert await first == "done"
    with pytest.raises(Unavailable, match="waited too long"):
        await late
    assert gate.begun == 1
    lanes.close()


async def test_work_whose_caller_has_gone_is_not_begun(lanes: Lanes) -> None:
    gate = Gate()
    running = [asyncio.create_task(lanes.run(1, gate)) for _ in range(2)]
    await begun(gate, 2)
    gone = asyncio.create_task(lanes.run(1, gate))
    await settle()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    gate.open.set()
    await asyncio.gather(*running)
    await settle()
    assert gate.begun == 2
    assert lanes.waiting == 0


async def test_a_caller_who_goes_while_it_runs_still_counts_until_it_ends(lanes: Lanes) -> None:
    gate = Gate()
    gone = asyncio.create_task(lanes.run(1, gate))
    await begun(gate, 1)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert lanes.waiting == 1
    gate.open.set()
    await eventually(lambda: lanes.waiting == 0)


async def test_errors_of_our_tree_pass(lanes: Lanes) -> None:
    def refuse(waited_ms: float) -> None:
        raise InvalidInput("no such thing")

    with pytest.raises(InvalidInput, match="no such thing"):
        await lanes.run(1, refuse)


async def test_other_errors_become_ours_without_their_message(lanes: Lanes, caplog: pytest.LogCaptureFixture) -> None:
    def crash(waited_ms: float) -> None:
        raise ValueError("planted secret")

    with (
        caplog.at_level(logging.ERROR),
        pytest.raises(DetectorFailed, match=r"ValueError in test_lanes\.py:\d+") as caught,
    ):
        await lanes.run(1, crash)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "ValueError in test_lanes.py" in caplog.text
    assert "planted" not in caplog.text + str(caught.value)


async def test_after_closing_nothing_is_taken(lanes: Lanes) -> None:
    gate = Gate()
    tasks = [asyncio.create_task(lanes.run(1, gate)) for _ in range(3)]
    await begun(gate, 2)
    closing = asyncio.create_task(asyncio.to_thread(lanes.close))
    with pytest.raises(Unavailable, match="stopping"):
        await tasks[2]
    with pytest.raises(Unavailable, match="stopping"):
        await lanes.run(1, gate)
    gate.open.set()
    await closing
    assert [await task for task in tasks[:2]] == ["done", "done"]
