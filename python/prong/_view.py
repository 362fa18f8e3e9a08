"""View: everything that submits jobs. A Pool is one; Pool.options() gives others on the same pool."""

from __future__ import annotations

from prong._exceptions import UsageError
from prong._options import callable_function, job_options, whole_number
from prong._shapes import ARGUMENTS, SINGLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeVar

    from prong._job import Job
    from prong._maps import Call, MapResult, ResultIterator

    T = TypeVar("T")

_NOTHING: Mapping[str, Any] = {}


class _JobType:
    """Stands for Job until the first one is made: a nursery is asked for before anything else is imported."""

    def __get__(self, view: Any, owner: Any) -> type[Job[Any]]:
        from prong._job import Job

        View._job_type = Job
        return Job


class View:
    """A pool with options for the jobs that are submitted through it."""

    _job_type: Any = _JobType()

    def __init__(self, engine: Any, given: Mapping[str, Any]) -> None:
        self._engine = engine
        self._given = dict(given)
        self._options = job_options(given)

    def options(self, **options: Any) -> View:
        """The same pool, for jobs with other options. Those not named stay as they are here.

        Limits: a job that meets one raises :class:`JobTimeout`. ``timeout``: wall time of one attempt, in seconds from
        its start in the worker; ``cpu_time``: seconds of CPU time of one attempt, with all that it started;
        ``memory``: bytes by which the worker, and what the job started, may grow: the whole process tree is killed.
        ``queue_time``: seconds from submission to the start of the first attempt; later, the job is not begun.
        ``output``: bytes of the encoded result.

        ``retries``: attempts after the first that failed, a number or a :class:`RetryPolicy`. ``priority``: higher runs
        first. ``key``: a text that is unique among queued and running jobs; submitting it again gives the job that is
        there (so it is refused in maps). ``fresh``: run in a process of its own; the job is done when its process tree
        is gone. ``leftovers``: "keep" or "kill" what a job that ended well left running.

        Raises TypeError for an unknown name, :class:`UsageError` for a value out of range.

        >>> pool.options(timeout=5, retries=2).submit(work, x)      # doctest: +SKIP
        """
        return View(self._engine, {**self._given, **options})

    # Single jobs.

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> Job[T]:
        """Queues ``function(*args, **kwargs)`` and returns its :class:`Job` at once.

        Raises TypeError if ``function`` cannot be called, :class:`PoolClosed` after close(). Arguments that cannot be
        pickled fail the job, with an :class:`EncodingError` that names them.

        >>> pool.submit(pow, 2, 10).result()        # doctest: +SKIP
        1024
        """
        if not callable(function):
            callable_function("function", function)
        job: Job[T] = self._engine.submit(self._job_type, self._options, function, args, kwargs)
        return job

    def apply(self, func: Callable[..., T], args: Iterable[Any] = (), kwds: Mapping[str, Any] = _NOTHING) -> T:
        """Calls ``func(*args, **kwds)`` in a worker and returns its value."""
        return self.submit(func, *args, **kwds).result()

    def apply_async(
        self,
        func: Callable[..., T],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] = _NOTHING,
        callback: Callable[[T], Any] | None = None,
        error_callback: Callable[[BaseException], Any] | None = None,
    ) -> Job[T]:
        """As submit(); ``callback(value)`` or ``error_callback(error)`` is called in a thread of the pool."""
        job = self.submit(func, *args, **kwds)
        if callback is not None or error_callback is not None:
            job.add_done_callback(lambda done: _call_back(done, callback, error_callback))
        return job

    # Many jobs. Every item has its own outcome.

    def map(
        self,
        func: Callable[[Any], T],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        *,
        progress: bool | str = False,
    ) -> list[T]:
        """``[func(item) for item in iterable]`` in the workers. Raises the first error when all are done.

        ``chunksize``: at most so many items go to a worker at a time; None: as many as are good; 1: each alone. Also
        together each has its own outcome and ``timeout``: if one ends its worker, the others are not lost, and none
        runs twice. With ``progress`` and other options than ``timeout`` and ``priority`` each goes alone.

        ``progress``: True, or a text, shows how many are done, on standard error.
        """
        return self._map(func, iterable, chunksize, SINGLE, progress, in_batches=not progress).get()

    def map_async(
        self,
        func: Callable[[Any], T],
        iterable: Iterable[Any],
        chunksize: int | None = None,
        callback: Callable[[list[T]], Any] | None = None,
        error_callback: Callable[[BaseException], Any] | None = None,
    ) -> MapResult[T]:
        """As map(), but returns a :class:`MapResult` at once."""
        return self._map(func, iterable, chunksize, SINGLE, False, callback, error_callback)

    def starmap(
        self,
        func: Callable[..., T],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        *,
        progress: bool | str = False,
    ) -> list[T]:
        """As map(), but each item holds the arguments of one call."""
        return self._map(func, iterable, chunksize, ARGUMENTS, progress, in_batches=not progress).get()

    def starmap_async(
        self,
        func: Callable[..., T],
        iterable: Iterable[Iterable[Any]],
        chunksize: int | None = None,
        callback: Callable[[list[T]], Any] | None = None,
        error_callback: Callable[[BaseException], Any] | None = None,
    ) -> MapResult[T]:
        """As starmap(), but returns a :class:`MapResult` at once."""
        return self._map(func, iterable, chunksize, ARGUMENTS, False, callback, error_callback)

    def imap(
        self,
        func: Callable[[Any], T],
        iterable: Iterable[Any],
        chunksize: int = 1,
        *,
        progress: bool | str = False,
        read_ahead: int | None = None,
    ) -> ResultIterator[T]:
        """The results one after another, in the order of the items, while the input is read.

        ``read_ahead``: how many items are taken from the input before their results are; None: as many as keep the
        workers busy, at most 1024.
        """
        return self._iterate(func, iterable, chunksize, progress, read_ahead, in_order=True)

    def imap_unordered(
        self,
        func: Callable[[Any], T],
        iterable: Iterable[Any],
        chunksize: int = 1,
        *,
        progress: bool | str = False,
        read_ahead: int | None = None,
    ) -> ResultIterator[T]:
        """As imap(), but in the order in which jobs are done."""
        return self._iterate(func, iterable, chunksize, progress, read_ahead, in_order=False)

    def _map(
        self,
        func: Any,
        iterable: Iterable[Any],
        chunksize: int | None,
        shape: int,
        progress: bool | str,
        callback: Any = None,
        error_callback: Any = None,
        *,
        in_batches: bool = False,
    ) -> MapResult[Any]:
        call = self._call(func, chunksize, shape, in_batches=in_batches)
        if shape == ARGUMENTS:
            iterable = _tuples(iterable)
        from prong._maps import MapResult
        from prong._progress import progress_for

        return MapResult(call, iterable, progress_for(progress, iterable), callback, error_callback)

    def _iterate(
        self, func: Any, iterable: Any, chunksize: int | None, progress: Any, read_ahead: int | None, *, in_order: bool
    ) -> ResultIterator[Any]:
        call = self._call(func, chunksize, SINGLE)
        if read_ahead is not None:
            whole_number("read_ahead", read_ahead, least=1)
        from prong._maps import iterate
        from prong._progress import progress_for

        return iterate(call, iterable, progress_for(progress, iterable), read_ahead, in_order=in_order)

    def _call(self, func: Any, chunksize: int | None, shape: int, *, in_batches: bool = False) -> Call:
        callable_function("func", func)
        if self._given.get("key"):
            raise UsageError(
                f"key={self._given['key']!r} stands for one job: all items of a map would give the result of the first;"
                " use submit(), with a key for each, or options(key=None)"
            )
        if chunksize is not None:
            whole_number("chunksize", chunksize, least=1)
        from prong._maps import Call

        return Call(self._engine, self._options, func, shape, chunksize if in_batches else 1)


def _tuples(items: Iterable[Iterable[Any]]) -> Iterable[tuple[Any, ...]]:
    return [tuple(item) for item in items]


def _call_back(job: Job[Any], callback: Any, error_callback: Any) -> None:
    try:
        value = job.result()
    except BaseException as error:
        if error_callback is not None:
            error_callback(error)
    else:
        if callback is not None:
            callback(value)
