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
