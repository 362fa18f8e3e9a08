"""A Job is a concurrent.futures.Future: wait, as_completed, callbacks and asyncio work."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading

import culprits
import pytest

import prong
import prong.aio
from prong.futures import ProcessPoolExecutor


def test_is_a_future(fresh_pool):
    assert isinstance(fresh_pool.submit(culprits.double, 1), concurrent.futures.Future)


def test_wait_for_all(pool):
    jobs = [pool.submit(culprits.double, number) for number in range(50)]
    done, pending = concurrent.futures.wait(jobs, timeout=60)
    assert done == set(jobs)
    assert not pending


def test_wait_for_first(fresh_pool, tmp_path):
    gate = tmp_path / "gate"
    slow, quick = fresh_pool.submit(culprits.wait_for_file, str(gate)), fresh_pool.submit(culprits.double, 1)
    done, pending = concurrent.futures.wait([slow, quick], return_when=concurrent.futures.FIRST_COMPLETED)
    assert (done, pending) == ({quick}, {slow})
    gate.touch()
    assert slow.result() == str(gate)


def test_wait_for_first_exception(fresh_pool, tmp_path):
    gate = tmp_path / "gate"
    slow, bad = fresh_pool.submit(culprits.wait_for_file, str(gate)), fresh_pool.submit(culprits.fail)
    done, _ = concurrent.futures.wait([slow, bad], return_when=concurrent.futures.FIRST_EXCEPTION)
    assert done == {bad}
    gate.touch()


def test_as_completed(pool):
    jobs = [pool.submit(culprits.double, number) for number in range(50)]
    assert sorted(job.result() for job in concurrent.futures.as_completed(jobs)) == list(range(0, 100, 2))


def test_result_timeout(fresh_pool, tmp_path):
    gate = tmp_path / "gate"
    job = fresh_pool.submit(culprits.wait_for_file, str(gate))
    with pytest.raises(concurrent.futures.TimeoutError, match="it goes on"):
        job.result(timeout=0.01)
    with pytest.raises(concurrent.futures.TimeoutError):
        job.exception(timeout=0)
    gate.touch()
    assert job.result() == str(gate)


def test_callback_is_called_once_with_the_job(fresh_pool, tmp_path):
    gate = tmp_path / "gate"
    job = fresh_pool.submit(culprits.wait_for_file, str(gate))
    calls, called = [], threading.Event()
    job.add_done_callback(lambda done: (calls.append(done), called.set()))
    gate.touch()
    assert called.wait(30)
    assert calls == [job]


def test_callback_of_a_job_that_is_done(fresh_pool):
    job = fresh_pool.submit(culprits.double, 1)
    job.result()
    calls = []
    job.add_done_callback(calls.append)
    job.add_done_callback(calls.append)
    assert calls == [job, job]


def test_callback_that_raises_is_logged(fresh_pool, caplog):
    job = fresh_pool.submit(culprits.double, 1)
    job.result()
    job.add_done_callback(lambda _: 1 / 0)
    assert "exception calling callback" in caplog.text
    caplog.clear()  # its records hold the job


def test_callback_may_use_the_pool(fresh_pool):
    answers, called = [], threading.Event()

    def submit_another(job):
        answers.append(fresh_pool.submit(culprits.double, job.result()).result())
        called.set()

    fresh_pool.submit(culprits.double, 1).add_done_callback(submit_another)
    assert called.wait(30)
    assert answers == [4]


def test_cancel_tells_waiters_and_callbacks(make_pool, tmp_path):
    pool, gate, calls = make_pool(1), tmp_path / "gate", []
    blocker = pool.submit(culprits.wait_for_file, str(gate))
    job = pool.submit(culprits.double, 1)
    job.add_done_callback(calls.append)
    assert job.cancel()
    assert calls == [job]
    done, pending = concurrent.futures.wait([job, blocker], return_when=concurrent.futures.FIRST_COMPLETED)
    assert (done, pending) == ({job}, {blocker})
    gate.touch()


def test_last_reference_dropped_in_a_callback():
    called = threading.Event()
    pool = prong.Pool(1)
    pool.submit(culprits.double, 1).add_done_callback(lambda _: called.set())
    del pool  # the watcher's reference may be the last one
    assert called.wait(30)


def test_apply_async_callbacks(fresh_pool):
    values, errors, called = [], [], threading.Semaphore(0)
    fresh_pool.apply_async(culprits.double, (2,), callback=lambda value: (values.append(value), called.release()))
    fresh_pool.apply_async(culprits.fail, error_callback=lambda error: (errors.append(str(error)), called.release()))
    assert called.acquire(timeout=30)
    assert called.acquire(timeout=30)
    assert (values, errors) == ([4], ["no such thing"])


def test_map_async_callback(fresh_pool):
    values, called = [], threading.Event()
    fresh_pool.map_async(culprits.double, range(3), callback=lambda value: (values.append(value), called.set()))
    assert called.wait(30)
    assert values == [[0, 2, 4]]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_map_async_error_callback_gets_every_error(kind):
    errors, called = [], threading.Event()
    with ProcessPoolExecutor(1) as executor:  # where sys.exit() in a job is an exception
        executor._view.map_async(
            raise_one, [kind], error_callback=lambda error: (errors.append(type(error)), called.set())
        )
        assert called.wait(30)
    assert errors == [kind]


def raise_one(kind):
    raise kind


def test_asyncio(fresh_pool):
    async def main():
        jobs = [asyncio.wrap_future(fresh_pool.submit(culprits.double, number)) for number in range(20)]
        one = await prong.aio.run_in(fresh_pool, culprits.add, 1, other=2)
        with pytest.raises(ValueError, match="no such"):
            await prong.aio.result(fresh_pool.submit(culprits.fail))
        return await asyncio.gather(*jobs), one

    assert asyncio.run(main()) == (list(range(0, 40, 2)), 3)


def test_results_are_waited_for_by_many_threads(fresh_pool, tmp_path):
    gate = tmp_path / "gate"
    job = fresh_pool.submit(culprits.wait_for_file, str(gate))
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(job.result, 30) for _ in range(8)]
        gate.touch()
        assert {one.result() for one in waiting} == {str(gate)}
