"""Prong: functions and commands in parallel processes; fast, crash-proof, with limits and retries.

>>> import prong
>>> with prong.Pool() as pool:                          # doctest: +SKIP
...     lengths = pool.map(len, ["one", "three"])
>>> prong.run(["ls", "-l"], timeout=5).stdout           # doctest: +SKIP
>>> prong.call(work, x, timeout=30)                     # doctest: +SKIP
"""

from prong._core import __version__, usable_cpus
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
from prong._pool import Pool, WorkerInfo, WorkerLoss
from prong._run import CommandResult, call, run
from prong._view import View

__all__ = [
    "Attempt",
    "Cancelled",
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
    "Raised",
    "RemoteError",
    "RemoteTraceback",
    "ResultIterator",
    "RetryPolicy",
    "Returned",
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
    "run",
    "usable_cpus",
]
