import jobs

from .base import Measurement, WarmWork, show_rate, timed

LENGTHS = {"1 ms": 0.001, "10 ms": 0.01, "100 ms": 0.1}


def took(name):
    """The note that says how long a job really took, by its worker's clock."""
    return f"{name} took"


def show_job(seconds):
    return f"{seconds * 1e3:.2f} ms"


def show_jobs(rate):
    return f"{rate:,.0f}/s"


class Scaling(WarmWork):
    """How many jobs a second do many workers do, when the CPUs are no limit? The jobs sleep.

    With this the model in bench/model is checked, on a machine that has fewer CPUs than workers.
    """

    name = "scaling"
    title = "Jobs that sleep, through many workers"
    needs = "trace"
    jobs = 1_600  # of a millisecond; there are so many fewer of the longer ones
    quick_jobs = 400
    uses_options = False
    most_repetitions = 3
    has_ratios = False
    show = staticmethod(show_rate)
    notes = dict.fromkeys(LENGTHS, show_jobs) | {took(name): show_job for name in LENGTHS}

    def measure(self, system, size):
        return super().measure(system.another(int(system.way.split()[0])), size)

    def warm_up(self, system, size):
        system.submit_all(jobs.wait_seconds, [0.01] * (2 * system.workers))

    def measure_warm(self, system, size):
        notes = {}
        for name, seconds in LENGTHS.items():
            count = max(int(size * 0.001 / seconds), 2) * max(1, system.workers // 2)
            whole, futures = timed(lambda count=count, seconds=seconds: run(system, seconds, count))
            notes[name] = count / whole
            notes[took(name)] = sum(map(duration, futures)) / count
        return Measurement(1 / notes["1 ms"], notes)


def run(system, seconds, count):
    futures = system.submit_only(jobs.wait_seconds, [seconds] * count)
    system.results_of(futures)
    return futures


def duration(future):
    attempt = future.attempts[-1]
    return attempt.ended - attempt.started
