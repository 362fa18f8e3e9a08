from array import array

import jobs

from .base import WarmWork, each, expect, meet_in_two_processes, show_mebibytes, show_rate, timed
from .processes import MemoryGrowth


class LazyMap(WarmWork):
    """How fast is a map over an input that is made as it is read, and does the caller's memory stay as it is?"""

    name = "imap-unordered"
    title = "imap_unordered over a generator"
    needs = "imap_unordered"
    jobs = 200_000
    quick_jobs = 5_000
    show = staticmethod(show_rate)
    notes = {"memory growth": show_mebibytes}

    def warm_up(self, system, size):
        """More at once than is ever ahead: what the system keeps for its queues is there before it is looked at."""
        meet_in_two_processes(system)
        self.measure_warm(system, min(size, 20_000))

    def measure_warm(self, system, size):
        results = array("q", [-1]) * size
        growth = MemoryGrowth()
        seconds, count = timed(lambda: store(system.imap_unordered(jobs.same, numbers(size)), results))
        notes = {"memory growth": growth.peak_bytes()}
        expect(count == size, f"{count} results of {size}")
        expect(sorted(results) == list(range(size)), "wrong results")
        return each(seconds, size, notes)


def numbers(size):
    yield from range(size)


def store(iterator, results):
    count = 0
    for count, result in enumerate(iterator, start=1):
        results[count - 1] = result
    return count
