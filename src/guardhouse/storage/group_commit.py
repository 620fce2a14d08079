"""One writer per process: records that arrive while a commit is under way share the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from guardhouse.errors import StorageUnavailable
from guardhouse.model.activity import ActivityRecord
from guardhouse.storage.database import WriteRefused

Append = Callable[[Sequence[ActivityRecord]], Awaitable[None]]
_Waiting = tuple[ActivityRecord, "asyncio.Future[None]"]


class GroupCommit:
    """Makes records durable. `add` returns when its record is, and raises `StorageUnavailable` when it is not.

    Nothing waits for company: the first record is committed at once, and what comes meanwhile goes together, so the
    batches grow with the load. `max_waiting` bounds the queue, `max_batch` a commit.
    """

    def __init__(self, append: Append, *, max_waiting: int = 4096, max_batch: int = 256) -> None:
        self._append = append
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue(max_waiting)
        self._max_batch = max_batch
        self._writer: asyncio.Task[None] | None = None
        self._closed = False

    def start(self) -> None:
        """Starts the writer in the running loop."""
        self._writer = asyncio.get_running_loop().create_task(self._write(), name="activity-writer")

    async def add(self, record: ActivityRecord) -> None:
        """Returns when the record is durable. A caller that is cancelled meanwhile leaves its record to be written."""
        if self._closed or self._writer is None or self._writer.done():
            raise StorageUnavailable("the activity log is closed")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((record, done))
        except asyncio.QueueFull:
            raise StorageUnavailable("the activity log cannot keep up") from None
        await done

    async def close(self) -> None:
        """Writes what is waiting, then stops; later records are refused."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            await self._queue.put(None)
            await self._writer

    async def _write(self) -> None:
        batch: list[_Waiting] = []
        try:
            while True:
                batch, ending = await self._next_batch()
                if batch:
                    await self._commit(batch)
                if ending:
                    return
        finally:
            # Reached by `close` with nothing left, or by a fault of ours: then nobody may wait for ever.
            _fail(batch, StorageUnavailable("the activity log's writer has stopped"))
            while not self._queue.empty():
                waiting = self._queue.get_nowait()
                _fail([waiting] if waiting else [], StorageUnavailable("the activity log's writer has stopped"))

    async def _next_batch(self) -> tuple[list[_Waiting], bool]:
        """What is waiting, at least one record, and whether it is the last batch."""
        batch: list[_Waiting] = []
        item = await self._queue.get()
        while item is not None:
            batch.append(item)
            if len(batch) >= self._max_batch or self._queue.empty():
                return batch, False
            item = self._queue.get_nowait()
        return batch, True

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        try:
            await self._append([record for record, _ in batch])
        except WriteRefused as error:
            if len(batch) == 1:
                _fail(batch, error)
                return
            for waiting in batch:  # one record that cannot be stored must not take the others with it
                await self._commit([waiting])
        except StorageUnavailable as error:
            _fail(batch, error)
        else:
            for _, done in batch:
                if not done.done():
                    done.set_result(None)


def _fail(batch: Sequence[_Waiting], error: StorageUnavailable) -> None:
    for _, done in batch:
        if not done.done():
            done.set_exception(StorageUnavailable(error.detail))  # its own, for its own traceback
