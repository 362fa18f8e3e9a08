import time

import jobs

from .base import Measurement, WarmWork, meet_in_two_processes, show_count
from .processes import context_switches

SETTLE_SECONDS = 3


class Idle(WarmWork):
    """How often does a pool wake up that has nothing to do? Counted in the caller, the workers and all helpers."""

    name = "idle"
    title = "Context switches of an idle pool in 10 s"
    needs = "submit_all"
    jobs = 10  # seconds
    quick_jobs = 2
    only_systems = (
        "Prong",
        "multiprocessing.Pool",
        "ProcessPoolExecutor",
        "loky",
        "pebble",
        "mpire",
        "dask.distributed",
    )
    most_repetitions = 1
    has_ratios = False
    show = staticmethod(show_count)

    def warm_up(self, system, size):
        meet_in_two_processes(system)

    def measure_warm(self, system, size):
        system.submit_all(jobs.same, list(range(100)))
        time.sleep(SETTLE_SECONDS)
        before = context_switches()
        time.sleep(size)
        after = context_switches()
        return Measurement(sum(count - before.get(thread, 0) for thread, count in after.items()))
