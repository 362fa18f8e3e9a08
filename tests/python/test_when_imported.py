"""Modules that Prong does not import, and what is done once a program does: jobs become futures."""

from __future__ import annotations

import subprocess
import sys

import pytest

import prong

STARTS = pytest.mark.parametrize("start", ["fork", "fresh", "spawn"])


def output_of(program: str, *arguments: str) -> str:
    """What a new program writes; fails the test if it fails, or writes errors."""
    command = [sys.executable, "-c", program, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


@STARTS
def test_a_program_without_futures_does_without(start: str) -> None:
    program = """
import sys, prong
with prong.Pool(2, start=sys.argv[1]) as pool:
    job = pool.submit(pow, 2, 5)
    assert job.result(timeout=50) == 32 and job.done() and job.outcome
    assert pool.map(abs, [-1]) == [1] and list(pool.imap_unordered(abs, [-2])) == [2]
    assert "returned" in repr(job)
print(*{"concurrent.futures", "logging", "asyncio"}.intersection(sys.modules))
"""
    assert output_of(program, start) == "\n"


@STARTS
def test_jobs_that_there_are_become_futures_when_somebody_can_ask(start: str) -> None:
    program = """
import sys, time, prong
called = []
with prong.Pool(2, start=sys.argv[1]) as pool:
    done = pool.submit(abs, -3)
    done.wait()
    done.add_done_callback(lambda job: called.append(job.result()))
    runs = pool.submit(time.sleep, 0.3)
    runs.add_done_callback(lambda job: called.append("ran"))
    assert "concurrent.futures" not in sys.modules
    import concurrent.futures as futures
    assert isinstance(done, futures.Future) and isinstance(runs, futures.Future)
    assert issubclass(prong.Job, futures.Future) and prong.Job[int].__origin__ is prong.Job
    assert list(futures.as_completed([runs, done]))[0] is done
    assert futures.wait([runs, done]).not_done == set()
    import asyncio
    async def wrapped():
        return await asyncio.wrap_future(pool.submit(pow, 2, 5))
    assert asyncio.run(wrapped()) == 32
    try:
        pool.submit(time.sleep, 1).result(timeout=0.01)
    except futures.TimeoutError as error:
        print("not in time")
assert called == [3, "ran"], called
assert futures._base.__loader__ is futures._base.__spec__.loader
print(type(futures._base.__loader__).__name__, [each for each in sys.meta_path if "prong" in type(each).__module__])
"""
    assert output_of(program, start) == "not in time\nSourceFileLoader []\n"


def test_a_job_that_imports_futures_sees_jobs_as_futures() -> None:
    def nested() -> tuple[bool, bool]:
        with prong.Pool(1) as pool:
            job = pool.submit(abs, -1)
            before = "concurrent.futures" in sys.modules
            from concurrent.futures import Future

            return before, isinstance(job, Future)

    with prong.Pool(1) as pool:
        assert pool.submit(nested).result() == (False, True)


def test_with_futures_imported_before_nothing_is_waited_for() -> None:
    program = """
import concurrent.futures, sys, prong
assert issubclass(prong.Job, concurrent.futures.Future)
print([each for each in sys.meta_path if "prong" in type(each).__module__])
"""
    assert output_of(program) == "[]\n"


def test_with_other_threads_jobs_are_futures_at_once() -> None:
    """One of them may be about to import the module, and have asked all finders already."""
    program = """
import sys, threading
end = threading.Event()
thread = threading.Thread(target=end.wait)
thread.start()
import prong
print(prong.Job.__mro__[2].__module__, [each for each in sys.meta_path if "prong" in type(each).__module__])
end.set()
"""
    assert output_of(program) == "concurrent.futures._base []\n"


def test_an_import_that_fails_can_be_tried_again() -> None:
    program = """
import sys, prong
prong.Job
class Finder:
    def find_spec(name, path, target=None):
        if name == "concurrent.futures._base":
            raise ImportError("not now")
sys.meta_path.insert(1, Finder)
try:
    import concurrent.futures
except ImportError as error:
    print(error)
sys.meta_path.remove(Finder)
import concurrent.futures
print(issubclass(prong.Job, concurrent.futures.Future))
"""
    assert output_of(program) == "not now\nTrue\n"
