"""Request bodies: bounded in size, in time, and in what all of them together hold in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import ClientDisconnect, Request

from guardhouse.errors import InvalidInput, RequestTimeout, TooLarge, Unavailable


class BodyBudget:
    """The bytes of bodies that a worker holds at one time; without it a thousand slow senders would fill its memory."""

    def __init__(self, limit_bytes: int) -> None:
        self._free = limit_bytes

    @contextmanager
    def lease(self) -> Iterator[BodyLease]:
        """A lease that is given back at the end of the block."""
        lease = BodyLease()
        try:
            yield lease
        finally:
            self._free += lease.held

    def take(self, lease: BodyLease, size: int) -> None:
        """Adds `size` bytes to the lease. Raises `Unavailable` when there is no room."""
        if size > self._free:
            raise Unavailable("the server holds too many request bodies")
        self._free -= size
        lease.held += size


class BodyLease:
    """What one request holds of the budget."""

    __slots__ = ("held",)

    def __init__(self) -> None:
        self.held = 0


async def read_body(request: Request, *, limit_bytes: int, timeout_s: float, budget: BodyBudget) -> bytes:
    """The whole body.

    Raises `TooLarge` as soon as more than `limit_bytes` is announced or has come (what becomes of the rest: see
    `protocol.py`), `RequestTimeout` when it has not come whole within `timeout_s`, `InvalidInput` when the client
    went away.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit_bytes:
        raise TooLarge(f"the body may have at most {limit_bytes} bytes")
    chunks: list[bytes] = []
    with budget.lease() as lease:
        try:
            async with asyncio.timeout(timeout_s):
                async for chunk in request.stream():
                    budget.take(lease, len(chunk))
                    if lease.held > limit_bytes:
                        raise TooLarge(f"the body may have at most {limit_bytes} bytes")
                    chunks.append(chunk)
        except TimeoutError:
            raise RequestTimeout("the body did not come in time") from None
        except ClientDisconnect:
            raise InvalidInput("the client went away before its body was whole") from None
        return b"".join(chunks)
