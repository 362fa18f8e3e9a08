"""What is measured: one class for each question."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import jobs


class WrongResult(Exception):
    """The system answered, but not what was asked."""


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise WrongResult(what)


@dataclass(frozen=True)
class Measurement:
    """What one operation costs: seconds, or what the work counts instead. The notes are named in `Work.notes`."""

    cost: float
    notes: dict[str, float] = field(default_factory=dict)


def each(seconds: float, operations: int, notes: dict[str, float] | None = None) -> Measurement:
    return Measurement(seconds / operations, notes or {})


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
    # Whether it uses a pool as the systems' `options` say.
    uses_options: ClassVar[bool] = True
    # The only systems that are measured; None: all that can do it.
    only_systems: ClassVar[Sequence[str] | None] = None
    # No more repetitions than this, where one is long or nothing changes between them.
    most_repetitions: ClassVar[int | None] = None
    # Whether it says something that one system's cost is so many times another's.
    has_ratios: ClassVar[bool] = True
    # Figures beside the cost, and how to show them.
    notes: ClassVar[dict[str, Callable[[float], str]]] = {}

    def measure(self, system: Any, size: int) -> Measurement:
        raise NotImplementedError

    def show(self, cost: float) -> str:
        """A result as people want to read it."""
        raise NotImplementedError


class WarmWork(Work):
    """A work for a pool that has been running for a while."""

    def measure(self, system: Any, size: int) -> Measurement:
        system.open()
        try:
            self.warm_up(system, size)
            return self.measure_warm(system, size)
        finally:
            system.close()

    def warm_up(self, system: Any, size: int) -> None:
        meet_in_two_processes(system)
        self.measure_warm(system, size // 10 + 1)

    def measure_warm(self, system: Any, size: int) -> Measurement:
        raise NotImplementedError


def meet_in_two_processes(system: Any) -> None:
    """Refuses a pool that has one worker, or that runs jobs in the calling process."""
    import os

    run_both = getattr(system, "submit_all", None) or system.map_each
    with tempfile.TemporaryDirectory() as folder:
        processes = run_both(jobs.meet, [folder, folder])
    expect(len(set(processes)) == 2, f"two jobs at once ran in processes {processes}")
    expect(os.getpid() not in processes, "a job ran in the calling process")


def show_rate(seconds: float) -> str:
    return f"{1 / seconds:,.0f}/s"


def show_microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:,.{0 if seconds >= 1e-4 else 1}f} µs"


def show_milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:,.{0 if seconds >= 0.1 else 1}f} ms"


def show_mebibytes(size_bytes: float) -> str:
    return f"{size_bytes / 2**20:,.{0 if size_bytes >= 20 * 2**20 else 1}f} MiB"


def show_bytes(size_bytes: float) -> str:
    return f"{size_bytes:,.0f} bytes"


def show_count(number: float) -> str:
    return f"{number:,.0f}"


def show_share(share: float) -> str:
    return f"{share:.3f}"
