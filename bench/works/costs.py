import itertools
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

import jobs

from .base import Measurement, WarmWork, expect, meet_in_two_processes, show_microseconds
from .queued_jobs import busy_workers

MANY = 64
SMALL, LARGE = 2**18, 2**21  # of 8 bytes


def show_nanoseconds_per_kibibyte(seconds_per_byte):
    return f"{seconds_per_byte * 2**10 * 1e9:.0f} ns/KiB"


class Costs(WarmWork):
    """What does a job cost the program, step by step? From this bench/model predicts more workers than there are CPUs.

    CPU time of the program, all its threads together. While jobs are submitted the workers are busy, and results are
    collected when all are done: so the steps do not overlap.
    """

    name = "costs"
    title = "What a job costs the program, and a worker between two jobs"
    needs = "trace"
    jobs = 20_000
    quick_jobs = 2_000
    has_ratios = False
    show = staticmethod(show_microseconds)
    notes = {
        "submit": show_microseconds,
        "dispatch, drain": show_microseconds,
        "collect": show_microseconds,
        "map, chunk 1": show_microseconds,
        "all, for a long job": show_microseconds,
        "worker around a short job": show_microseconds,
        "worker between long jobs": show_microseconds,
        "worker's CPU for a long job": show_microseconds,
        "bytes in": show_nanoseconds_per_kibibyte,
    }

    def warm_up(self, system, size):
        meet_in_two_processes(system)
        system.submit_all(jobs.same, list(range(1_000)))

    def measure_warm(self, system, size):
        submit, dispatch, collect = costs_by_phase(system, size)
        short = attempts(system, jobs.same, [0] * (size // 20))
        long_job, worker_for_long = costs_of_long_jobs(system, size)
        notes = {
            "submit": submit,
            "dispatch, drain": dispatch,
            "collect": collect,
            "map, chunk 1": map_cost(system, size),
            "all, for a long job": long_job,
            "worker around a short job": around_job(short),
            "worker between long jobs": between_jobs(attempts(system, jobs.wait_seconds, [0.001] * (size // 20))),
            "worker's CPU for a long job": worker_for_long,
            "bytes in": cost_of_bytes(system),
        }
        return Measurement(submit + dispatch + collect, notes)


def cpu_seconds(operation):
    before = time.process_time()
    result = operation()
    return time.process_time() - before, result


def costs_by_phase(system, size):
    with busy_workers(system):
        submit, futures = cpu_seconds(lambda: system.submit_only(jobs.same, range(size)))
    dispatch, _ = cpu_seconds(lambda: wait_until_done(futures))
    collect, results = cpu_seconds(lambda: system.results_of(futures))
    expect(results == list(range(size)), "wrong results")
    return submit / size, dispatch / size, collect / size


def wait_until_done(futures):
    for future in reversed(futures):  # the last one first: it is not looked at each in turn
        future.wait()


def map_cost(system, size):
    numbers = list(range(size))
    seconds, results = cpu_seconds(lambda: system.map_each(jobs.same, numbers))
    expect(results == numbers, "wrong results")
    return seconds / size


def costs_of_long_jobs(system, count):
    """CPU time of the program, and of the workers, for jobs that sleep for a millisecond.

    None is given ahead, so each wakes its worker, and the program.
    """
    crowd = system.another(MANY)
    crowd.open()
    try:
        workers = {attempt.worker_pid for attempt in attempts(crowd, jobs.wait_seconds, [0.01] * (4 * MANY))}
        before = sum(map(cpu_seconds_of, workers))
        in_program, _ = cpu_seconds(lambda: crowd.submit_all(jobs.wait_seconds, [0.001] * count))
        in_workers = sum(map(cpu_seconds_of, workers)) - before
    finally:
        crowd.close()
    return in_program / count, in_workers / count


def cpu_seconds_of(process):
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9


def attempts(system, function, arguments):
    futures = system.submit_only(function, arguments)
    system.results_of(futures)
    return [future.attempts[-1] for future in futures]


def around_job(attempts_of_nothing):
    return median(attempt.ended - attempt.started for attempt in attempts_of_nothing)


def between_jobs(all_attempts):
    """How long a worker has no job to run, though there are some: from the end of one to the start of the next."""
    by_worker = defaultdict(list)
    for attempt in all_attempts:
        by_worker[attempt.worker_pid].append((attempt.started, attempt.ended))
    pairs = [pair for times in by_worker.values() for pair in itertools.pairwise(sorted(times))]
    return median(later[0] - earlier[1] for earlier, later in pairs)


def cost_of_bytes(system):
    """The CPU time of a larger argument beside a smaller one, for each byte more."""
    small, large = cost_of_argument(system, SMALL), cost_of_argument(system, LARGE)
    return max(0.0, large - small) / (8 * (LARGE - SMALL))


def cost_of_argument(system, size):
    """A new array each time, so that none is known again. The first ones make the memory warm."""
    costs = []
    for first in range(8):
        array = jobs.numbers_from(first, size)
        seconds, total = cpu_seconds(lambda array=array: system.call(jobs.read_pages, array))
        expect(total == sum(range(first, first + size, 512)), "wrong results")
        costs.append(seconds)
    return median(costs[2:])
