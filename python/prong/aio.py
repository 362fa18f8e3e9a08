"""prong.aio: jobs in asyncio.

>>> value = await prong.aio.result(pool.submit(work, x))        # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from prong._job import Job
from prong._view import View

T = TypeVar("T")

__all__ = ["result", "run_in"]


async def result(job: Job[T]) -> T:
    """Waits for a job without blocking the event loop. Cancelling the wait cancels the job if it has not started."""
    return await asyncio.wrap_future(job)


async def run_in(pool: View, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """Calls a function in a pool and waits for its value."""
    return await result(pool.submit(function, *args, **kwargs))
