"""A program gets concurrent.futures when it imports it; then jobs are its futures, the old ones, too."""

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
import sys, time, prong
with prong.Pool(2, start=sys.argv[1]) as pool:
    job = pool.submit(pow, 2, 5)
    assert job.result(timeout=50) == 32 and job.done() and job.outcome
    assert pool.map(abs, [-1]) == [1] and list(pool.imap_unordered(abs, [-2])) == [2]
    assert "returned" in repr(job) and not isinstance(job, str) and job.__class__ is prong.Job
    try:
        pool.submit(time.sleep, 0.5).result(timeout=0.01)
    except TimeoutError:
        print("not in time")
if sys.version_info >= (3, 11):
    assert not {"concurrent.futures", "logging", "asyncio"}.intersection(sys.modules)
"""
    assert output_of(program, start) == "not in time\n"


@STARTS
def test_jobs_that_there_are_become_futures_when_somebody_asks(start: str) -> None:
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
    assert isinstance(done, futures.Future), "at the first time"
    assert isinstance(runs, futures.Future) and isinstance(done, prong.Job) and done.__class__ is prong.Job
    assert issubclass(prong.Job, futures.Future) and prong.Job[int].__origin__ is prong.Job
    assert list(futures.as_completed([runs, done]))[0] is done
    assert futures.wait([runs, done]).not_done == set()
    try:
        pool.submit(time.sleep, 0.5).result(timeout=0.01)
    except futures.TimeoutError as error:
        print("not in time")
assert called == [3, "ran"], called
"""
    assert output_of(program, start) == "not in time\n"


@pytest.mark.parametrize(
    "question",
    [
        "import asyncio; asyncio.run(wrapped())",
        "from functools import singledispatch; f = singledispatch(len); f.register(Future, lambda job: 'yes'); f(job)",
        "import abc; Base = abc.ABC.__class__('Base', (), {}); Base.register(Future); isinstance(job, Base) and 'yes'",
        "isinstance(job, (str, Future)) and 'yes'",
        "wait([job]).done and isinstance(job, Future) and 'yes'",
        "import prong.futures; issubclass(prong.futures.FutureJob, Future) and 'yes'",
        "import prong.aio; isinstance(job, Future) and 'yes'",
    ],
)
def test_everybody_who_asks_is_told(question: str) -> None:
    program = """
import sys, prong
async def wrapped():
    return await asyncio.wrap_future(job)
with prong.Pool(1) as pool:
    job = pool.submit(str, "yes")
    assert "concurrent.futures" not in sys.modules
    from concurrent.futures import Future, wait
    *before, last = sys.argv[1].split("; ")
    for line in before:
        exec(line)
    print(eval(last))
"""
    assert output_of(program, question) == "yes\n"


def test_a_job_that_imports_futures_sees_jobs_as_futures() -> None:
    def nested() -> tuple[bool, bool]:
        with prong.Pool(1) as pool:
            job = pool.submit(abs, -1)
            before = "concurrent.futures" in sys.modules
            from concurrent.futures import Future

            return before, isinstance(job, Future)

    with prong.Pool(1) as pool:
        assert pool.submit(nested).result() == (False, True)


def test_with_futures_imported_before_the_class_is_one_from_the_start() -> None:
    assert (
        output_of("import concurrent.futures, prong; print(issubclass(prong.Job, concurrent.futures.Future))")
        == "True\n"
    )


def test_while_futures_are_being_imported_a_job_is_what_it_was() -> None:
    """Somebody in the middle of that import has a module without Future."""
    program = """
import sys, prong
with prong.Pool(1) as pool:
    job = pool.submit(abs, -1)
    class Finder:
        def find_spec(name, path, target=None):
            if name == "logging":
                print("concurrent.futures._base" in sys.modules, isinstance(job, str), job.result())
    sys.meta_path.insert(0, Finder)
    import concurrent.futures
    print(isinstance(job, concurrent.futures.Future))
"""
    assert output_of(program) == "True False 1\nTrue\n"
