"""What a pool tells of its workers. (Of its own, since typing takes long to import.)"""

from __future__ import annotations

from typing import NamedTuple

from prong._outcome import Outcome


class WorkerInfo(NamedTuple):
    """A worker at one moment. ``state``: "starting", "idle", "busy", "ending"."""

    id: int
    pid: int
    state: str
    jobs_done: int


class WorkerLoss(NamedTuple):
    """A worker that ended without being asked to, or was killed for a limit or by :meth:`Job.kill`.

    ``worker``: its number in the pool; ``outcome``: how its process ended.
    """

    worker: int
    pid: int
    outcome: Outcome
