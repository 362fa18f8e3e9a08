"""workers=0: jobs run in the calling process, at submit, for debugging. Also jobs that never reached a pool."""

from __future__ import annotations

import time
from collections import deque
from functools import lru_cache
from itertools import islice

from prong._exceptions import PoolClosed, PoolError, WorkerCrashed, type_name
from prong._shapes import SINGLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any


class _Finished:
    """A job that is done from the start. Mixed in before the job's own class."""

    _parts: tuple[Any, ...]
    _when: tuple[int, int]

    def done(self) -> bool:
        return True

    def _phase(self) -> int:
        return 2

    def _wait(self, seconds: float | None) -> bool:
        return True

    def _watch(self) -> bool:
        return False

    def _outcome(self) -> tuple[Any, ...]:
        return self._parts

    def _describe(self) -> str:
        return " ".join(map(str, self._parts[:3]))

    def _attempts(self) -> list[Any]:
        return []

    def _times(self) -> tuple[int, int]:
        return self._when

    def _quarantined(self) -> bool:
        return False

    def _cancel(self) -> bool:
        return False

    def _kill(self) -> bool:
        return False


@lru_cache(maxsize=16)
def _finished_type(job_type: type[Any]) -> type[Any]:
    return type(job_type.__name__, (_Finished, job_type), {})


def finished_job(job_type: type[Any], value: Any = None, error: BaseException | None = None, began: int = 0) -> Any:
    """A job that has returned ``value`` or failed with ``error``."""
    kind: Any = _finished_type(job_type)  # type: ignore[arg-type]  # a class is hashable
    job = kind.__new__(kind)
    now = time.monotonic_ns()
    job._when = (began or now, now)
    job._parts = ("returned",) if error is None else _parts_of(error)
    job._decoded = value, error
    return job


def _parts_of(error: BaseException) -> tuple[Any, ...]:
    if isinstance(error, WorkerCrashed):
        return "exited", error.exit_code
    import traceback

    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    return "raised", kind, str(error), "".join(traceback.format_exception(error))


class InlineEngine:
    """Takes the place of an Engine. Retries are made; time limits and priorities mean nothing here."""

    def __init__(self, finalizer: Callable[[], Any] | None = None) -> None:
        self._finalizer = finalizer
        self._closed = False
        self._finished = 0
        self._finalizer_outcomes: list[Any] = []

    def submit(self, job_type: type[Any], options: Any, function: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """Runs a call now."""
        if self._closed:
            raise PoolClosed("the pool is closed: it takes no more jobs")
        began = time.monotonic_ns()
        job = _run(job_type, options, began, lambda: function(*args, **kwargs))
        self._finished += 1
        return job

    def callee(self, function: Any) -> Any:
        return function

    def takes_batches(self, options: Any) -> bool:
        return False

    def completions(self) -> InlineCompletions:
        return InlineCompletions()

    def submit_items(
        self,
        options: Any,
        callee: Any,
        shape: int,
        items: Iterable[Any],
        function: Any,
        most: int = 1,
        completions: InlineCompletions | None = None,
    ) -> tuple[InlineGroup, dict[int, Any]]:
        """Runs a call for each item now."""
        from prong._job import Job

        jobs = [self.submit(Job, options, function, _arguments(item, shape), {}) for item in list(items)]
        if completions is not None:
            completions.jobs += len(jobs)
        return InlineGroup(jobs), {}

    def stream(self, options: Any, callee: Any, shape: int, function: Any, in_order: bool) -> InlineStream:
        from prong._job import Job

        return InlineStream(lambda item: self.submit(Job, options, function, _arguments(item, shape), {}))

    def feeder(self, stream: InlineStream) -> InlineStream:
        return stream

    def explain(self, error: PoolError) -> PoolError:
        return error

    def belongs_here(self) -> bool:
        return True

    def cancel_queued(self) -> None:
        pass

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            if self._finalizer is not None:
                from prong._job import Job

                job = _run(Job, None, 0, self._finalizer)
                self._finalizer_outcomes.append(job.outcome)

    terminate = close

    def join(self, seconds: float | None = None) -> bool:
        return True

    def closed(self) -> bool:
        return self._closed

    def workers(self) -> list[Any]:
        return []

    def stats(self) -> dict[str, int]:
        return {"submitted": self._finished, "finished": self._finished, "queued": 0, "dispatched": 0}

    def failure(self) -> str:
        return ""

    def finalizer_outcomes(self) -> list[Any]:
        return self._finalizer_outcomes


def _arguments(item: Any, shape: int) -> tuple[Any, ...]:
    arguments: tuple[Any, ...] = (item,) if shape == SINGLE else item
    return arguments


def _run(job_type: type[Any], options: Any, began: int, call: Callable[[], Any]) -> Any:
    attempts = 1 + (options.retries if options is not None else 0)
    for number in range(1, attempts + 1):
        try:
            return finished_job(job_type, call(), began=began)
        except SystemExit as error:
            return finished_job(job_type, error=_exited(error), began=began)
        except Exception as error:
            if number == attempts or not _is_tried_again(error, options):
                return finished_job(job_type, error=error, began=began)
    raise AssertionError("unreachable")


def _is_tried_again(error: Exception, options: Any) -> bool:
    wanted = options.exceptions
    return options.on_exception and (not wanted or any(type_name(kind) in wanted for kind in type(error).__mro__))


def _exited(error: SystemExit) -> WorkerCrashed:
    code = error.code if isinstance(error.code, int) else int(error.code is not None)
    crashed = WorkerCrashed(f"the job ended its process with exit code {code}")
    crashed.exit_code = code
    return crashed


class InlineCompletions:
    """Takes the place of _core.Completions."""

    def __init__(self) -> None:
        self.jobs = 0

    def count(self, seconds: float | None) -> int:
        counted, self.jobs = self.jobs, 0
        return counted


class InlineStream:
    """Takes the place of _core.Stream and _core.Feeder."""

    def __init__(self, run: Callable[[Any], Any]) -> None:
        self._run = run
        self._jobs: deque[Any] = deque()

    def feed(self, iterator: Iterator[Any], most: int) -> bool:
        read = 0
        for item in islice(iterator, most):
            read += 1
            self._jobs.append(self._run(item))
        return read == most

    def pending(self) -> int:
        return len(self._jobs)

    def available(self) -> bool:
        return bool(self._jobs)

    def settle(self) -> None:
        pass

    def result_bytes(self) -> float:
        return 0.0

    def take(self, most: int, append: Any, loads: Any, job_type: Any, context: Any, seconds: float | None) -> Any:
        return self._jobs.popleft() if self._jobs else 0

    def interrupt(self, wanted: bool) -> None:
        pass

    def close(self) -> None:
        pass


class InlineGroup:
    """Takes the place of _core.Group."""

    def __init__(self, jobs: list[Any]) -> None:
        self._jobs = jobs

    def __len__(self) -> int:
        return len(self._jobs)

    def job(self, job_type: Any, context: Any, index: int) -> Any:
        return self._jobs[index]

    def wait(self, seconds: float | None) -> bool:
        return True

    def done(self) -> bool:
        return True

    def cancel(self) -> int:
        return 0

    def results(self, loads: Any, finish: Callable[[int], Any]) -> list[Any]:
        return [finish(index) for index in range(len(self._jobs))]
