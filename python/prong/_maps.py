"""What map-likes give back: all results at once, or one after another while the input is read lazily."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as FutureTimeoutError
from itertools import islice
from typing import Any, Generic, NoReturn, TypeVar

from prong._exceptions import EncodingError
from prong._inline import InlineEngine
from prong._job import Job
from prong._options import wait_seconds
from prong._pickling import loads
from prong._progress import Progress

T = TypeVar("T")
_NEVER_WAIT = (list, tuple, range)
_LARGEST_WINDOW = 1024
_SHORT_FILL_SECONDS = 0.01
_LEAST_SWEEP = 8
_BATCHES_PER_WORKER = 8
_LARGEST_BATCH = 65_536

_intakes: weakref.WeakSet[Intake] = weakref.WeakSet()
_intakes_lock = threading.Lock()


class Call:
    """What is mapped: a function on an engine with options. ``shape`` says what an item is.

    ``most``: of so many items in one piece, None: as many as are good; 1: each item is a job of its own.
    """

    def __init__(self, engine: Any, options: Any, function: Any, shape: int, most: int | None = 1) -> None:
        self.engine = engine
        self.options = options
        self.function = function
        self.shape = shape
        self._callee = engine.callee(function)
        self._submitted = 0
        self._most = most if most == 1 or engine.takes_batches(options) else 1

    def submit(self, items: Iterable[Any], completions: Any = None) -> Batch:
        """Queues a job for each item."""
        items = items if hasattr(items, "__len__") else list(items)  # all of them, before any is called
        most = self._most or _good_batch(items, len(self.engine.workers()))
        group, failures = self.engine.submit_items(
            self.options, self._callee, self.shape, items, self.function, most, completions, self._submitted
        )
        self._submitted += len(group)
        return Batch(self.engine, group, failures)


def _good_batch(items: Iterable[Any], workers: int) -> int:
    """Several for each worker, so that all have something to do early, and to the end."""
    count = len(items)  # type: ignore[arg-type]
    return min(max(1, count // (_BATCHES_PER_WORKER * max(1, workers))), _LARGEST_BATCH)


class Batch:
    """Jobs of many items, in their order; among them those that could not be encoded."""

    def __init__(self, engine: Any, group: Any, failures: dict[int, EncodingError]) -> None:
        self.engine = engine
        self.group = group
        self.failures = failures

    def __len__(self) -> int:
        return len(self.group) + len(self.failures)

    def jobs(self) -> Iterator[Job[Any]]:
        """The jobs in the order of the items."""
        numbers = iter(range(len(self.group)))
        for index in range(len(self)):
            failure = self.failures.get(index)
            yield self._job(next(numbers)) if failure is None else Job.failed(self.engine, failure)

    def results(self) -> list[Any]:
        """All values; raises the first error. Requires that all jobs are done."""
        if self.failures:
            return [job.result() for job in self.jobs()]
        values: list[Any] = self.group.results(loads, self._finish)
        return values

    def _job(self, number: int) -> Job[Any]:
        job: Job[Any] = self.group.job(Job, self.engine, number)
        return job

    def _finish(self, number: int) -> Any:
        return self._job(number).result()


class MapResult(Generic[T]):
    """The results of a map that goes on: as ``multiprocessing.pool.MapResult``."""

    def __init__(
        self,
        call: Call,
        items: Iterable[Any],
        progress: Progress | None = None,
        callback: Callable[[list[T]], Any] | None = None,
        error_callback: Callable[[BaseException], Any] | None = None,
    ) -> None:
        self._completions = call.engine.completions() if progress is not None else None
        self._batch = call.submit(items, self._completions)
        self._progress = progress
        self._values: list[T] | None = None
        if callback is not None or error_callback is not None:
            _call_at_end(self, callback, error_callback)

    def get(self, timeout: float | None = None) -> list[T]:
        """The values in the order of the items; raises the first error, when all are done.

        ``TimeoutError`` if they are not after ``timeout`` seconds (they go on).
        """
        if not self.wait(timeout):
            raise FutureTimeoutError(f"the map is not done after {timeout} seconds (it goes on)")
        if self._values is None:
            self._values = self._batch.results()
        return self._values

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until all are done, at most ``timeout`` seconds. True if they are."""
        seconds = wait_seconds("timeout", timeout)
        if self._progress is not None:
            return self._wait_showing(seconds)
        done: bool = self._batch.group.wait(seconds)
        return done

    def ready(self) -> bool:
        """True once all are done."""
        done: bool = self._batch.group.done()
        return done

    def successful(self) -> bool:
        """True if all returned. Raises ValueError until all are done."""
        if not self.ready():
            raise ValueError(f"{self!r} is not done")
        return all(job.successful() for job in self._batch.jobs())

    def cancel(self) -> int:
        """Cancels the jobs that have not started; says how many."""
        cancelled: int = self._batch.group.cancel()
        return cancelled

    def jobs(self) -> list[Job[T]]:
        """The job of each item."""
        return list(self._batch.jobs())

    def _wait_showing(self, seconds: float | None) -> bool:
        deadline = None if seconds is None else time.monotonic() + seconds
        assert self._progress is not None
        assert self._completions is not None
        with self._progress as bar:
            bar.expect(len(self._batch))
            bar.advance(len(self._batch.failures))
            while not self.ready():
                left = None if deadline is None else max(0.0, deadline - time.monotonic())
                if left == 0.0:
                    return False
                bar.advance(self._completions.count(left))
            bar.advance(self._completions.count(0.0))
        return True


def _call_at_end(result: MapResult[Any], callback: Any, error_callback: Any) -> None:
    """Calls back when the last job is done, from a thread of the pool."""
    jobs = result.jobs()
    lock = threading.Lock()
    left = len(jobs)

    def count_down(_job: Any) -> None:
        nonlocal left
        with lock:
            left -= 1
            if left > 0:
                return
        try:
            values = result.get()
        except BaseException as error:
            if error_callback is not None:
                error_callback(error)
        else:
            if callback is not None:
                callback(values)

    for job in jobs:
        job.add_done_callback(count_down)
    if not jobs and callback is not None:
        callback([])


class ResultIterator(Generic[T]):
    """Results one after another. The input is read a bounded number of items ahead of what was taken.

    What a job raised is raised by ``next()``, and the iteration may go on after it; what the input raised comes after
    the results of the items before it. Threads may share an iterator: each result goes to one of them.
    """

    def __init__(self, jobs: JobsInOrder | JobsAsDone, intake: Intake, progress: Progress | None) -> None:
        self._jobs = jobs
        self._intake = intake
        self._progress = progress
        self._turn = threading.RLock()
        self._closed = False
        weakref.finalize(self, intake.stop)

    def __iter__(self) -> ResultIterator[T]:
        return self

    def __next__(self) -> T:
        return self.next()

    def next(self, timeout: float | None = None) -> T:
        """The next result; ``TimeoutError`` if there is none within ``timeout`` seconds."""
        job = self._next_job(wait_seconds("timeout", timeout))
        try:
            return job.result()
        except StopIteration as error:  # it would end the loop, as if there were no more results
            raise RuntimeError("a job raised StopIteration") from error

    def close(self) -> None:
        """Reads no more input; jobs that have not started are cancelled, and no more results are given."""
        self._closed = True
        self._intake.stop()
        self._jobs.cancel()
        if self._progress is not None:
            self._progress.close()

    def _next_job(self, seconds: float | None) -> Job[T]:
        deadline = None if seconds is None else time.monotonic() + seconds
        if not self._turn.acquire(timeout=_wait_limit(seconds)):
            raise _no_result(seconds)
        try:
            if not self._closed and not self._intake.wait_for_job(_left(deadline)):
                raise _no_result(seconds)
            if self._closed or self._intake.pending == 0:
                self._end()
            job = self._jobs.take(_left(deadline))
            if job is None:
                raise _no_result(seconds)
            self._intake.count_taken()
        finally:
            self._turn.release()
        if self._progress is not None:
            self._progress.advance(1)
        return job

    def _end(self) -> NoReturn:
        if self._progress is not None:
            self._progress.close()
        error, self._intake.error = self._intake.error, None
        if error is None or self._closed:
            raise StopIteration
        try:
            raise error
        finally:
            error = None  # break the cycle through the traceback


def iterate(
    call: Call, items: Iterable[Any], progress: Progress | None, read_ahead: int | None, *, in_order: bool
) -> ResultIterator[Any]:
    """Results of a call for each item, while the items are read."""
    jobs = JobsInOrder(call) if in_order else JobsAsDone(call)
    return ResultIterator(jobs, Intake(items, jobs, call.engine, read_ahead), progress)


def _no_result(seconds: float | None) -> FutureTimeoutError:
    return FutureTimeoutError(f"no result within {seconds} seconds")


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _wait_limit(seconds: float | None) -> float:
    """How the locks of ``threading`` take a time."""
    return -1.0 if seconds is None else min(seconds, threading.TIMEOUT_MAX)


class Intake:
    """Reads items and submits a job for each, never more than its window ahead of the results that were taken.

    Items of a list and its like are read, in batches, by whoever wants a result. To read any other input may take long,
    or may need the results: it is read by a thread of its own, which submits each item before it asks for the next. The
    thread holds this object, but not the iterator: it ends, too, when nobody holds that any more.
    """

    def __init__(self, items: Iterable[Any], jobs: JobsInOrder | JobsAsDone, engine: Any, read_ahead: int | None):
        self.engine = engine
        self._items = iter(items)
        self._jobs: JobsInOrder | JobsAsDone | None = jobs
        self._reads_now = isinstance(engine, InlineEngine) or type(items) in _NEVER_WAIT
        self._thread: threading.Thread | None = None
        self._adaptive = read_ahead is None
        self._window = read_ahead or min(max(8, 4 * len(engine.workers())), _LARGEST_WINDOW)
        if isinstance(engine, InlineEngine):
            self._adaptive, self._window = False, 1  # a job is done before the next item is read
        self._filled = 0.0
        self._changed = threading.Condition()
        self._more = True
        self.submitted = 0  #: written by whoever reads
        self.taken = 0  #: written by whoever takes
        self.error: BaseException | None = None  #: what comes after the last result
        with _intakes_lock:
            _intakes.add(self)

    @property
    def pending(self) -> int:
        """Jobs whose results were not taken."""
        return self.submitted - self.taken

    def wait_for_job(self, seconds: float | None) -> bool:
        """Waits until there is a pending job, or no more input; False: not in time."""
        if self._reads_now:
            self._fill()
            return True
        if self._thread is None:
            self._thread = threading.Thread(target=self._read_all, name="prong-input", daemon=True)
            self._thread.start()
        if self.pending > 0:
            return True
        with self._changed:
            return self._changed.wait_for(lambda: self.pending > 0 or not self._more, seconds)

    def count_taken(self) -> None:
        """The result of one more job was taken."""
        self.taken += 1
        if not self._reads_now and self.pending <= self._window // 2:
            with self._changed:
                self._changed.notify_all()

    def stop(self) -> None:
        """Nothing more is read (an item that is awaited is dropped when it comes)."""
        self._end(None)
        self.engine = self._jobs = None  # a thread that still awaits an item shall not hold the pool

    def _end(self, error: BaseException | None) -> None:
        with self._changed:
            if self._more:
                self._more, self.error = False, error
            self._changed.notify_all()

    def _fill(self) -> None:
        if not self._more or self.pending > self._window // 2:
            return
        self._widen()
        try:
            batch = list(islice(self._items, self._window - self.pending))
            self._submit(batch)
        except Exception as error:
            self._end(error)
        else:
            if not batch:
                self._end(None)

    def _read_all(self) -> None:
        error = None
        try:
            for item in self._items:
                self._submit([item])
                del item  # not to be held while the next is awaited
                if not self._has_room():
                    break
        except BaseException as caught:
            error = caught
        self._end(error)

    def _submit(self, batch: list[Any]) -> None:
        jobs = self._jobs
        if jobs is None:
            return
        self.submitted += jobs.submit(batch)
        with self._changed:
            self._changed.notify_all()
            stopped = not self._more
        if stopped:
            jobs.cancel()

    def _has_room(self) -> bool:
        """Waits, when the window is full, until half of it was taken. False when nothing more shall be read."""
        if self._more and self.pending >= self._window:
            with self._changed:
                self._changed.wait_for(lambda: not self._more or self.pending <= self._window // 2)
            self._widen()
        return self._more

    def _widen(self) -> None:
        """A window whose half was taken in no time is too small to keep the workers busy."""
        now = time.monotonic()
        if self._adaptive and now - self._filled < _SHORT_FILL_SECONDS:
            self._window = min(self._window * 2, _LARGEST_WINDOW)
        self._filled = now


def stop_reading(engine: Any) -> None:
    """The engine takes no more jobs: ends the threads that read for it."""
    with _intakes_lock:
        intakes = [intake for intake in _intakes if intake.engine is engine]
    for intake in intakes:
        intake.stop()


class JobsInOrder:
    """Jobs that are taken in the order of their items."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._jobs: deque[Job[Any]] = deque()

    def submit(self, items: list[Any]) -> int:
        """Queues a job for each item; says how many."""
        self._jobs.extend(self._call.submit(items).jobs())
        return len(items)

    def take(self, seconds: float | None) -> Job[Any] | None:
        """Waits for the next job; None: not in time. Requires that one was submitted and not taken."""
        return self._jobs.popleft() if self._jobs[0]._wait(seconds) else None

    def cancel(self) -> None:
        """Cancels the jobs that have not started."""
        for job in list(self._jobs):
            job.cancel()


class JobsAsDone:
    """Jobs that are taken in the order in which they are done."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._completions = call.engine.completions()
        self._done: deque[Job[Any]] = deque()
        self._batches: list[Batch] = []  #: those with jobs that may have to be cancelled
        self._sweep_at = _LEAST_SWEEP

    def submit(self, items: list[Any]) -> int:
        """Queues a job for each item; says how many."""
        batch = self._call.submit(items, self._completions)
        self._done.extend(Job.failed(self._call.engine, error) for error in batch.failures.values())
        if len(self._batches) >= self._sweep_at:
            self._batches = [one for one in self._batches if not one.group.done()]
            self._sweep_at = _LEAST_SWEEP + 2 * len(self._batches)
        self._batches.append(batch)
        return len(items)

    def take(self, seconds: float | None) -> Job[Any] | None:
        """Waits for a job; None: not in time. Requires that one was submitted and not taken."""
        if not self._done:
            self._done.extend(self._completions.take(Job, self._call.engine, seconds))
        return self._done.popleft() if self._done else None

    def cancel(self) -> None:
        """Cancels the jobs that have not started."""
        for batch in list(self._batches):
            batch.group.cancel()
