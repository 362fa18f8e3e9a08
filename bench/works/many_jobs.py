"""Three ways of handing over many short jobs."""

import jobs

from .base import WarmWork, each, expect, show_rate, timed


class ManyJobs(WarmWork):
    show = staticmethod(show_rate)

    def measure_warm(self, system, size):
        numbers = list(range(size))
        run = getattr(system, self.needs)
        seconds, results = timed(lambda: run(jobs.same, numbers))
        expect(results == numbers, "wrong results")
        return each(seconds, size)


class Submit(ManyJobs):
    """How fast do 20,000 separate submissions and their results go through?"""

    name = "submit"
    title = "20,000 no-op submits, then all results"
    needs = "submit_all"
    jobs = 20_000
    quick_jobs = 2_000


class MapEach(ManyJobs):
    """How fast is `map` when every item is a job of its own?"""

    name = "map-each"
    title = "map with chunk 1: every item its own job"
    needs = "map_each"
    jobs = 20_000
    quick_jobs = 2_000


class MapBatches(ManyJobs):
    """How fast is `map` when the system may batch as it likes?"""

    name = "map-batches"
    title = "map with automatic batches"
    needs = "map_batches"
    jobs = 1_000_000
    quick_jobs = 100_000
