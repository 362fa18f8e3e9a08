"""What map-likes give back: all results at once, or one after another while the input is read lazily."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, Generic, TypeVar

from prong._exceptions import EncodingError
from prong._job import Job
from prong._options import wait_seconds
from prong._pickling import loads
from prong._progress import Progress

T = TypeVar("T")
_LONGEST_FILL_SECONDS = 0.001
_LARGEST_WINDOW = 1024


class Call:
    """What is mapped: a function on an engine with options. ``shape`` says what an item is."""

    def __init__(self, engine: Any, options: Any, function: Any, shape: int) -> None:
        self.engine = engine
        self.options = options
        self.function = function
        self.shape = shape
        self._callee = engine.callee(function)
        self._submitted = 0

    def submit(self, items: Iterable[Any], completions: Any = None) -> Batch:
        """Queues a job for each item."""
        encoded = self.engine.encode_items(items, self.function)
        failures = {index: item for index, item in enumerate(encoded) if type(item) is EncodingError}
        good = [item for item in encoded if type(item) is not EncodingError] if failures else encoded
        group = self.engine.submit_many(self.options, self._callee, good, completions, self._submitted, self.shape)
        self._submitted += len(good)
        return Batch(self.engine, group, failures)


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
        done: bool = self._batch.group.wait(len(self._batch.group), seconds)
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
        except Exception as error:
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

    What a job raised is raised by ``next()``, and the iteration may go on after it.
    """

    def __init__(self, call: Call, items: Iterable[Any], progress: Progress | None, read_ahead: int | None) -> None:
        self._call = call
        self._items = iter(items)
        self._more = True
        self._pending = 0
        self._progress = progress
        self._adaptive = read_ahead is None
        self._window = read_ahead or max(8, 4 * len(call.engine.workers()))
        self._filled = 0.0

    def __iter__(self) -> ResultIterator[T]:
        return self

    def __next__(self) -> T:
        return self.next()

    def next(self, timeout: float | None = None) -> T:
        """The next result; ``TimeoutError`` if there is none within ``timeout`` seconds."""
        seconds = wait_seconds("timeout", timeout)
        self._fill()
        if self._pending == 0:
            self.close()
            raise StopIteration
        job = self._take(seconds)
        self._pending -= 1
        if self._progress is not None:
            self._progress.advance(1)
        return job.result()

    def close(self) -> None:
        """Reads no more input; jobs that have not started are cancelled."""
        self._more = False
        self._pending = 0
        if self._progress is not None:
            self._progress.close()
        self._cancel()

    def _fill(self) -> None:
        """Reads and submits items, in batches, until the window is full. A slow input does not hold results back."""
        if not self._more or self._pending > self._window // 2:
            return
        now = time.monotonic()
        if self._adaptive and self._pending == 0 and now - self._filled < 0.01:
            self._window = min(self._window * 2, _LARGEST_WINDOW)
        self._filled = now
        while self._more and self._pending < self._window:
            batch = self._read(self._window - self._pending)
            if batch:
                self._pending += self._submit(batch)
            if self._has_result():
                return

    def _read(self, room: int) -> list[Any]:
        batch: list[Any] = []
        until = time.monotonic() + _LONGEST_FILL_SECONDS
        for item in self._items:
            batch.append(item)
            if len(batch) == room or time.monotonic() > until:
                return batch
        self._more = False
        return batch

    def _submit(self, batch: list[Any]) -> int:
        raise NotImplementedError

    def _take(self, seconds: float | None) -> Job[T]:
        raise NotImplementedError

    def _has_result(self) -> bool:
        raise NotImplementedError

    def _cancel(self) -> None:
        raise NotImplementedError


class OrderedIterator(ResultIterator[T]):
    """Results in the order of the items."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._jobs: deque[Job[T]] = deque()

    def _submit(self, batch: list[Any]) -> int:
        before = len(self._jobs)
        self._jobs.extend(self._call.submit(batch).jobs())
        return len(self._jobs) - before

    def _take(self, seconds: float | None) -> Job[T]:
        if not self._jobs[0]._wait(seconds):
            raise FutureTimeoutError(f"no result within {seconds} seconds")
        return self._jobs.popleft()

    def _has_result(self) -> bool:
        return bool(self._jobs) and self._jobs[0].done()

    def _cancel(self) -> None:
        for job in self._jobs:
            job.cancel()


class UnorderedIterator(ResultIterator[T]):
    """Results in the order in which jobs are done."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._completions = self._call.engine.completions()
        self._done: deque[Job[T]] = deque()
        self._batches: list[Batch] = []

    def _submit(self, batch: list[Any]) -> int:
        submitted = self._call.submit(batch, self._completions)
        self._done.extend(Job.failed(self._call.engine, error) for error in submitted.failures.values())
        self._batches = [one for one in self._batches if not one.group.done()]
        self._batches.append(submitted)
        return len(submitted)

    def _take(self, seconds: float | None) -> Job[T]:
        if not self._done:
            self._done.extend(self._completions.take(Job, self._call.engine, seconds))
        if not self._done:
            raise FutureTimeoutError(f"no result within {seconds} seconds")
        return self._done.popleft()

    def _has_result(self) -> bool:
        return bool(self._done) or not self._completions.empty()

    def _cancel(self) -> None:
        for batch in self._batches:
            batch.group.cancel()
