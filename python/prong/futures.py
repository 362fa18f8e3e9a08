"""prong.futures: takes the place of concurrent.futures. ProcessPoolExecutor is Prong's; the rest is the standard's.

Differences from the standard class: a worker that dies costs its own job, not the pool (the future raises
:class:`WorkerBroken`, which is a BrokenProcessPool); functions of ``__main__``, lambdas and closures can be submitted;
and :meth:`ProcessPoolExecutor.options` gives limits, retries and priorities.
"""

from __future__ import annotations

import contextlib
import time
import weakref
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    InvalidStateError,
    ThreadPoolExecutor,
    TimeoutError,
    as_completed,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, ClassVar, TypeVar

from prong import _exit
from prong._exceptions import DecodingError, JobLost, PoolClosed, PoolError, WorkerCrashed
from prong._job import Job, become_future
from prong._maps import Call
from prong._options import whole_number
from prong._pool import Pool
from prong._shapes import ARGUMENTS
from prong._view import View

T = TypeVar("T")

__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "BrokenExecutor",
    "BrokenProcessPool",
    "CancelledError",
    "Executor",
    "Future",
    "InvalidStateError",
    "PoolBroken",
    "ProcessPoolExecutor",
    "ResultBroken",
    "ThreadPoolExecutor",
    "TimeoutError",
    "WorkerBroken",
    "WorkerLost",
    "as_completed",
    "wait",
]

# The standard's names for ways to start. A fork server forks workers from a new interpreter, as "fresh" does.
_STARTS = {"fork": "fork", "spawn": "spawn", "forkserver": "fresh"}


class WorkerBroken(WorkerCrashed, BrokenProcessPool):
    """The future's process ended. The executor works on."""


class WorkerLost(JobLost, BrokenProcessPool):
    """The future's end is not known. The executor works on."""


class ResultBroken(DecodingError, BrokenProcessPool):
    """The future's call or result could not be unpickled. The executor works on."""


class PoolBroken(PoolError, BrokenProcessPool):
    """The executor cannot work: its initializer failed, or no process can be started."""


become_future()


class FutureJob(Job[T]):
    """A job whose errors are also the standard's."""

    _exception_types: ClassVar[Any] = {WorkerCrashed: WorkerBroken, JobLost: WorkerLost, DecodingError: ResultBroken}


class _FutureView(View):
    _job_type = FutureJob

    def options(self, **options: Any) -> _FutureView:
        return _FutureView(self._engine, {**self._given, **options})


class ProcessPoolExecutor(Executor):
    """As :class:`concurrent.futures.ProcessPoolExecutor`; further options are those of :class:`prong.Pool`."""

    def __init__(
        self,
        max_workers: int | None = None,
        mp_context: Any = None,
        initializer: Callable[..., Any] | None = None,
        initargs: tuple[Any, ...] = (),
        *,
        max_tasks_per_child: int | None = None,
        **options: Any,
    ) -> None:
        if max_workers is not None and max_workers <= 0:
            raise ValueError("max_workers must be greater than 0")
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        start = _start(mp_context, max_tasks_per_child, options.pop("start", None))
        if max_tasks_per_child is not None:
            options["max_jobs_per_worker"] = _tasks(max_tasks_per_child, start)
        self._pool = Pool(
            max_workers, initializer, initargs, start=start, track_jobs=True, exits_are_raised=True, **options
        )
        self._view = _FutureView(self._pool._engine, self._pool._given)
        self._max_workers = self._pool._workers
        self._pool._engine.finish_at_exit = True
        weakref.finalize(self, _exit.finish_in_background, self._pool._engine).atexit = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Job[T]:
        """Queues ``fn(*args, **kwargs)`` and returns its future at once."""
        with _standard_errors():
            return self._view.submit(fn, *args, **kwargs)

    def options(self, **options: Any) -> View:
        """The same executor for futures with other options: see :meth:`prong.Pool.options`."""
        return self._view.options(**options)

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        buffersize: int | None = None,
    ) -> Generator[T, None, None]:
        """As ``map(fn, *iterables)`` in the workers; see :meth:`concurrent.futures.Executor.map`.

        ``buffersize``: how many items are submitted before their results are taken; None: all at once. ``chunksize`` is
        taken for compatibility: items travel together anyway, and each is a job of its own.
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None:
            whole_number("buffersize", buffersize, least=1)
        deadline = None if timeout is None else time.monotonic() + timeout
        with _standard_errors():
            call = self._view._call(fn, None, ARGUMENTS)
            items = zip(*iterables, strict=False)
            jobs = deque(_submit_some(call, items, buffersize))
        return _results(call, items, jobs, deadline, buffersize)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more jobs. ``cancel_futures``: cancels those that have not started. ``wait``: for the rest."""
        engine = self._pool._engine
        engine.close()
        if cancel_futures:
            engine.cancel_queued()
        if wait:
            engine.join(None)


def _start(context: Any, max_tasks: int | None, start: Any) -> Any:
    if start is not None:
        return start
    if context is None:
        return "spawn" if max_tasks is not None else "fresh"
    method = context if isinstance(context, str) else context.get_start_method()
    if method not in _STARTS:
        raise ValueError(f"mp_context has start method {method!r}; there are {', '.join(map(repr, _STARTS))}")
    return _STARTS[method]


def _tasks(max_tasks: Any, start: str) -> int:
    if not isinstance(max_tasks, int):
        raise TypeError("max_tasks_per_child must be an integer")
    if max_tasks <= 0:
        raise ValueError("max_tasks_per_child must be >= 1")
    if start == "fork":
        raise ValueError("max_tasks_per_child is incompatible with the 'fork' start method")
    return max_tasks


@contextlib.contextmanager
def _standard_errors() -> Generator[None, None, None]:
    try:
        yield
    except PoolClosed:
        when = "interpreter shutdown" if _exit.exiting() else "shutdown"
        raise RuntimeError(f"cannot schedule new futures after {when}") from None
    except PoolError as error:
        raise PoolBroken(str(error)) from error


def _submit_some(call: Call, items: Iterable[Any], count: int | None) -> Iterable[Any]:
    if count is None:
        return call.submit(items).jobs()
    return call.submit(islice(items, count)).jobs()


def _results(
    call: Call, items: Any, jobs: deque[Any], deadline: float | None, buffersize: int | None
) -> Generator[Any, None, None]:
    try:
        while jobs:
            left = None if deadline is None else deadline - time.monotonic()
            if not jobs[0]._wait(left):
                raise TimeoutError
            if buffersize is not None:
                jobs.extend(_submit_some(call, items, 1))
            yield jobs.popleft().result()
    finally:
        for job in jobs:
            job.cancel()
