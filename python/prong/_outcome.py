"""Outcome: what an attempt of a job, or the job as a whole, came to. One vocabulary for functions and commands.

An outcome is matched by its class::

    match job.outcome:
        case prong.Returned(): ...
        case prong.TimedOut(limit=limit, allowed=seconds): ...
"""

from __future__ import annotations

from prong._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Returned(Record):
    """The function returned; :meth:`Job.result` gives its value."""

    name = "returned"


class Raised(Record):
    """The function raised. ``type`` is the qualified name; ``traceback`` is as the worker would have printed it."""

    type: str
    message: str
    traceback: str
    name = "raised"


class Exited(Record):
    """The process ended by itself. A command's normal end; a function never came back."""

    code: int
    name = "exited"


class Signalled(Record):
    """The process was ended by a signal that Prong did not send."""

    number: int
    core: bool = False
    name = "signalled"

    @property
    def signal(self) -> str:
        """The signal's name, such as "SIGSEGV"."""
        import signal

        try:
            return signal.Signals(self.number).name
        except ValueError:
            return f"signal {self.number}"


class TimedOut(Record):
    """A limit was met and the whole process tree was killed (or the job never began: "queue_time").

    ``limit``: "wall_time", "cpu_time", "memory", "queue_time", "output", "budget" or "stall"; ``allowed``: seconds, or
    bytes of memory or output; ``peak``: the most bytes that were seen; ``stack``: the worker's stacks at that moment,
    or why there are none.
    """

    limit: str
    allowed: float
    stack: str = ""
    unconfirmed: bool = False
    leftovers: str = ""
    peak: int = 0
    name = "timed_out"


class Cancelled(Record):
    """Cancelled by request: before it started, or while it ran."""

    while_running: bool = False
    name = "cancelled"


class Lost(Record):
    """The end is not known to be any of the others. It may have run in part."""

    reason: str
    detail: str = ""
    name = "lost"


Outcome = Returned | Raised | Exited | Signalled | TimedOut | Cancelled | Lost

_KINDS: dict[str, type[Any]] = {
    kind.name: kind for kind in (Returned, Raised, Exited, Signalled, TimedOut, Cancelled, Lost)
}


class Attempt(Record):
    """One try of a job. Times are seconds on :func:`time.monotonic`; ``started`` is 0 if it never started.

    ``cpu_time``: seconds of CPU time (user and system), with that of processes that it has started and waited for;
    ``peak_memory``: the most bytes that were resident at a time, of a command in the largest of its processes, of a
    function in its worker, with all that is loaded there. Both are None if that is not known: of an attempt that ended
    its worker or was killed, of a function that took less than 250 microseconds, of an item that ran in a batch.
    """

    number: int
    worker_pid: int
    started: float
    ended: float
    outcome: Outcome
    cpu_time: float | None = None
    peak_memory: int | None = None


class Times(Record):
    """When a job was submitted, began its last attempt, and was done: seconds on :func:`time.monotonic`, or None."""

    submitted: float
    started: float | None
    finished: float | None

    @property
    def waited(self) -> float | None:
        """Seconds from submission to the start of the last attempt."""
        return None if self.started is None else self.started - self.submitted

    @property
    def ran(self) -> float | None:
        """Seconds that the last attempt took."""
        return None if self.started is None or self.finished is None else self.finished - self.started


def outcome_from(parts: tuple[Any, ...]) -> Outcome:
    """The outcome that the core gave as a tuple."""
    outcome: Outcome = _KINDS[parts[0]](*parts[1:])
    return outcome


def attempt_from(parts: tuple[Any, ...]) -> Attempt:
    """The attempt that the core gave as a tuple."""
    number, pid, started, ended, outcome, cpu_ns, peak = parts
    return Attempt(
        number,
        pid,
        started / 1e9,
        ended / 1e9,
        outcome_from(outcome),
        None if cpu_ns < 0 else cpu_ns / 1e9,
        None if peak < 0 else peak,
    )
