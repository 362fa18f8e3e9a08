"""Pool: worker processes, a queue, and a policy."""

from __future__ import annotations

import sys

from prong import _core
from prong._options import (
    JOB_OPTIONS,
    START_KINDS,
    callable_function,
    optional_bytes,
    reject_unknown,
    seconds,
    start_kind,
    wait_seconds,
    whole_number,
)
from prong._start import StartOptions, start_engine
from prong._view import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Any

    from prong._inline import InlineEngine
    from prong._outcome import Outcome
    from prong._worker_info import WorkerInfo

_POOL_OPTIONS = {
    "start",
    "max_jobs_per_worker",
    "maxtasksperchild",
    "max_worker_memory",
    "max_worker_age",
    "idle_timeout",
    "min_workers",
    "budget",
    "stall",
    "start_timeout",
    "on_worker_lost",
    "finalizer",
    "finalargs",
    "initializer_timeout",
    "finalizer_timeout",
    "grace",
    "start_early",
    "preload",
    "inherit_fds",
    "track_jobs",
    "exits_are_raised",
}


class Pool(View):
    """Worker processes that run jobs. All methods may be called from any thread.

    ``workers``: how many; None: one for each CPU that this process may really use (affinity and cgroup quota); 0: none,
    jobs run in the calling process, for debugging. ``initializer(*initargs)`` is called by each worker before its first
    job, ``finalizer(*finalargs)`` before it ends in order.

    Further options, by name:

    - ``start``: "fresh" (workers are forked from a new interpreter), "fork" (from this process as it is now) or "spawn"
      (each is a new interpreter);
    - ``max_jobs_per_worker`` (also ``maxtasksperchild``): after that many a worker is replaced;
    - ``max_worker_memory`` (bytes of growth since it was ready), ``max_worker_age`` (seconds): an idle worker beyond is
      replaced;
    - ``idle_timeout`` (seconds), ``min_workers``: workers idle for longer end, as long as more are left; others start
      when there are jobs for them;
    - ``budget``: seconds after which all jobs end with :class:`JobTimeout` ("budget") and the pool takes no more;
    - ``stall``: when no job was done for so many seconds, those that run end with :class:`JobTimeout` ("stall");
    - ``start_timeout``: seconds that a worker may take to its first job (imports included) before another is tried;
    - ``on_worker_lost``: called with a :class:`WorkerLoss`, in a thread of the pool, for each worker that ended without
      running its finalizer;
    - ``initializer_timeout``, ``finalizer_timeout``, ``grace`` (between SIGTERM and SIGKILL): in seconds;
    - ``start_early``: start all workers at once, not when the first jobs come;
    - ``preload``: names of modules that are imported before workers are forked ("fresh");
    - ``inherit_fds``: descriptors of sockets and pipes that stay open in workers ("fork");
    - any option of :meth:`options`, as the default for jobs.

    Used as a context manager, the pool is closed at the end and its jobs are waited for; after an exception it is
    terminated. No ``if __name__ == "__main__"`` is needed.

    Raises :class:`UsageError` or TypeError for bad arguments, :class:`SystemRefused` if the system refuses a process.

    >>> with prong.Pool(timeout=30, retries=2) as pool:         # doctest: +SKIP
    ...     print(pool.map(abs, range(-3, 3)))
    [3, 2, 1, 0, 1, 2]
    """

    def __init__(
        self,
        workers: int | None = None,
        initializer: Callable[..., Any] | None = None,
        initargs: Iterable[Any] = (),
        **options: Any,
    ) -> None:
        reject_unknown(options, [*_POOL_OPTIONS, *JOB_OPTIONS], "a pool")
        job_options = {name: value for name, value in options.items() if name in JOB_OPTIONS}
        start = _start_options(workers, initializer, initargs, options)
        super().__init__(None, job_options)
        self._engine = _inline_engine(start) if start.workers == 0 else start_engine(start)
        self._workers = start.workers
        self._start = start.kind

    # Its life.

    def close(self) -> None:
        """No more jobs; those queued and running go on."""
        self._engine.close()

    def terminate(self) -> None:
        """No more jobs; queued ones are cancelled, running ones killed."""
        self._engine.terminate()
        maps = sys.modules.get("prong._maps")
        if maps is not None:
            maps.stop_reading(self._engine)

    def join(self, timeout: float | None = None) -> bool:
        """Waits until all jobs are done and every process of the pool is gone. False: not within ``timeout`` seconds.

        Raises ValueError if the pool was neither closed nor terminated.
        """
        if not self.closed:
            raise ValueError("the pool still takes jobs: close() or terminate() it first")
        return bool(self._engine.join(wait_seconds("timeout", timeout)))

    @property
    def closed(self) -> bool:
        """True once it takes no more jobs."""
        return bool(self._engine.closed())

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.terminate()
        self._engine.join(None)

    # What is known of it.

    @property
    def workers(self) -> list[WorkerInfo]:
        """The workers that there are now."""
        from prong._worker_info import WorkerInfo

        return [WorkerInfo(*worker) for worker in self._engine.workers()]

    @property
    def stats(self) -> dict[str, int]:
        """Counts: jobs submitted, finished, queued and dispatched; workers started and lost.

        Bytes of shared memory of this process, for all its pools: of arguments and of results, kept free for what
        comes next, and spilled to files.
        """
        counts: dict[str, int] = self._engine.stats()
        return counts

    @property
    def failure(self) -> str:
        """Why the pool has failed, or "" while it works."""
        return str(self._engine.failure())

    @property
    def finalizer_outcomes(self) -> list[Outcome]:
        """What the finalizers that have run came to."""
        outcomes: list[Outcome] = self._engine.finalizer_outcomes()
        return outcomes

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"<{type(self).__name__} of {self._workers} workers ({self._start}), {state}>"

    def __reduce__(self) -> Any:
        raise TypeError("a pool belongs to its program and cannot be pickled: pass what the job needs instead")


def _start_options(workers: Any, initializer: Any, initargs: Any, options: Mapping[str, Any]) -> StartOptions:
    limit = options.get("max_jobs_per_worker", options.get("maxtasksperchild"))
    if workers is not None:
        whole_number("workers", workers, least=0)
    return StartOptions(
        workers=_core.usable_cpus() if workers is None else workers,
        max_worker_memory=optional_bytes("max_worker_memory", options.get("max_worker_memory")),
        max_worker_age=_seconds(options, "max_worker_age", 0.0),
        idle_timeout=_seconds(options, "idle_timeout", 0.0),
        min_workers=whole_number("min_workers", options.get("min_workers", 0), least=0),
        budget=_seconds(options, "budget", 0.0),
        stall=_seconds(options, "stall", 0.0),
        start_timeout=_seconds(options, "start_timeout", 60.0),
        on_worker_lost=_loss_handler(options.get("on_worker_lost")),
        kind=start_kind(options.get("start", START_KINDS[0])),
        initializer=_call("initializer", initializer, "initargs", initargs),
        finalizer=_call("finalizer", options.get("finalizer"), "finalargs", options.get("finalargs", ())),
        max_jobs_per_worker=0 if limit is None else whole_number("max_jobs_per_worker", limit, least=1),
        initializer_timeout=_seconds(options, "initializer_timeout", 0.0),
        finalizer_timeout=_seconds(options, "finalizer_timeout", 10.0),
        grace=seconds("grace", options.get("grace", 0.5), zero=True),
        start_early=bool(options.get("start_early", True)),
        preload=StartOptions.module_names(options.get("preload", ())),
        inherit_fds=frozenset(map(int, options.get("inherit_fds", ()))),
        track_jobs=bool(options.get("track_jobs", False)),
        exits_are_raised=bool(options.get("exits_are_raised", False)),
    )


def _loss_handler(function: Any) -> Callable[..., Any] | None:
    if function is None:
        return None
    callable_function("on_worker_lost", function)
    from prong._outcome import outcome_from
    from prong._worker_info import WorkerLoss

    return lambda worker, pid, outcome: function(WorkerLoss(worker, pid, outcome_from(outcome)))


def _seconds(options: Mapping[str, Any], name: str, default: float) -> float:
    value = options.get(name)
    return default if value is None else seconds(name, value)


def _call(name: str, function: Any, arguments_name: str, arguments: Any) -> tuple[Any, tuple[Any, ...]] | None:
    if function is None:
        return None
    try:
        return callable_function(name, function), tuple(arguments)
    except TypeError as error:
        if callable(function):
            raise TypeError(f"{arguments_name} must hold the arguments of one call, not {arguments!r}") from error
        raise


def _inline_engine(start: StartOptions) -> InlineEngine:
    from prong._inline import InlineEngine

    if start.initializer is not None:
        function, arguments = start.initializer
        function(*arguments)
    finalizer = start.finalizer
    return InlineEngine(None if finalizer is None else lambda: finalizer[0](*finalizer[1]))
