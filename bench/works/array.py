import jobs

from .base import WarmWork, each, expect, meet_in_two_processes, timed

MEBIBYTE = 2**20
SIZE_BYTES = 64 * MEBIBYTE


class Array(WarmWork):
    """How fast does a large array travel to a worker and back?"""

    name = "array"
    title = "64 MiB NumPy array there and back"
    needs = "send_array"
    jobs = 4
    quick_jobs = 2

    def warm_up(self, system, size):
        """Twice, so that memory that is used again is warm."""
        if not system.is_limit:
            meet_in_two_processes(system)
        self.measure_warm(system, 2)

    def measure_warm(self, system, size):
        return each(sum(self._send(system, number) for number in range(size)), size)

    @staticmethod
    def _send(system, number):
        """A new array each time: one that a system has seen before it might not send again."""
        array = fresh_array(number)

        def there_and_back():
            result = system.send_array(jobs.stamp, array)
            return result, int(result[::512].sum())

        seconds, (result, _) = timed(there_and_back)
        check(array, result, number)
        return seconds

    @staticmethod
    def show(seconds):
        return f"{2 * SIZE_BYTES / seconds / 1e9:.2f} GB/s"


def fresh_array(number):
    import numpy

    return numpy.arange(number, number + SIZE_BYTES // 8, dtype=numpy.int64)


def check(sent, received, number):
    import numpy

    expected = fresh_array(number)
    expect(numpy.array_equal(sent, expected), "the job changed the caller's array")
    expect(not numpy.shares_memory(sent, received), "the result is the argument")
    expected[0] = -int(expected[::512].sum())
    expect(numpy.array_equal(received, expected), "wrong result")
