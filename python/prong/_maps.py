"""What map-likes give back: all results at once, or one after another while the input is read lazily."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, NoReturn, TypeVar

from prong._exceptions import EncodingError, PoolError
from prong._inline import InlineEngine
from prong._job import Job, not_in_time
from prong._options import wait_seconds
from prong._pickling import loads
from prong._progress import Progress

T = TypeVar("T")
_NEVER_WAIT = (list, tuple, range)
_LARGEST_WINDOW = 1024
_MOST_RESULT_BYTES = 32 * 1024 * 1024  #: of results that wait to be taken, where that does not keep the workers idle
_SHORT_FILL_SECONDS = 0.01
_PARTS_OF_WINDOW = 4
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
        self._most = most if most == 1 or engine.takes_batches(options) else 1

    def submit(self, items: Iterable[Any], completions: Any = None) -> Batch:
        """Queues a job for each item."""
        items = items if hasattr(items, "__len__") else list(items)  # all of them, before any is called
        most = self._most or _good_batch(items, len(self.engine.workers()))
        group, failures = self.engine.submit_items(
            self.options, self._callee, self.shape, items, self.function, most, completions
        )
        return Batch(self.engine, group, failures)

    def stream(self, in_order: bool) -> Any:
        """Takes calls of which each is a job of its own."""
        return self.engine.stream(self.options, self._callee, self.shape, self.function, in_order)


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
            raise not_in_time(f"the map is not done after {timeout} seconds (it goes on)")
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

    def __init__(self, engine: Any, stream: Any, intake: Intake, progress: Progress | None) -> None:
        self._engine = engine
        self._stream = stream
        self._intake = intake
        self._progress = progress
        self._values: deque[T] = deque()  #: of jobs that were done when one was asked for
        self._turn = threading.RLock()
        self._closed = False
        weakref.finalize(self, intake.stop)

    def __iter__(self) -> ResultIterator[T]:
        return self

    def __next__(self) -> T:
        try:
            return self._values.popleft()
        except IndexError:
            return self.next()

    def next(self, timeout: float | None = None) -> T:
        """The next result; ``TimeoutError`` if there is none within ``timeout`` seconds."""
        seconds = wait_seconds("timeout", timeout)
        deadline = None if seconds is None else time.monotonic() + seconds
        if not self._turn.acquire(timeout=_wait_limit(seconds)):
            raise _no_result(seconds)
        try:
            job = None
            while job is None:
                try:
                    return self._values.popleft()  # another thread may be faster
                except IndexError:
                    job = self._take(seconds, deadline)
        finally:
            self._turn.release()
        try:
            return job.result()
        except StopIteration as error:  # it would end the loop, as if there were no more results
            raise RuntimeError("a job raised StopIteration") from error

    def close(self) -> None:
        """Reads no more input; jobs that have not started are cancelled, and no more results are given."""
        self._closed = True
        self._intake.stop()
        self._stream.close()
        self._values.clear()
        if self._progress is not None:
            self._progress.close()

    def _take(self, seconds: float | None, deadline: float | None) -> Job[T] | None:
        """The next job; None: there are values now, or were."""
        intake = self._intake
        intake.settle()
        if not self._closed and not intake.wait_for_job(_left(deadline)):
            raise _no_result(seconds)
        if self._closed or not intake.available():
            self._end()
        taken = self._stream.take(intake.most_at_once(), self._values.append, loads, Job, self._engine, _left(deadline))
        if taken is None:
            raise _no_result(seconds)
        intake.made_room()
        if self._closed:
            self._values.clear()
        count = taken if type(taken) is int else 1
        if self._progress is not None:
            self._progress.advance(count)
        if type(taken) is int:
            return None
        return taken if isinstance(taken, Job) else Job.failed(self._engine, taken)

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
    stream = call.stream(in_order)
    intake = Intake(items, call.engine.feeder(stream), call.engine, read_ahead)
    return ResultIterator(call.engine, stream, intake, progress)


def _no_result(seconds: float | None) -> Exception:
    return not_in_time(f"no result within {seconds} seconds")


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _wait_limit(seconds: float | None) -> float:
    """How the locks of ``threading`` take a time."""
    return -1.0 if seconds is None else min(seconds, threading.TIMEOUT_MAX)


class Intake:
    """Reads items and submits a job for each, never more than its window ahead of the results that were taken.

    Items of a list and its like are read, many together, by whoever wants a result. To read any other input may take
    long, or may need the results: it is read by a thread of its own. Each item is submitted before the next is asked
    for, or, while they come within microseconds, at most half a millisecond later, whether the next has come or not.
    The thread holds this object, but neither the iterator nor its jobs: it ends, too, when nobody holds those.
    """

    def __init__(self, items: Iterable[Any], feeder: Any, engine: Any, read_ahead: int | None):
        self.engine = engine
        self._items = iter(items)
        self._feeder = feeder
        self._reads_now = isinstance(engine, InlineEngine) or type(items) in _NEVER_WAIT
        self._thread: threading.Thread | None = None
        self._adaptive = read_ahead is None
        self._least = min(max(8, 4 * len(engine.workers())), _LARGEST_WINDOW)
        self._window = read_ahead or self._least
        if isinstance(engine, InlineEngine):
            self._adaptive, self._window = False, 1  # a job is done before the next item is read
        self._filled = 0.0
        self._changed = threading.Condition()
        self._more = True
        self._full = False  #: the thread waits until results were taken
        self.error: BaseException | None = None  #: what comes after the last result
        with _intakes_lock:
            _intakes.add(self)

    def available(self) -> bool:
        """True if there are, or will be, results of what was read."""
        try:
            some: bool = self._feeder.available()
        except Exception as error:  # of the pool, which refuses what was read
            explained = self._explained(error)
            self._end(explained)
            if self.error is None:  # reading had ended before: what was read is refused all the same
                self.error = explained
            return False
        return some

    def wait_for_job(self, seconds: float | None) -> bool:
        """Waits until something is available, or there is no more input; False: not in time."""
        if self._reads_now:
            self._fill()
            return True
        if self._thread is None:
            thread = threading.Thread(target=self._read_all, name="prong-input", daemon=True)
            thread.start()
            self._thread = thread
        if self.available():
            return True
        with self._changed:
            return self._changed.wait_for(self._something_came, seconds)

    def most_at_once(self) -> int:
        """So many results may be taken together: until they are used, no more input is read in their place."""
        return max(1, self._window // _PARTS_OF_WINDOW)

    def settle(self) -> None:
        """The results that were taken are used."""
        self._feeder.settle()
        self.made_room()

    def made_room(self) -> None:
        """Results were taken: who waits for room may read on."""
        if self._full and self._has_room():
            with self._changed:
                self._changed.notify_all()

    def stop(self) -> None:
        """Nothing more is read (an item that is awaited is dropped when it comes)."""
        self._end(None)
        self.engine = None  # a thread that still awaits an item shall not hold the pool

    def _has_room(self) -> bool:
        some: bool = self._feeder.pending() <= self._window // 2
        return some

    def _something_came(self) -> bool:
        self._feeder.interrupt(True)  # else the thread reads on before it tells; first: it may read at any time
        return self.available() or not self._more

    def _end(self, error: BaseException | None) -> None:
        with self._changed:
            if self._more:
                self._more, self.error = False, error
            self._feeder.interrupt(True)
            self._changed.notify_all()

    def _fill(self) -> None:
        if not self._more or not self._has_room():
            return
        self._widen()
        room = self._window - self._feeder.pending()
        try:
            if room > 0 and not self._feeder.feed(self._items, room):
                self._end(None)
        except Exception as error:
            self._end(self._explained(error))

    def _read_all(self) -> None:
        error = None
        try:
            try:
                for item in self._items:
                    go_on = self._feeder.add(item, self._window)
                    del item  # not to be held while the next is awaited
                    if not go_on and not self._wait_for_room():
                        break
            finally:
                self._feeder.submit()
        except BaseException as caught:
            error = self._explained(caught)
        finally:
            self._end(error)

    def _explained(self, error: BaseException) -> BaseException:
        engine = self.engine
        return engine.explain(error) if isinstance(error, PoolError) and engine is not None else error

    def _wait_for_room(self) -> bool:
        """Tells of what was read; waits, when the window is full, until half of it was taken. False: read no more."""
        with self._changed:
            self._feeder.interrupt(False)
            self._changed.notify_all()
            while self._more and self._feeder.pending() >= self._window:
                self._full = True
                self._changed.wait_for(lambda: not self._more or self._has_room())
                self._full = False
                self._widen()
            return self._more

    def _widen(self) -> None:
        """A window whose half was taken in no time is too small to keep the workers busy; large results cost memory."""
        now = time.monotonic()
        if self._adaptive:
            affordable = int(_MOST_RESULT_BYTES / max(self._feeder.result_bytes(), 1.0))
            wanted = self._window * 2 if now - self._filled < _SHORT_FILL_SECONDS else self._window
            self._window = min(wanted, _LARGEST_WINDOW, max(affordable, self._least))
        self._filled = now


def stop_reading(engine: Any) -> None:
    """The engine takes no more jobs: ends the threads that read for it."""
    with _intakes_lock:
        intakes = [intake for intake in _intakes if intake.engine is engine]
    for intake in intakes:
        intake.stop()
