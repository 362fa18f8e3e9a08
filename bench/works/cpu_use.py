"""How much of two CPUs reaches the jobs: beside two bare processes that do the same calculations."""

import contextlib
import multiprocessing
import random
from statistics import median

import jobs

from .base import Measurement, WarmWork, expect, meet_in_two_processes, show_share, timed

MILLISECOND = 1_000  # steps of jobs.burn()
ROUNDS = 3


class CpuUse(WarmWork):
    """What share of the CPU time that two bare processes get do jobs of one length get?

    The machine is not always equally fast. So the two processes run the same steps before and after the system does,
    the share is by the mean of both, and the middle one of three counts.
    """

    name = "cpu"
    title = "Use of both CPUs: the time of two bare processes beside that of the pool"
    needs = "run_jobs"
    jobs = 400  # of a millisecond; there are so many fewer of the longer ones
    quick_jobs = 100
    only_systems = ("Prong", "multiprocessing.Pool", "ProcessPoolExecutor", "joblib", "ray")
    most_repetitions = 3
    has_ratios = False
    notes = dict.fromkeys(("1 ms", "10 ms", "100 ms", "skewed"), show_share)

    @staticmethod
    def show(cost):
        return show_share(1 / cost)

    def measure(self, system, size):
        with bare_processes() as bare:  # forked while there are no threads
            self.bare = bare
            return super().measure(system, size)

    def warm_up(self, system, size):
        meet_in_two_processes(system)
        system.run_jobs(jobs.burn, [MILLISECOND] * 100)

    def measure_warm(self, system, size):
        lengths = {
            "1 ms": [MILLISECOND] * size,
            "10 ms": [10 * MILLISECOND] * (size // 10),
            "100 ms": [100 * MILLISECOND] * (size // 100),
            "skewed": skewed(size),
        }
        shares = {name: self.share(system, steps) for name, steps in lengths.items()}
        return Measurement(1 / min(shares.values()), shares)

    def share(self, system, steps):
        halves = even_halves(steps)
        known = {length: jobs.burn(length) for length in set(steps)}
        shares = []
        before = self.bare(halves)
        for _ in range(ROUNDS):
            seconds, values = timed(lambda: system.run_jobs(jobs.burn, steps))
            expect(values == [known[length] for length in steps], "wrong results")
            after = self.bare(halves)
            shares.append((before + after) / 2 / seconds)
            before = after
        return median(shares)


def skewed(size):
    """One in 50 is 100 times longer; the order is always the same."""
    steps = [MILLISECOND // 2] * size
    steps[::50] = [50 * MILLISECOND] * len(steps[::50])
    random.Random(1).shuffle(steps)
    return steps


def even_halves(steps):
    """The best schedule there is: the longest first, each to whom has less."""
    halves = [[], []]
    for length in sorted(steps, reverse=True):
        min(halves, key=sum).append(length)
    return halves


@contextlib.contextmanager
def bare_processes():
    """A function that burns two lists of steps at the same time in two processes, and says how long that took."""
    context = multiprocessing.get_context("fork")
    pipes = [context.Pipe() for _ in range(2)]
    processes = [context.Process(target=burn_what_comes, args=(theirs,)) for _, theirs in pipes]
    for process in processes:
        process.start()
    ends = [ours for ours, _ in pipes]
    try:
        yield lambda halves: timed(lambda: burn_both(ends, halves))[0]
    finally:
        for end, process in zip(ends, processes, strict=True):
            end.send(None)
            process.join()


def burn_what_comes(pipe):
    while (steps := pipe.recv()) is not None:
        for length in steps:
            jobs.burn(length)
        pipe.send("done")


def burn_both(ends, halves):
    for end, steps in zip(ends, halves, strict=True):
        end.send(steps)
    for end in ends:
        end.recv()
