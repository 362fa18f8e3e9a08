"""What is measured: one class for each question."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import jobs


class WrongResult(Exception):
    """The system answered, but not what was asked."""


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise WrongResult(what)


@dataclass(frozen=True)
class Timing:
    seconds: float
    operations: int

    @property
    def seconds_each(self) -> float:
        return self.seconds / self.operations


def timed(operation: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = operation()
    return time.perf_counter() - start, result


class Work:
    """One question. `measure` runs in a process of its own, and checks what it got after the clock has stopped."""

    name: ClassVar[str]
    title: ClassVar[str]
    # What a system must be able to do: the name of a method in `systems.base`.
    needs: ClassVar[str]
    jobs: ClassVar[int]
    quick_jobs: ClassVar[int]
    # Whether systems are measured once for each way of starting workers.
    by_start: ClassVar[bool] = False

    def measure(self, system: Any, size: int) -> Timing:
        raise NotImplementedError

    def show(self, seconds_each: float) -> str:
        """A result as people want to read it."""
        raise NotImplementedError


class WarmWork(Work):
    """A work for a pool that has been running for a while."""

    def measure(self, system: Any, size: int) -> Timing:
        system.open()
        try:
            self.warm_up(system, size)
            return self.measure_warm(system, size)
        finally:
            system.close()

    def warm_up(self, system: Any, size: int) -> None:
        meet_in_two_processes(system)
        self.measure_warm(system, size // 10 + 1)

    def measure_warm(self, system: Any, size: int) -> Timing:
        raise NotImplementedError


def meet_in_two_processes(system: Any) -> None:
    """Refuses a pool that has one worker, or that runs jobs in the calling process."""
    import os

    run_both = getattr(system, "submit_all", None) or system.map_each
    with tempfile.TemporaryDirectory() as folder:
        processes = run_both(jobs.meet, [folder, folder])
    expect(len(set(processes)) == 2, f"two jobs at once ran in processes {processes}")
    expect(os.getpid() not in processes, "a job ran in the calling process")


def show_rate(seconds_each: float) -> str:
    return f"{1 / seconds_each:,.0f}/s"


def show_microseconds(seconds_each: float) -> str:
    return f"{seconds_each * 1e6:,.{0 if seconds_each >= 1e-4 else 1}f} µs"


def show_milliseconds(seconds_each: float) -> str:
    return f"{seconds_each * 1e3:,.{0 if seconds_each >= 0.1 else 1}f} ms"
