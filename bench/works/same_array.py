import jobs

from .base import WarmWork, each, expect, meet_in_two_processes, show_mebibytes, show_milliseconds, timed
from .processes import shared_memory_bytes

NUMBERS = 2**25  # of 64 bits: 256 MiB


class SameArray(WarmWork):
    """What does a job cost that gets the same large array as all the others, and how often is that copied?"""

    name = "same-array"
    title = "The same 256 MiB NumPy array given to 1,000 jobs"
    needs = "same_array"
    jobs = 1_000
    quick_jobs = 100
    only_systems = ("Prong", "multiprocessing.Pool", "ProcessPoolExecutor", "joblib", "ray", "dask.distributed")
    most_repetitions = 3
    show = staticmethod(show_milliseconds)
    notes = {"shared memory": show_mebibytes, "a worker's own memory": show_mebibytes}

    def warm_up(self, system, size):
        """Not with the array: that it is copied belongs to what is measured."""
        import numpy

        meet_in_two_processes(system)
        system.same_array(jobs.read_and_tell_memory, numpy.zeros(1), 2)

    def measure_warm(self, system, size):
        array = jobs.numbers_from(0, NUMBERS)
        before = shared_memory_bytes()
        seconds, answers = timed(lambda: system.same_array(jobs.read_and_tell_memory, array, size))
        totals, own_memory = zip(*answers, strict=True)
        notes = {
            "shared memory": max(0, shared_memory_bytes() - before),
            "a worker's own memory": max(own_memory),
        }
        expect(totals == (sum(range(0, NUMBERS, 512)),) * size, "wrong results")
        return each(seconds, size, notes)
