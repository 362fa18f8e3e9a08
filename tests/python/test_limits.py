"""Limits other than of wall time, and the lives of workers, as Python programs ask for them."""

from __future__ import annotations

import gc
import signal
import threading
import weakref
from pathlib import Path

import culprits
import pytest

import prong
from eventually import eventually

KEPT: list[bytearray] = []


def burn() -> None:
    while True:
        pass


def grow(megabytes: int) -> None:
    KEPT.append(bytearray(megabytes << 20))
    culprits.hang()


def keep(megabytes: int) -> None:
    KEPT.append(bytearray(megabytes << 20))


@pytest.mark.parametrize(
    ("options", "function", "args", "limit", "allowed"),
    [
        ({"cpu_time": 0.1}, burn, (), "cpu_time", 0.1),
        ({"memory": 50 << 20}, grow, (200,), "memory", 50 << 20),
        ({"output": 1000}, bytes, (5000,), "output", 1000),
    ],
)
def test_limit(pool, options, function, args, limit, allowed):
    job = pool.options(timeout=50, **options).submit(function, *args)
    error = job.exception()
    assert isinstance(error, prong.JobTimeout)
    assert (error.limit, error.allowed) == (limit, allowed)
    assert job.outcome.limit == limit
    assert error.peak > allowed or limit == "cpu_time"
    assert pool.map(culprits.double, range(10)) == [2 * number for number in range(10)]


def test_time_in_the_queue(make_pool, tmp_path):
    pool = make_pool(1)
    gate = tmp_path / "gate"
    running = pool.submit(culprits.wait_for_file, str(gate))
    late = pool.options(queue_time=0.1).submit(culprits.double, 1)
    error = late.exception()
    assert isinstance(error, prong.JobTimeout)
    assert error.limit == "queue_time"
    assert late.attempts == ()
    gate.touch()
    running.result()


def test_budget(make_pool):
    pool = make_pool(1, budget=1.0)
    jobs = [pool.submit(culprits.hang), pool.submit(culprits.double, 1)]
    assert [job.exception().limit for job in jobs] == ["budget", "budget"]
    with pytest.raises(prong.PoolError, match="budget"):
        pool.submit(culprits.double, 1)


def test_stall(make_pool):
    pool = make_pool(1, stall=0.3)
    running, queued = pool.submit(culprits.hang), pool.submit(culprits.double, 1)
    assert running.exception().limit == "stall"
    assert queued.result() == 2


def test_retries_by_exception_class(pool, tmp_path):
    def attempts(*wanted: type[BaseException]) -> int:
        retries = prong.RetryPolicy(2, on_exception=wanted)
        job = pool.options(retries=retries).submit(culprits.fail)
        job.exception()
        return len(job.attempts)

    assert attempts(ValueError) == 3
    assert attempts(OSError, Exception) == 3  # a base class
    assert attempts(OSError) == 1


def test_quarantine(pool):
    policy = prong.RetryPolicy(10, quarantine_after=2)
    error = pool.options(retries=policy).submit(culprits.die_by, signal.SIGKILL).exception()
    assert isinstance(error, prong.WorkerCrashed)
    assert error.quarantined
    assert "quarantined" in str(error)
    assert [attempt.outcome for attempt in error.attempts] == [prong.Signalled(9)] * 2


def test_lost_workers_are_told(make_pool):
    losses: list[prong.WorkerLoss] = []
    pool = make_pool(1, on_worker_lost=losses.append)
    job = pool.submit(culprits.die_by, signal.SIGSEGV)
    job.exception()
    assert eventually(lambda: len(losses) == 1)
    assert losses[0].pid == job.worker_pid
    assert losses[0].outcome == prong.Signalled(signal.SIGSEGV)


def test_losses_may_drop_the_pool(make_pool):
    pools = [make_pool(1)]
    told = threading.Event()

    def drop(_: prong.WorkerLoss) -> None:
        pools.clear()
        told.set()

    pools.append(prong.Pool(1, on_worker_lost=drop))
    pools[1].submit(culprits.die_by, signal.SIGKILL)
    assert told.wait(30)


def test_a_pool_that_its_callback_refers_to_is_collected():
    class Owner:
        def __init__(self) -> None:
            self.pool = prong.Pool(1, on_worker_lost=self.lost)

        def lost(self, loss: prong.WorkerLoss) -> None:
            pass

    owner = weakref.ref(Owner())
    gc.collect()
    assert owner() is None


def test_terminate_tells_of_no_losses(make_pool):
    losses: list[prong.WorkerLoss] = []
    pool = make_pool(2, on_worker_lost=losses.append)
    pool.map(culprits.double, range(10))
    pool.terminate()
    pool.join()
    assert losses == []


def test_grown_and_old_workers_are_replaced(make_pool):
    pool = make_pool(1, max_worker_memory=50 << 20)
    first = pool.submit(culprits.pid).result()
    assert pool.submit(culprits.pid).result() == first
    pool.submit(keep, 100).result()
    assert pool.submit(culprits.pid).result() != first


def test_idle_workers_end(make_pool):
    pool = make_pool(2, idle_timeout=0.05)
    pool.submit(culprits.pid).result()
    assert eventually(lambda: pool.workers == [])
    assert pool.submit(culprits.double, 4).result() == 8


def test_cancel_a_running_job(pool, tmp_path):
    file = tmp_path / "pid"
    job = pool.submit(culprits.mark_and_hang, str(file))
    assert eventually(file.exists)
    assert not job.cancel()
    assert job.cancel(running=True)
    with pytest.raises(prong.JobCancelled):
        job.result()
    assert not Path(f"/proc/{file.read_text()}").exists()
