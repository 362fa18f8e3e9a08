"""What becomes of a job: one exception and one outcome for each way."""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
import time

import culprits
import pytest

import prong


def test_returned(pool):
    job = pool.submit(culprits.double, 4)
    assert job.result() == 8
    assert job.exception() is None
    assert job.outcome == prong.Returned()


def test_exception_is_raised_as_itself_with_its_remote_traceback(pool):
    job = pool.submit(culprits.fail, "lost key")
    with pytest.raises(ValueError, match="lost key") as caught:
        job.result()
    assert isinstance(caught.value.__cause__, prong.RemoteTraceback)
    assert "raise ValueError(text)" in str(caught.value.__cause__)
    assert "_worker.py" not in str(caught.value.__cause__)
    assert isinstance(job.outcome, prong.Raised)
    assert job.outcome.type == "builtins.ValueError"
    assert job.outcome.message == "lost key"


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_process_that_exits(pool, code):
    job = pool.submit(culprits.exit_with, code)
    with pytest.raises(prong.WorkerCrashed, match=f"exit code {code}") as caught:
        job.result()
    assert caught.value.exit_code == code
    assert caught.value.worker_pid == job.worker_pid
    assert job.outcome == prong.Exited(code)
    assert pool.submit(culprits.double, 1).result() == 2


@pytest.mark.parametrize(("code", "status"), [(3, 3), (None, 0), ("words", 1)])
def test_sys_exit_ends_the_process(fresh_pool, code, status):
    assert fresh_pool.submit(culprits.sys_exit, code).exception().exit_code == status


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM])
def test_process_that_is_killed(pool, number):
    job = pool.submit(culprits.die_by, number)
    with pytest.raises(prong.WorkerCrashed, match=number.name) as caught:
        job.result()
    assert caught.value.signal == number
    assert isinstance(job.outcome, prong.Signalled)
    assert job.outcome.number == number
    assert pool.submit(culprits.double, 1).result() == 2


@pytest.mark.parametrize("function", [culprits.hang, culprits.hang_holding_the_gil])
def test_timeout(pool, function):
    job = pool.options(timeout=0.2).submit(function)
    with pytest.raises(prong.JobTimeout, match=r"0\.2 s") as caught:
        job.result()
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.limit == "wall_time"
    assert caught.value.allowed == pytest.approx(0.2)
    assert isinstance(job.outcome, prong.TimedOut)
    assert pool.submit(culprits.double, 1).result() == 2


def test_a_crash_costs_no_other_job(pool):
    jobs = [
        pool.submit(culprits.die_by, signal.SIGKILL) if n % 10 == 5 else pool.submit(culprits.double, n)
        for n in range(100)
    ]
    for number, job in enumerate(jobs):
        if number % 10 == 5:
            assert isinstance(job.exception(), prong.WorkerCrashed)
        else:
            assert job.result() == 2 * number


def test_cancelled(fresh_pool):
    blockers = [fresh_pool.submit(culprits.hang) for _ in range(2)]
    job = fresh_pool.submit(culprits.double, 1)
    assert job.cancel()
    assert job.cancelled()
    assert job.done()
    assert job.outcome == prong.Cancelled(while_running=False)
    with pytest.raises(prong.JobCancelled):
        job.result()
    assert [blocker.kill() for blocker in blockers] == [True, True]


def test_kill_stops_a_running_job(pool, tmp_path):
    path = tmp_path / "pid"
    job = pool.submit(culprits.mark_and_hang, str(path))
    culprits.wait_for_file(str(path))
    assert not job.cancel()
    assert job.running()
    assert job.kill()
    with pytest.raises(prong.JobCancelled, match="while it ran"):
        job.result()
    assert job.outcome == prong.Cancelled(while_running=True)


def test_kill_of_a_killed_job_says_false(fresh_pool):
    job = fresh_pool.submit(culprits.hang)
    assert job.kill()
    job.wait()
    assert not job.kill()


def test_attempts_and_times(pool):
    job = pool.submit(culprits.double, 1)
    job.result()
    (attempt,) = job.attempts
    assert attempt.number == 1
    assert attempt.worker_pid == job.worker_pid > 0
    assert attempt.outcome == prong.Returned()
    assert job.times.submitted <= job.times.started <= job.times.finished
    assert job.times.waited >= 0
    assert job.times.ran >= 0


def take_and_work(mebibytes: int) -> float:
    """Takes memory for a moment, and tells its CPU time in seconds."""
    before = time.process_time()
    with mmap.mmap(-1, mebibytes << 20) as memory:  # not from the heap, which may have as much that is free
        for place in range(0, len(memory), mmap.PAGESIZE):
            memory[place] = 1
    sum(range(2_000_000))
    return time.process_time() - before


def work_in_a_child() -> float:
    """CPU time of a process that it waits for, in seconds."""
    subprocess.run([sys.executable, "-c", "sum(range(20_000_000))"], check=True)
    children = os.times()
    return children.children_user + children.children_system


def test_attempts_tell_cpu_time_and_peak_memory(make_pool, start):
    pool = make_pool(1, start=start)
    jobs = [pool.submit(take_and_work, size) for size in (1, 64, 1)]
    told = [job.result() for job in jobs]
    attempts = [job.attempts[0] for job in jobs]
    for attempt, seconds in zip(attempts, told, strict=True):
        assert attempt.cpu_time >= seconds - 0.001 > 0
    assert attempts[1].peak_memory - attempts[0].peak_memory > 32 << 20
    assert attempts[1].peak_memory - attempts[2].peak_memory > 32 << 20


def test_cpu_time_is_also_that_of_children(fresh_pool):
    job = fresh_pool.submit(work_in_a_child)
    assert job.result() > 0
    assert job.attempts[0].cpu_time >= job.result() - 0.02  # which is told in ticks of 10 ms


def test_usage_is_unknown_of_an_attempt_that_ends_its_worker(fresh_pool):
    job = fresh_pool.submit(culprits.exit_with, 3)
    job.wait()
    assert (job.attempts[0].cpu_time, job.attempts[0].peak_memory) == (None, None)


def test_unknown_until_done(fresh_pool):
    job = fresh_pool.submit(culprits.hang)
    assert job.outcome is None
    assert job.attempts == ()
    assert job.worker_pid is None
    assert job.times.finished is None
    assert "queued" in repr(job) or "running" in repr(job)
    job.kill()


def test_repr_says_the_outcome(fresh_pool):
    job = fresh_pool.submit(culprits.fail)
    job.exception()
    assert "raised" in repr(job)


class Reduced:
    """Unpickles by a call."""

    def __init__(self, function, *args):
        self.reduced = function, args

    def __reduce__(self):
        return self.reduced


class ReducedError(Exception):
    def __reduce__(self):
        return sys.exit, (3,)


def raise_reduced_error():
    raise ReducedError("the message")


@pytest.mark.parametrize("reduced", [(sys.exit, 3), (int, "x")])
def test_result_that_does_not_unpickle_is_told_by_maps_too(fresh_pool, reduced):
    assert isinstance(fresh_pool.submit(Reduced, *reduced).exception(), prong.DecodingError)
    with pytest.raises(prong.DecodingError, match="the result cannot be unpickled") as caught:
        fresh_pool.starmap(Reduced, [reduced])
    assert isinstance(caught.value.__cause__, (SystemExit, ValueError))
    assert caught.value.job_id is not None
    with pytest.raises(prong.DecodingError):
        fresh_pool.starmap_async(Reduced, [reduced]).get()


def test_exception_that_leaves_when_unpickled(fresh_pool):
    with pytest.raises(prong.RemoteError, match=r"the message \(it could not be unpickled: SystemExit: 3\)"):
        fresh_pool.submit(raise_reduced_error).result()


def test_job_lost_to_a_failing_initializer_has_it_as_cause(make_pool, start, tmp_path):
    gate = tmp_path / "gate"
    pool = make_pool(1, wait_and_fail, (str(gate),), start=start)
    job = pool.submit(culprits.double, 1)
    gate.touch()
    with pytest.raises(prong.JobLost, match="no connection") as caught:
        job.result()
    assert isinstance(caught.value.__cause__, prong.InitializerFailed)
    assert "culprits.py" in str(caught.value.__cause__)


def wait_and_fail(gate):
    culprits.wait_for_file(gate)
    culprits.fail_to_initialize()


def test_errors_of_limits_say_what_became_of_the_job(make_pool):
    pool = make_pool(1, budget=1.0)
    big = pool.options(output=10_000).submit(bytes, 100_000)
    with pytest.raises(prong.JobTimeout, match=r"output limit of 10,000 bytes \(peak 100,\d*\)$"):
        big.result()
    running, late = pool.submit(culprits.hang), pool.options(queue_time=0.01).submit(culprits.hang)
    queued = pool.submit(culprits.hang)
    with pytest.raises(prong.JobTimeout, match=r"queue-time limit of 0\.01 s and was not begun$"):
        late.result()
    with pytest.raises(prong.JobTimeout, match="budget limit of 1 s and was killed"):
        running.result()
    with pytest.raises(prong.JobTimeout, match=r"budget limit of 1 s and was not begun$"):
        queued.result()


def test_stack_at_a_timeout_is_shown_as_the_cause(pool):
    error = pool.options(timeout=0.2).submit(culprits.hang).exception()
    assert str(error) == "the job met its wall-time limit of 0.2 s and was killed"
    assert "in hang" in error.stack
    assert isinstance(error.__cause__, prong.RemoteTraceback)
    assert "in hang" in str(error.__cause__)
