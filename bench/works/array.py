"""Large arrays: to a worker and back, to it, from it."""

import jobs

from .base import WarmWork, each, expect, meet_in_two_processes, timed

MEBIBYTE = 2**20
SIZE_BYTES = 64 * MEBIBYTE
NUMBERS = SIZE_BYTES // 8  # of 64 bits


class Array(WarmWork):
    """How fast does a large array travel to a worker and back?"""

    name = "array"
    title = "64 MiB NumPy array there and back"
    needs = "send_array"
    jobs = 4
    quick_jobs = 2
    most_repetitions = 3
    moved_bytes = 2 * SIZE_BYTES

    def warm_up(self, system, size):
        """Twice, so that memory that is used again is warm."""
        if not system.is_limit:
            meet_in_two_processes(system)
        self.measure_warm(system, 2)

    def measure_warm(self, system, size):
        return each(sum(self.send(system, number) for number in range(size)), size)

    def send(self, system, number):
        """A new array each time: one that a system has seen before it might not send again."""
        array = fresh_array(number)

        def there_and_back():
            result = system.send_array(jobs.stamp, array)
            return result, jobs.read_pages(result)

        seconds, (result, _) = timed(there_and_back)
        check(array, result, number)
        return seconds

    @classmethod
    def show(cls, seconds):
        return f"{cls.moved_bytes / seconds / 1e9:.2f} GB/s"


class ArrayIn(Array):
    """How fast does a large array travel to a worker that answers with a number?"""

    name = "array-in"
    title = "64 MiB NumPy array to a worker"
    only_systems = ("Prong", "multiprocessing.Pool", "joblib", "ray", "dask.distributed")
    moved_bytes = SIZE_BYTES

    def send(self, system, number):
        array = fresh_array(number)
        seconds, result = timed(lambda: system.send_array(jobs.read_pages, array))
        expect(result == sum(range(number, number + NUMBERS, 512)), "wrong result")
        return seconds


class ArrayOut(Array):
    """How fast does a large array come from a worker that was given a number?"""

    name = "array-out"
    title = "64 MiB NumPy array from a worker"
    needs = "call"
    only_systems = ArrayIn.only_systems
    moved_bytes = SIZE_BYTES

    def send(self, system, number):
        def come():
            result = system.call(jobs.make_64_mebibytes, number)
            return result, jobs.read_pages(result)

        seconds, (result, _) = timed(come)
        expect_equal(result, fresh_array(number))
        return seconds


def fresh_array(number):
    return jobs.make_64_mebibytes(number)


def check(sent, received, number):
    import numpy

    expected = fresh_array(number)
    expect(numpy.array_equal(sent, expected), "the job changed the caller's array")
    expect(not numpy.shares_memory(sent, received), "the result is the argument")
    expected[0] = -jobs.read_pages(expected)
    expect_equal(received, expected)


def expect_equal(received, expected):
    import numpy

    expect(numpy.array_equal(received, expected), "wrong result")
