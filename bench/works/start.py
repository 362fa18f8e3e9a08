"""The start of a pool: of the first in a program, of a second beside it, of one after it."""

import subprocess
import sys

import jobs

from .base import Work, each, expect, meet_in_two_processes, show_milliseconds, timed


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


class Program(Start):
    """How long from the start of a new program that imports the library, and little else, to its first result?"""

    name = "program"
    title = "A new program to its first result, the library's import included"
    needs = "program"

    def measure(self, system, size):
        command = [sys.executable, "-c", system.program.format(start=system.start)]
        process = None

        def start_and_read():
            nonlocal process
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            return process.stdout.readline()

        seconds, line = timed(start_and_read)
        expect(process.wait() == 0 and line == b"42\n", "wrong result")
        return each(seconds, 1)


def first_pool(system):
    """Another pool of the same kind, which has started all that it starts."""
    first = system.another()
    expect(first.first_result(jobs.same, 41) == 41, "wrong result")
    meet_in_two_processes(first)
    return first


class StartBeside(Start):
    """How long, when another pool of the program is open, and at rest?"""

    name = "start-beside"
    title = "Start of a second pool while the first is open"
    only_systems = ("Prong", "multiprocessing.Pool", "ProcessPoolExecutor", "loky", "pebble", "deadpool")

    def measure(self, system, size):
        first = first_pool(system)
        try:
            return super().measure(system, size)
        finally:
            first.close()


class StartAfter(Start):
    """How long, when another pool of the program was closed before?"""

    name = "start-after"
    title = "Start of a second pool after the first was closed"
    only_systems = StartBeside.only_systems

    def measure(self, system, size):
        first_pool(system).close()
        return super().measure(system, size)
