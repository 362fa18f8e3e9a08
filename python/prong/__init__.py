"""Prong: functions and commands in parallel processes; fast, crash-proof, with limits and retries.

>>> import prong
>>> with prong.Pool() as pool:                          # doctest: +SKIP
...     lengths = pool.map(len, ["one", "three"])
>>> prong.run(["ls", "-l"], timeout=5).stdout           # doctest: +SKIP
>>> prong.call(work, x, timeout=30)                     # doctest: +SKIP
"""

from __future__ import annotations

from prong._core import __version__, usable_cpus

TYPE_CHECKING = False  # workers do without typing: it takes longer to import than all of this

if TYPE_CHECKING:
    from typing import Any

    from prong._client import Client, QueuedJob, QueuedResult, QueueError, QueueStatus
    from prong._exceptions import (
        CommandFailed,
        DecodingError,
        EncodingError,
        InitializerFailed,
        JobCancelled,
        JobError,
        JobLost,
        JobTimeout,
        PoolClosed,
        PoolError,
        ProngError,
        RemoteError,
        RemoteTraceback,
        SystemRefused,
        UsageError,
        WorkerCrashed,
    )
    from prong._job import Job
    from prong._maps import MapResult, ResultIterator
    from prong._options import RetryPolicy
    from prong._outcome import (
        Attempt,
        Cancelled,
        Exited,
        Lost,
        Outcome,
        Raised,
        Returned,
        Signalled,
        TimedOut,
        Times,
    )
    from prong._pool import Pool
    from prong._run import CommandResult, call, run
    from prong._shared import Shared, limit_shared_memory, share
    from prong._view import View
    from prong._worker_info import WorkerInfo, WorkerLoss

__all__ = [
    "Attempt",
    "Cancelled",
    "Client",
    "CommandFailed",
    "CommandResult",
    "DecodingError",
    "EncodingError",
    "Exited",
    "InitializerFailed",
    "Job",
    "JobCancelled",
    "JobError",
    "JobLost",
    "JobTimeout",
    "Lost",
    "MapResult",
    "Outcome",
    "Pool",
    "PoolClosed",
    "PoolError",
    "ProngError",
    "QueueError",
    "QueueStatus",
    "QueuedJob",
    "QueuedResult",
    "Raised",
    "RemoteError",
    "RemoteTraceback",
    "ResultIterator",
    "RetryPolicy",
    "Returned",
    "Shared",
    "Signalled",
    "SystemRefused",
    "TimedOut",
    "Times",
    "UsageError",
    "View",
    "WorkerCrashed",
    "WorkerInfo",
    "WorkerLoss",
    "__version__",
    "call",
    "limit_shared_memory",
    "run",
    "share",
    "usable_cpus",
]

# Loaded when they are asked for: a worker needs none of them, and starts in half the time without.
_HOMES = {
    "_client": ("Client", "QueueError", "QueueStatus", "QueuedJob", "QueuedResult"),
    "_exceptions": (
        "CommandFailed",
        "DecodingError",
        "EncodingError",
        "InitializerFailed",
        "JobCancelled",
        "JobError",
        "JobLost",
        "JobTimeout",
        "PoolClosed",
        "PoolError",
        "ProngError",
        "RemoteError",
        "RemoteTraceback",
        "SystemRefused",
        "UsageError",
        "WorkerCrashed",
    ),
    "_job": ("Job",),
    "_maps": ("MapResult", "ResultIterator"),
    "_options": ("RetryPolicy",),
    "_outcome": (
        "Attempt",
        "Cancelled",
        "Exited",
        "Lost",
        "Outcome",
        "Raised",
        "Returned",
        "Signalled",
        "TimedOut",
        "Times",
    ),
    "_pool": ("Pool",),
    "_run": ("CommandResult", "call", "run"),
    "_shared": ("Shared", "limit_shared_memory", "share"),
    "_view": ("View",),
    "_worker_info": ("WorkerInfo", "WorkerLoss"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            # Not import_module(): importlib takes as long to load as all that a pool is started with.
            value = getattr(__import__(f"prong.{module}", fromlist=[name]), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'prong' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
