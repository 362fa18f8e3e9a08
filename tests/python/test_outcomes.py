"""What becomes of a job: one exception and one outcome for each way."""

from __future__ import annotations

import signal

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
