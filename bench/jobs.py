"""The functions that every system runs as jobs.

They stand in a module of their own, so that systems that import functions by name and systems that ship them by value
both find them. Nothing heavy is imported: a worker that starts pays for what it runs and no more. Each function
imports what it needs itself, because one of the systems (ppft) ships functions as source text.
"""


def same(value):
    """The no-op: gives back what it got, so that the caller can tell whether the right job answered."""
    return value


def meet(folder):
    """Returns once two of these jobs run at the same time: a pool with one worker would never answer."""
    import os
    import pathlib
    import time

    pathlib.Path(folder, str(time.monotonic_ns())).touch(exist_ok=False)
    while len([*pathlib.Path(folder).iterdir()]) < 2:
        time.sleep(0.001)
    return os.getpid()


def stamp(array):
    """Reads every page of an array, changes one element, gives the array back.

    The change is there so that nobody can answer with a reference to what was sent; the reading, so that nobody can
    leave the transfer for later.
    """
    if not array.flags.writeable:
        array = array.copy()
    array[0] = -int(array[::512].sum())
    return array


def read_pages(array):
    """Reads every page of an array, which may be read-only."""
    return int(array[::512].sum())


def numbers_from(first, size):
    """A new array of 64 bits each: first, first + 1, ..."""
    import numpy

    return numpy.arange(first, first + size, dtype=numpy.int64)


def make_mebibyte(first):
    import numpy

    return numpy.arange(first, first + 2**17, dtype=numpy.int64)


def make_64_mebibytes(first):
    import numpy

    return numpy.arange(first, first + 2**23, dtype=numpy.int64)


def read_and_tell_memory(array):
    """As read_pages(), and how much memory this process has that no other one shares."""
    import pathlib

    total = int(array[::512].sum())
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    own_kib = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))
    return total, own_kib * 1024


def hold(folder):
    """Tells that it runs, then waits until somebody opens the folder's pipe for writing. No wake-ups until then."""
    import os
    import pathlib

    pathlib.Path(folder, f"holding-{os.getpid()}").touch()
    pathlib.Path(folder, "gate").read_bytes()


def burn(steps):
    """Uses the CPU for about a millisecond for each thousand steps, and no memory."""
    value = 1
    for _ in range(steps * 20):
        value = value * 48271 % 2147483647
    return value


def wait_seconds(seconds):
    """Takes time, but no CPU."""
    import time

    time.sleep(seconds)


def tell_times(value):
    """Gives back what it got, with the times of its beginning and its end."""
    import time

    entered = time.monotonic()
    return value, entered, time.monotonic()
