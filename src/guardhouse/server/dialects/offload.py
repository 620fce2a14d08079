"""Work on large bodies, away from the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

LARGE_BYTES = 64 * 1024
"""Reading or rendering a body of this size takes a few milliseconds at most, whatever is in it."""

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


async def off_loop(
    size_bytes: int,
    function: Callable[_Parameters, _Result],
    *arguments: _Parameters.args,
    **options: _Parameters.kwargs,
) -> _Result:
    """What `function` returns or raises; run in a thread for large bodies, so that other requests need not wait."""
    if size_bytes <= LARGE_BYTES:
        return function(*arguments, **options)
    return await asyncio.to_thread(function, *arguments, **options)
