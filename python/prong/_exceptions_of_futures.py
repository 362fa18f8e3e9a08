"""The two exceptions of the tree in _exceptions.py that are also ones of concurrent.futures."""

from __future__ import annotations

import concurrent.futures

from prong._exceptions import JobError

# Two classes in Python 3.10, one since.
_TIMEOUTS = tuple({TimeoutError: None, concurrent.futures.TimeoutError: None})


class JobTimeout(JobError, *_TIMEOUTS):  # type: ignore[misc]
    """A limit was met, and the job's whole process tree was killed (or the job never began: "queue_time").

    ``limit``: "wall_time", "cpu_time", "memory", "queue_time", "output", "budget" or "stall"; ``allowed``: seconds, or
    bytes of memory or output; ``peak``: the most bytes that were seen; ``stack``: the worker's stacks at that moment,
    or why there are none.
    """

    limit: str = "wall_time"
    allowed: float = 0.0
    peak: int = 0
    stack: str = ""


class JobCancelled(JobError, concurrent.futures.CancelledError):
    """The job was cancelled, before it started or (by :meth:`Job.kill`) while it ran."""


for _error in (JobTimeout, JobCancelled):
    _error.__module__ = "prong._exceptions"
