"""Durable before the answer, and cheap enough to be so for every request."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from store_support import make_record, settle

from guardhouse.errors import StorageUnavailable
from guardhouse.model.activity import ActivityRecord
from guardhouse.settings import Settings
from guardhouse.storage.base import ActivityQuery
from guardhouse.storage.database import WriteRefused
from guardhouse.storage.group_commit import GroupCommit
from guardhouse.storage.store import SqlStore, store_of

pytestmark = pytest.mark.anyio


class Recorder:
    """An `append` that tells what it was given, and can be held up or made to fail."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None
        self.poison = ""

    async def __call__(self, records: Sequence[ActivityRecord]) -> None:
        ids = [record.id for record in records]
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        if self.poison in ids:
            raise WriteRefused("the store refused: DataError")
        self.batches.append(ids)


@pytest.fixture
async def recorder(anyio_backend: str) -> Recorder:
    return Recorder()


@pytest.fixture
async def log(recorder: Recorder) -> AsyncIterator[GroupCommit]:
    log = GroupCommit(recorder, max_waiting=8, max_batch=4)
    log.start()
    yield log
    recorder.gate.set()
    recorder.error = None
    await log.close()


async def test_many_at_once_share_few_commits_and_all_are_there(store: SqlStore) -> None:
    commits = 0

    async def append(records: Sequence[ActivityRecord]) -> None:
        nonlocal commits
        commits += 1
        await store.activity.append(records)

    log = GroupCommit(append)
    log.start()
    await asyncio.gather(*(log.add(make_record(f"r{n}")) for n in range(300)))
    assert await store.activity.count(ActivityQuery()) == 300
    assert commits <= 5
    await log.close()


async def test_a_record_is_durable_when_add_returns(store: SqlStore, settings: Settings) -> None:
    log = GroupCommit(store.activity.append)
    log.start()
    other = store_of(settings)
    for n in range(5):
        await log.add(make_record(f"r{n}"))
        assert await other.activity.get(f"r{n}") is not None
    await other.close()
    await log.close()


async def test_what_comes_during_a_commit_goes_together_in_order(log: GroupCommit, recorder: Recorder) -> None:
    recorder.gate.clear()
    adding = [asyncio.create_task(log.add(make_record(f"r{n}"))) for n in range(7)]
    await settle()
    recorder.gate.set()
    await asyncio.gather(*adding)
    assert [name for batch in recorder.batches for name in batch] == [f"r{n}" for n in range(7)]
    assert all(len(batch) <= 4 for batch in recorder.batches)
    assert len(recorder.batches) <= 3


async def test_a_failure_reaches_every_caller_and_then_passes(log: GroupCommit, recorder: Recorder) -> None:
    recorder.error = StorageUnavailable("the store is out of reach: disk full")
    results = await asyncio.gather(*(log.add(make_record(f"r{n}")) for n in range(3)), return_exceptions=True)
    assert [str(result) for result in results] == ["the store is out of reach: disk full"] * 3
    recorder.error = None
    await log.add(make_record("r9"))
    assert recorder.batches == [["r9"]]


async def test_a_record_that_cannot_be_stored_fails_alone(log: GroupCommit, recorder: Recorder) -> None:
    recorder.poison = "r1"
    results = await asyncio.gather(*(log.add(make_record(f"r{n}")) for n in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), StorageUnavailable, type(None)]
    assert sorted(name for batch in recorder.batches for name in batch) == ["r0", "r2"]


async def test_a_full_queue_refuses_at_once(log: GroupCommit, recorder: Recorder) -> None:
    recorder.gate.clear()
    adding = [asyncio.create_task(log.add(make_record(f"r{n}"))) for n in range(9)]
    await settle()  # one to four are being committed, eight may wait
    extra = [asyncio.create_task(log.add(make_record(f"x{n}"))) for n in range(8)]
    await settle()
    refused = [task for task in [*adding, *extra] if task.done()]
    assert refused
    assert all("cannot keep up" in str(task.exception()) for task in refused)
    recorder.gate.set()
    await asyncio.gather(*adding, *extra, return_exceptions=True)


async def test_a_caller_who_goes_away_leaves_its_record(log: GroupCommit, recorder: Recorder) -> None:
    recorder.gate.clear()
    task = asyncio.create_task(log.add(make_record("r0")))
    await settle()
    task.cancel()
    await settle()
    recorder.gate.set()
    await log.add(make_record("r1"))
    assert [name for batch in recorder.batches for name in batch] == ["r0", "r1"]


async def test_closing_writes_what_waits_and_refuses_the_rest(recorder: Recorder) -> None:
    log = GroupCommit(recorder)
    log.start()
    adding = [asyncio.create_task(log.add(make_record(f"r{n}"))) for n in range(3)]
    await settle()
    await log.close()
    await asyncio.gather(*adding)
    assert sum(map(len, recorder.batches)) == 3
    with pytest.raises(StorageUnavailable, match="closed"):
        await log.add(make_record("late"))
    await log.close()


async def test_before_it_starts_it_takes_nothing() -> None:
    with pytest.raises(StorageUnavailable, match="closed"):
        await GroupCommit(Recorder()).add(make_record())


async def test_a_fault_of_ours_leaves_nobody_waiting(recorder: Recorder) -> None:
    log = GroupCommit(recorder, max_batch=1)
    log.start()
    recorder.gate.clear()
    recorder.error = ZeroDivisionError()
    adding = [asyncio.create_task(log.add(make_record(f"r{n}"))) for n in range(3)]
    await settle()
    recorder.gate.set()
    results = await asyncio.gather(*adding, return_exceptions=True)
    assert all(isinstance(result, StorageUnavailable) for result in results)
    with pytest.raises(StorageUnavailable):
        await log.add(make_record("later"))
    with pytest.raises(ZeroDivisionError):
        await log.close()


WRITER = """
    import asyncio, sys
    from pathlib import Path
    from store_support import make_record
    from guardhouse.settings import Settings
    from guardhouse.storage.group_commit import GroupCommit
    from guardhouse.storage.store import store_of

    async def main():
        store = store_of(Settings(data_dir=Path(sys.argv[1])))
        await store.open()
        log = GroupCommit(store.activity.append)
        log.start()

        async def client(number):
            turn = 0
            while True:
                await log.add(make_record(f"{number}-{turn}"))
                print(f"{number}-{turn}", flush=True)
                turn += 1

        await asyncio.gather(*(client(number) for number in range(16)))

    asyncio.run(main())
"""


def kill_a_busy_writer(folder: Path) -> set[str]:
    """Ids that a writer process had acknowledged when it was killed under load."""
    command = [sys.executable, "-c", textwrap.dedent(WRITER), str(folder)]
    support = str(Path(__file__).parents[1] / "support")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": support}) as writer:
        assert writer.stdout is not None
        acknowledged = [writer.stdout.readline().strip() for _ in range(400)]
        writer.send_signal(signal.SIGKILL)  # in the middle of a commit, as likely as not
        rest, _ = writer.communicate()
    assert writer.returncode == -signal.SIGKILL
    assert all(acknowledged)
    return {*acknowledged, *rest.split("\n")[:-1]}  # the last line may be cut short


async def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path: Path) -> None:
    acknowledged = kill_a_busy_writer(tmp_path)
    store = store_of(Settings(data_dir=tmp_path))
    await store.open()
    async with store._database.reading() as connection:
        stored = set((await connection.exec_driver_sql("SELECT id FROM activity")).scalars())
        assert (await connection.exec_driver_sql("PRAGMA integrity_check")).scalar() == "ok"
    await store.close()
    assert acknowledged <= stored
