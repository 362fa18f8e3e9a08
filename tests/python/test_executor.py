"""prong.futures.ProcessPoolExecutor where it goes beyond the standard class."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import signal
import time

import culprits
import pytest

import prong
from eventually import eventually
from prong.futures import BrokenProcessPool, ProcessPoolExecutor


@pytest.fixture(params=[None, "fork", "spawn", "forkserver"])
def executor(request):
    context = None if request.param is None else multiprocessing.get_context(request.param)
    with ProcessPoolExecutor(2, mp_context=context) as executor:
        yield executor


def test_is_an_executor(executor):
    assert isinstance(executor, concurrent.futures.Executor)
    assert isinstance(executor.submit(culprits.double, 1), concurrent.futures.Future)


def test_submit_and_map(executor):
    assert executor.submit(culprits.add, 1, other=2).result() == 3
    assert list(executor.map(culprits.add, [1, 2], [3, 4], chunksize=2)) == [4, 6]
    assert list(executor.map(lambda x: x + 1, range(3))) == [1, 2, 3]


def test_dead_worker_breaks_its_future_alone(executor):
    future = executor.submit(culprits.die_by, signal.SIGKILL)
    with pytest.raises(BrokenProcessPool) as caught:
        future.result()
    assert isinstance(caught.value, prong.WorkerCrashed)
    assert caught.value.signal == signal.SIGKILL
    assert executor.submit(culprits.double, 2).result() == 4


def test_options(executor):
    with pytest.raises(prong.JobTimeout):
        executor.options(timeout=0.2).submit(culprits.hang).result()


def test_failing_initializer_breaks_the_executor():
    with ProcessPoolExecutor(1, initializer=culprits.fail_to_initialize) as executor:
        with pytest.raises(BrokenProcessPool):
            executor.submit(culprits.double, 1).result()
        with pytest.raises(BrokenProcessPool, match="no connection"):
            assert eventually(lambda: executor._pool.failure != "")
            executor.submit(culprits.double, 1)


def test_buffersize_bounds_what_is_submitted():
    read = []

    def numbers():
        for number in range(100):
            read.append(number)
            yield number

    with ProcessPoolExecutor(2) as executor:
        results = executor.map(culprits.double, numbers(), buffersize=4)
        assert len(read) == 4
        assert next(results) == 0
        assert len(read) <= 5
        assert list(results) == list(range(2, 200, 2))


def test_shutdown_can_cancel(tmp_path):
    executor = ProcessPoolExecutor(1)
    started, gate = tmp_path / "started", tmp_path / "gate"
    running = executor.submit(culprits.announce_and_wait, str(started), str(gate))
    assert eventually(started.exists)
    assert running.running()
    queued = [executor.submit(time.sleep, 1000) for _ in range(20)]
    executor.shutdown(wait=False, cancel_futures=True)
    assert all(future.cancelled() for future in queued)
    gate.touch()
    assert running.result() == str(gate)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(culprits.double, 1)


def test_dropped_executor_finishes_its_jobs(tmp_path):
    executor = ProcessPoolExecutor(1)
    path = tmp_path / "lines"
    for _ in range(5):
        executor.submit(culprits.append_line, str(path), "line")
    del executor
    assert eventually(lambda: path.exists() and path.read_text() == "line\n" * 5)
