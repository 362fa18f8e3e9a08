"""The start of a pool: of the first in a program, of a second beside it, of one after it."""

import subprocess
import sys

import jobs

from .base import Work, each, expect, meet_in_two_processes, show_milliseconds, timed


class StartWork(Work):
    """The time of one start."""

    jobs = 1
    quick_jobs = 1
    by_start = True
    show = staticmethod(show_milliseconds)


class Program(StartWork):
    """How long from the start of a new program that imports the library, and little else, to its first result?"""

    name = "program"
    title = "A new program to its first result, the library's import included"
    needs = "program"

    def measure(self, system, size):
        command = [sys.executable, "-c", source(system, system.program)]
        process = None

        def start_and_read():
            nonlocal process
            process = subprocess.Popen(command, stdout=subprocess.PIPE)
            return process.stdout.readline()

        seconds, line = timed(start_and_read)
        check_end(process, line)
        return each(seconds, 1)


class Start(StartWork):
    """How long until a new pool has given its first result, in a program that has imported the library and no more?"""

    name = "start"
    title = "Start of a pool to its first result"
    needs = "program"

    def measure(self, system, size):
        program = getattr(system, "start_program", system.program)
        command = [sys.executable, "-c", source(system, program)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        line = process.stdout.readline()
        check_end(process, line)
        return each(float(line.split()[1]), 1)


def source(system, program):
    """A program that prints its first result, and how long that took after all was imported."""
    return f"""
{system.imports}
import time, jobs

def done(result):
    print(result, time.perf_counter() - began, flush=True)

began = time.perf_counter()
{program.format(start=system.start)}
"""


def check_end(process, line):
    expect(process.wait() == 0 and line.startswith(b"42 "), "wrong result")


def first_pool(system):
    """Another pool of the same kind, which has started all that it starts."""
    first = system.another()
    expect(first.first_result(jobs.same, 41) == 41, "wrong result")
    meet_in_two_processes(first)
    return first


class StartBeside(StartWork):
    """How long, when another pool of the program is open, and at rest?"""

    name = "start-beside"
    title = "Start of a second pool while the first is open"
    needs = "first_result"
    only_systems = ("Prong", "multiprocessing.Pool", "ProcessPoolExecutor", "loky", "pebble", "deadpool")

    def measure(self, system, size):
        first = first_pool(system)
        try:
            return measure_one_more(system)
        finally:
            first.close()


class StartAfter(StartWork):
    """How long, when another pool of the program was closed before?"""

    name = "start-after"
    title = "Start of a second pool after the first was closed"
    needs = "first_result"
    only_systems = StartBeside.only_systems

    def measure(self, system, size):
        first_pool(system).close()
        return measure_one_more(system)


def measure_one_more(system):
    seconds, result = timed(lambda: system.first_result(jobs.same, 42))
    system.close()
    expect(result == 42, "wrong result")
    return each(seconds, 1)
