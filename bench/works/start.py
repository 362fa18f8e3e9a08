import jobs

from .base import Work, each, expect, show_milliseconds, timed


class Start(Work):
    """How long until a new pool has given its first result? (The library is imported already.)"""

    name = "start"
    title = "Start of a pool to its first result"
    needs = "first_result"
    jobs = 1
    quick_jobs = 1
    by_start = True
    show = staticmethod(show_milliseconds)

    def measure(self, system, size):
        seconds, result = timed(lambda: system.first_result(jobs.same, 42))
        system.close()
        expect(result == 42, "wrong result")
        return each(seconds, 1)
