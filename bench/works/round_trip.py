import jobs

from .base import WarmWork, each, expect, show_microseconds, timed


class RoundTrip(WarmWork):
    """What does one job cost when the caller waits for each result before it sends the next job?"""

    name = "round-trip"
    title = "No-op round trip, one job at a time"
    needs = "call"
    jobs = 2_000
    quick_jobs = 300
    show = staticmethod(show_microseconds)

    def measure_warm(self, system, size):
        call, same = system.call, jobs.same
        seconds, results = timed(lambda: [call(same, number) for number in range(size)])
        expect(results == list(range(size)), "wrong results")
        return each(seconds, size)
