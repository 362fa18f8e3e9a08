"""Job: what submit() returns; a concurrent.futures.Future that knows more."""

from __future__ import annotations

import sys
import threading
import types

from prong import _core
from prong._errors_of_jobs import error_of
from prong._options import wait_seconds
from prong._outcome import Attempt, Outcome, Times, attempt_from, outcome_from
from prong._pickling import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from typing import Any, ClassVar, TypeVar

    T = TypeVar("T")
else:
    T = object

    class FutureToBe:
        """The base of Job until somebody asks whether a job is a Future: its import takes longer than a pool.

        Who asks has imported it. And isinstance() takes ``__class__`` if the type is not what it looks for.
        """

        __class_getitem__ = classmethod(types.GenericAlias)

        @property
        def __class__(self):
            return become_future() or type(self)  # isinstance() does not look into the type again

    Future = FutureToBe


_PHASES = ("PENDING", "RUNNING", "FINISHED")  # as concurrent.futures has them
_making_condition = threading.Lock()


class Job(_core.Job, Future[T]):
    """A call that was given to a pool.

    A job is a :class:`concurrent.futures.Future`, so ``concurrent.futures.wait``, ``as_completed``,
    ``asyncio.wrap_future`` and callbacks work; it also has the methods of ``multiprocessing.pool.AsyncResult``.

    >>> job = pool.submit(pow, 2, 10)       # doctest: +SKIP
    >>> job.result(timeout=5)               # doctest: +SKIP
    1024
    """

    # A future's condition and its lists are made when somebody looks at them ("watched"): most jobs never need them.
    # Until then the state is the engine's; from then on only _notify() finishes the job, under the condition. Else a
    # waiter that saw it finished would be told once more.
    _exception_types: ClassVar[Any] = None
    _watched: threading.Condition | None = None
    _told = False
    _decoded: tuple[Any, BaseException | None] | None = None

    def __init__(self) -> None:
        raise TypeError("jobs are made by submit() and its like")

    @classmethod
    def failed(cls, engine: Any, error: BaseException) -> Job[Any]:
        """A job that never reached a pool."""
        from prong._inline import finished_job

        return finished_job(cls, error=error)

    # The result.

    def result(self, timeout: float | None = None) -> T:
        """The value that the function returned; waits for it at most ``timeout`` seconds.

        Raises what the function raised, or a :class:`JobError` that says what happened; ``TimeoutError`` if the job is
        not done in time (it goes on: see :meth:`Pool.options` for limits).
        """
        value, error = self._decoded or self._settle(timeout)
        if error is not None:
            try:
                raise error
            finally:
                self = None  # type: ignore[assignment]  # break the cycle through the traceback
                error = None
        return value

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What result() would raise, or None; waits at most ``timeout`` seconds. A cancelled job raises."""
        _, error = self._decoded or self._settle(timeout)
        if self.cancelled() and error is not None:
            raise error
        return error

    def _settle(self, timeout: float | None) -> tuple[Any, BaseException | None]:
        if not self._wait(None if timeout is None else wait_seconds("timeout", timeout)):
            raise not_in_time(f"the job is not done after {timeout} seconds (it goes on)")
        return self.__dict__.setdefault("_decoded", self._decode())

    def _decode(self) -> tuple[Any, BaseException | None]:
        encoded = self._returned()
        if encoded is None:
            return None, error_of(self)
        if len(encoded) == 1:
            return encoded[0], None
        try:
            return decode(*encoded), None
        except (Exception, SystemExit) as error:
            return None, error_of(self, undecodable=error)

    # The state.

    def running(self) -> bool:
        """True while it is with a worker."""
        return self._phase() == 1

    def cancelled(self) -> bool:
        """True if it was cancelled."""
        return self.done() and self._outcome()[0] == "cancelled"

    def cancel(self, *, running: bool = False) -> bool:
        """Cancels the job if it has not started. True if it is cancelled. ``running``: also if it runs, as kill()."""
        if running:
            return self.kill()
        cancelled = self._cancel()
        if cancelled and self._watched is not None:
            self._notify()
        return cancelled

    def kill(self) -> bool:
        """Cancels the job also if it runs: its whole process tree is killed. False if it was done already."""
        return self._kill()

    # What is known of it.

    @property
    def outcome(self) -> Outcome | None:
        """What the job came to; None until it is done."""
        return outcome_from(self._outcome()) if self.done() else None

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """All attempts, first to last; () until the job is done."""
        return tuple(map(attempt_from, self._attempts())) if self.done() else ()

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker that made the last attempt; None if there was none, or until the job is done."""
        attempts = self.attempts
        return (attempts[-1].worker_pid or None) if attempts else None

    @property
    def times(self) -> Times:
        """When it was submitted, started, and done: seconds on :func:`time.monotonic`."""
        submitted, finished = self._times()
        attempts = self.attempts
        started = attempts[-1].started if attempts else 0.0
        return Times(submitted / 1e9, started or None, finished / 1e9 if self.done() else None)

    # As multiprocessing.pool.AsyncResult.

    def get(self, timeout: float | None = None) -> T:
        """The same as result()."""
        return self.result(timeout)

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the job is done, at most ``timeout`` seconds. True if it is."""
        return self._wait(wait_seconds("timeout", timeout))

    def ready(self) -> bool:
        """True once the job is done."""
        return self.done()

    def successful(self) -> bool:
        """True if it returned. Raises ValueError until it is done."""
        if not self.done():
            raise ValueError(f"{self!r} is not done")
        return self._outcome()[0] == "returned"

    # What concurrent.futures and asyncio look at.

    @property
    def _state(self) -> str:  # type: ignore[override]
        phase = self._phase()
        if self._watched is not None and phase == 2 and not self._told:
            return "CANCELLED" if self._outcome()[0] == "cancelled" else "RUNNING"
        if phase == 2 and self._outcome()[0] == "cancelled":
            return "CANCELLED_AND_NOTIFIED"
        return _PHASES[phase]

    @property
    def _condition(self) -> threading.Condition:  # type: ignore[override]
        if self._watched is None:
            with _making_condition:
                if self._watched is None:
                    self._begin_watching()
        assert self._watched is not None
        return self._watched

    def _begin_watching(self) -> None:
        self._waiters: list[Any] = []
        self._done_callbacks: list[Callable[[Any], object]] = []
        condition = threading.Condition()
        with condition:  # whoever is told at once waits for _told
            self._watched = condition
            self._told = not self._watch()

    def add_done_callback(self, fn: Callable[[Any], object]) -> None:
        """Has ``fn(job)`` called when the job is done: in a thread of the pool, or at once if it is done."""
        with self._condition:
            if not self._told:
                self._done_callbacks.append(fn)
                return
        self._call(fn)

    def _notify(self) -> None:
        """The job is done: tells everybody who waits. Called by the pool's watcher, once per watch."""
        with self._condition:
            if self._told:
                return
            self._told = True
            tell = {"returned": "add_result", "cancelled": "add_cancelled"}.get(self._outcome()[0], "add_exception")
            for waiter in self._waiters:
                getattr(waiter, tell)(self)
            self._condition.notify_all()
        for callback in self._done_callbacks:
            self._call(callback)

    def _call(self, callback: Callable[[Any], object]) -> None:
        try:
            callback(self)
        except Exception:
            import logging

            logging.getLogger("concurrent.futures").exception("exception calling callback for %r", self)

    def set_result(self, result: Any) -> None:
        raise TypeError("the pool alone sets the result of a job")

    def set_exception(self, exception: BaseException | None) -> None:
        raise TypeError("the pool alone sets the exception of a job")

    def set_running_or_notify_cancel(self) -> bool:
        raise TypeError("the pool alone starts a job")

    def __repr__(self) -> str:
        what = self._describe() if self.done() else ("queued", "running")[self._phase()]
        return f"<{type(self).__name__} {self.id}: {what}>"

    def __reduce__(self) -> Any:
        raise TypeError("a job belongs to its program: send its result instead")


def not_in_time(text: str) -> Exception:
    """The TimeoutError of concurrent.futures."""
    if sys.version_info >= (3, 11):
        return TimeoutError(text)
    from concurrent.futures import TimeoutError as FutureTimeoutError

    return FutureTimeoutError(text)


def become_future() -> type[Future[Any]] | None:
    """Makes jobs futures of concurrent.futures, if that was imported; gives their class."""
    future: type[Future[Any]] | None = getattr(sys.modules.get("concurrent.futures._base"), "Future", None)
    if future is not None and Job.__bases__ != (_core.Job, future):
        Job.__bases__ = (_core.Job, future)
    return future


become_future()
