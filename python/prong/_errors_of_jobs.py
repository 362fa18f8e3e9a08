"""From an outcome to the exception that ``result()`` raises."""

from __future__ import annotations

from prong import _exceptions as exceptions
from prong._exceptions import JobError, RemoteError, RemoteTraceback
from prong._outcome import Cancelled, Exited, Lost, Raised, Returned, Signalled, TimedOut
from prong._pickling import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def error_of(job: Any, undecodable: BaseException | None = None) -> BaseException:
    """The exception for a job that is done and did not return a value that can be had."""
    outcome = job.outcome
    if isinstance(outcome, Raised):
        return _raised(job, outcome)
    error = _describe_error(job, outcome, undecodable)
    if isinstance(error, exceptions.WorkerCrashed) and job._quarantined():
        error.quarantined = True
        error.args = (f"{error}; it is quarantined, having ended its worker {len(job.attempts)} times",)
    return _with_job(_own(job, error), job)


def _own(job: Any, error: JobError) -> JobError:
    """The error as the class that jobs of this kind raise."""
    kind = (job._exception_types or {}).get(type(error))
    return error if kind is None else _as(kind, error)


def _raised(job: Any, outcome: Raised) -> BaseException:
    error, reason = _remote_exception(job)
    if error is None:
        error = _with_job(_remote_error(outcome, reason), job)
    elif isinstance(error, JobError) and error.job_id is None:
        error = _with_job(_own(job, error), job)
    if outcome.traceback:
        error.__cause__ = RemoteTraceback(outcome.traceback)
    return error


def _remote_exception(job: Any) -> tuple[BaseException | None, str]:
    encoded = job._raised()
    if encoded is None:
        return None, "it could not be pickled"
    try:
        error = decode(*encoded)
    except (Exception, SystemExit) as problem:
        return None, f"it could not be unpickled: {type(problem).__name__}: {problem}"
    return (error, "") if isinstance(error, BaseException) else (None, f"it became {error!r}")


def _remote_error(outcome: Raised, reason: str) -> RemoteError:
    error = RemoteError(f"{outcome.type}: {outcome.message} ({reason})")
    error.type_name, error.message, error.traceback = outcome.type, outcome.message, outcome.traceback
    return error


def _describe_error(job: Any, outcome: Any, undecodable: BaseException | None) -> JobError:
    match outcome:
        case Returned():
            problem = f"{type(undecodable).__name__}: {undecodable}"
            error: JobError = exceptions.DecodingError(f"the result cannot be unpickled: {problem}")
            error.__cause__ = undecodable
        case Exited(code=code):
            error = exceptions.WorkerCrashed(f"the job ended its process with exit code {code}")
            error.exit_code = code
        case Signalled(number=number):
            error = exceptions.WorkerCrashed(f"the job's process was killed by signal {number}{_signal_name(number)}")
            error.signal = number
        case TimedOut(limit=limit, allowed=allowed, stack=stack):
            error = exceptions.JobTimeout(_timeout_text(outcome, begun=bool(job.attempts)))
            error.limit, error.allowed, error.peak, error.stack = limit, allowed, outcome.peak, stack
            error.__cause__ = RemoteTraceback(stack) if stack else None
        case Cancelled(while_running=running):
            error = exceptions.JobCancelled("the job was killed while it ran" if running else "the job was cancelled")
        case Lost(reason=reason, detail=detail):
            error = exceptions.JobLost(f"the job was lost ({reason.replace('_', ' ')}){': ' if detail else ''}{detail}")
            error.reason = reason
            if reason == "start_failed" and detail.startswith("the initializer "):
                error.__cause__ = exceptions.InitializerFailed(detail)
        case _:
            raise AssertionError(f"unknown outcome {outcome!r}")
    return error


def _signal_name(number: int) -> str:
    import signal

    try:
        return f" ({signal.Signals(number).name})"
    except ValueError:
        return ""


def _timeout_text(outcome: TimedOut, begun: bool) -> str:
    name = outcome.limit.replace("_", "-")
    if outcome.limit in ("memory", "output"):
        text = f"the job met its {name} limit of {outcome.allowed:,} bytes (peak {outcome.peak:,})"
    elif outcome.limit == "queue_time":
        text = f"the job waited longer than its {name} limit of {outcome.allowed:g} s"
    else:
        text = f"the job met its {name} limit of {outcome.allowed:g} s"
    if not begun:
        text += " and was not begun"
    elif outcome.limit != "output":  # a function's result is refused when it is there: nothing is killed
        text += " and was killed"
    if outcome.unconfirmed:
        text += f"; the end of its processes is unconfirmed: {outcome.leftovers}"
    return text


def _as(kind: type[JobError], error: JobError) -> JobError:
    other = kind(*error.args)
    other.__dict__.update(error.__dict__)
    other.__cause__ = error.__cause__
    return other


def _with_job(error: JobError, job: Any) -> JobError:
    error.outcome = job.outcome
    error.attempts = job.attempts
    error.worker_pid = job.worker_pid
    error.job_id = job.id
    return error
