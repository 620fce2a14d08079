from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from store_support import settle

from guardhouse.storage.turnstile import Turnstile

pytestmark = pytest.mark.anyio


def make(folder: Path, *, timeout_s: float = 30) -> Turnstile:
    """What one process has of it."""
    return Turnstile(folder / "db", timeout_s=timeout_s)


async def test_one_is_inside_at_a_time(tmp_path: Path) -> None:
    inside = most = 0

    async def pass_through(turnstile: Turnstile) -> None:
        nonlocal inside, most
        for _ in range(10):
            async with turnstile.turn():
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0)
                inside -= 1

    processes = [make(tmp_path) for _ in range(3)]
    await asyncio.gather(*(pass_through(turnstile) for turnstile in processes for _ in range(2)))
    assert most == 1
    for turnstile in processes:
        turnstile.close()


async def test_who_has_been_inside_cannot_pass_who_waits(tmp_path: Path) -> None:
    busy, patient = make(tmp_path), make(tmp_path)
    order: list[str] = []

    async def wait_once() -> None:
        async with patient.turn():
            order.append("patient")

    waiting: asyncio.Task[None] | None = None
    for _ in range(3):
        async with busy.turn():
            order.append("busy")
            if waiting is None:
                waiting = asyncio.create_task(wait_once())
                await settle()  # it is next now
    assert waiting is not None
    await waiting
    assert order == ["busy", "patient", "busy", "busy"]
    busy.close()
    patient.close()


async def test_a_process_that_ends_leaves_the_way_free(tmp_path: Path) -> None:
    gone, here = make(tmp_path), make(tmp_path)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(gone.turn())
        gone.close()  # as the system does for a process that is killed
        async with here.turn():
            pass
    here.close()


async def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    stuck, here = make(tmp_path), make(tmp_path, timeout_s=0.05)
    async with stuck.turn(), here.turn():
        pass
    stuck.close()
    here.close()


async def test_an_error_or_a_caller_who_goes_away_frees_the_turn(tmp_path: Path) -> None:
    first, second = make(tmp_path), make(tmp_path)
    with pytest.raises(ZeroDivisionError):
        async with first.turn():
            raise ZeroDivisionError
    async with first.turn():
        waiting = asyncio.create_task(second.turn().__aenter__())
        await settle()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    async with second.turn():
        pass
    first.close()
    second.close()
