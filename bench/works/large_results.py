import jobs

from .base import WarmWork, each, expect, show_mebibytes, show_rate, timed
from .processes import MemoryGrowth

MEBIBYTE = 2**20
NUMBERS = MEBIBYTE // 8


class LargeResults(WarmWork):
    """How fast do many results of some size come back, when each is looked at and dropped?"""

    name = "results"
    title = "1,000 results of 1 MiB (NumPy arrays), each read and dropped"
    needs = "large_results"
    jobs = 1_000
    quick_jobs = 100
    most_repetitions = 3
    show = staticmethod(show_rate)
    notes = {"memory growth": show_mebibytes}

    def measure_warm(self, system, size):
        growth = MemoryGrowth()
        seconds, seen = timed(
            lambda: [look_at(result) for result in system.large_results(jobs.make_mebibyte, range(size))]
        )
        notes = {"memory growth": growth.peak_bytes()}
        expect(sorted(seen) == [expected(number) for number in range(size)], "wrong results")
        return each(seconds, size, notes)


def look_at(array):
    """A page at a time, as somebody does who uses the result."""
    return int(array[0]), int(array[::512].sum()), len(array)


def expected(number):
    return number, sum(range(number, number + NUMBERS, 512)), NUMBERS
