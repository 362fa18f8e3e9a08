"""What Prong raises. An exception that a job raised is raised again as itself, with its remote traceback as cause.

::

    Exception
    └── ProngError                  root of everything that Prong raises of its own
        ├── JobError                what became of a job that did not return
        │   ├── JobTimeout          a limit was met (also a TimeoutError)
        │   ├── WorkerCrashed       its process ended: exit code or signal
        │   ├── JobLost             its end is not known; it may have run in part
        │   ├── JobCancelled        it was cancelled (also a concurrent.futures.CancelledError)
        │   ├── RemoteError         it raised an exception that could not be brought over
        │   ├── CommandFailed       prong.run(check=True): a command did not succeed
        │   └── EncodingError       its function, an argument or the result could not be pickled (also a PicklingError)
        │       └── DecodingError   ... or not unpickled (also an UnpicklingError)
        ├── PoolError               the pool cannot work
        │   ├── PoolClosed          it takes no more jobs (also a RuntimeError)
        │   └── InitializerFailed   its initializer failed in a worker
        ├── UsageError              an argument or a call that makes no sense (also a ValueError)
        └── SystemRefused           the system refused a call (also an OSError)
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from prong._exceptions_of_futures import JobCancelled as JobCancelled
    from prong._exceptions_of_futures import JobTimeout as JobTimeout
    from prong._exceptions_of_pickling import DecodingError as DecodingError
    from prong._exceptions_of_pickling import EncodingError as EncodingError
    from prong._outcome import Attempt, Outcome
    from prong._run import CommandResult


def __getattr__(name: str) -> Any:
    """Those that are also exceptions of modules that take long to load."""
    if name in ("JobCancelled", "JobTimeout"):  # workers do without
        from prong import _exceptions_of_futures

        return getattr(_exceptions_of_futures, name)
    if name in ("EncodingError", "DecodingError"):  # a pool starts its processes before
        from prong import _exceptions_of_pickling

        return getattr(_exceptions_of_pickling, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def type_name(kind: type) -> str:
    """How the engine knows a class of exceptions."""
    return f"{kind.__module__}.{kind.__qualname__}"


class ProngError(Exception):
    """Root of what Prong raises of its own."""


class JobError(ProngError):
    """A job did not return.

    Attributes say what is known, or are None: ``outcome``, ``attempts`` (first to last), ``worker_pid`` (of the last
    attempt), ``job_id``.
    """

    outcome: Outcome | None = None
    attempts: tuple[Attempt, ...] = ()
    worker_pid: int | None = None
    job_id: int | None = None


class WorkerCrashed(JobError):
    """The job's process ended: with ``exit_code``, or by the signal number ``signal`` (the other one is None).

    ``quarantined``: it was not tried again, though it had retries left, because it had ended its worker too often; see
    ``attempts`` for how.
    """

    exit_code: int | None = None
    signal: int | None = None
    quarantined: bool = False


class JobLost(JobError):
    """The job's end is not known, and it may have run in part. ``reason``: "worker_lost", "memory", ..."""

    reason: str = ""


class RemoteError(JobError):
    """The job raised an exception that could not be pickled or unpickled.

    ``type_name``, ``message`` and ``traceback`` are texts.
    """

    type_name: str = ""
    message: str = ""
    traceback: str = ""


class CommandFailed(JobError):
    """A command that had to succeed did not. ``result`` is its :class:`CommandResult`."""

    result: CommandResult | None = None


class PoolError(ProngError):
    """The pool cannot work: the text says why."""


class PoolClosed(PoolError, RuntimeError):
    """The pool was closed and takes no more jobs."""


class InitializerFailed(PoolError):
    """The pool's initializer failed in a worker: the text has its traceback."""


class UsageError(ProngError, ValueError):
    """An argument or a call that makes no sense: says what was wrong and what would be right."""


class SystemRefused(ProngError, OSError):
    """The system refused a call: says what was tried; ``errno`` is set."""


class RemoteTraceback(Exception):
    """The traceback of a worker, as text; shown as the cause of what the job raised."""

    def __init__(self, text: str) -> None:
        self.tb = text

    def __str__(self) -> str:
        return f'\n"""\n{self.tb}"""'

    def __reduce__(self) -> tuple[type[RemoteTraceback], tuple[str]]:
        return RemoteTraceback, (self.tb,)
