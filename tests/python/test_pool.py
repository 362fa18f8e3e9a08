"""Pool: the names that people know from multiprocessing, for every kind of start."""

from __future__ import annotations

import os
import time

import culprits
import pytest

import prong
from eventually import eventually


def test_submit_returns_the_value(pool):
    assert pool.submit(culprits.add, 1, other=2).result() == 3


def test_submit_takes_builtins_and_methods(pool):
    assert pool.submit(pow, 2, 10).result() == 1024
    assert pool.submit("a,b".split, ",").result() == ["a", "b"]


def test_jobs_run_in_other_processes(pool):
    assert pool.submit(os.getpid).result() != os.getpid()


def test_apply(pool):
    assert pool.apply(culprits.add, (1,), {"other": 2}) == 3


def test_apply_async_has_the_methods_of_async_result(pool):
    result = pool.apply_async(culprits.double, (21,))
    assert result.get(30) == 42
    assert result.wait(0)
    assert result.ready()
    assert result.successful()


def test_map_keeps_the_order(pool):
    assert pool.map(culprits.double, range(200)) == list(range(0, 400, 2))


def test_map_of_nothing(pool):
    assert pool.map(culprits.double, []) == []


def test_map_takes_iterators_and_chunksize(pool):
    assert pool.map(culprits.double, iter(range(10)), chunksize=3) == list(range(0, 20, 2))


def test_starmap(pool):
    assert pool.starmap(culprits.add, [(1, 2), [3, 4]]) == [3, 7]


def test_map_async(pool):
    result = pool.map_async(culprits.double, range(5))
    assert result.get(30) == [0, 2, 4, 6, 8]
    assert result.ready()
    assert result.successful()


def test_starmap_async(pool):
    assert pool.starmap_async(culprits.add, [(1, 2)]).get(30) == [3]


def test_imap(pool):
    assert list(pool.imap(culprits.double, range(100))) == list(range(0, 200, 2))


def test_imap_unordered(pool):
    assert sorted(pool.imap_unordered(culprits.double, range(100))) == list(range(0, 200, 2))


def test_close_and_join(pool):
    job = pool.submit(culprits.double, 1)
    pool.close()
    assert pool.join(60)
    assert job.result() == 2
    with pytest.raises(prong.PoolClosed):
        pool.submit(culprits.double, 1)


def test_join_before_close_is_refused(fresh_pool):
    with pytest.raises(ValueError, match="close"):
        fresh_pool.join()


def test_terminate_ends_running_and_queued_jobs(pool):
    jobs = [pool.submit(culprits.hang) for _ in range(5)]
    pool.terminate()
    assert pool.join(60)
    for job in jobs:
        with pytest.raises((prong.JobCancelled, prong.JobLost)):
            job.result(0)


def test_context_manager_waits_for_jobs(start):
    with prong.Pool(2, start=start) as pool:
        jobs = [pool.submit(culprits.double, number) for number in range(20)]
    assert [job.result(0) for job in jobs] == list(range(0, 40, 2))


def test_context_manager_terminates_after_an_exception(start):
    with pytest.raises(KeyError), prong.Pool(1, start=start) as pool:
        job = pool.submit(culprits.hang)
        raise KeyError
    assert job.done()


def test_workers_none_means_usable_cpus(make_pool):
    pool = make_pool()
    assert eventually(lambda: len(pool.workers) == prong.usable_cpus())


def test_stats_and_workers(fresh_pool):
    fresh_pool.map(culprits.double, range(10))
    assert fresh_pool.stats["submitted"] == 10
    assert fresh_pool.stats["finished"] == 10
    assert eventually(lambda: sum(worker.jobs_done for worker in fresh_pool.workers) == 10)


def test_max_jobs_per_worker(start, make_pool):
    pool = make_pool(1, start=start, maxtasksperchild=2)
    pids = [pool.submit(os.getpid).result() for _ in range(6)]
    assert len(set(pids)) == 3


def test_initializer_and_finalizer(start, tmp_path):
    path = str(tmp_path / "ends")
    options = {"start": start, "finalizer": culprits.append_line, "finalargs": (path, "end")}
    with prong.Pool(2, culprits.remember, ("value",), **options) as pool:
        assert pool.submit(culprits.remembered).result() == ["value"]
    assert (tmp_path / "ends").read_text() == "end\n" * 2
    assert pool.finalizer_outcomes == [prong.Returned()] * 2


def test_failing_initializer_fails_the_pool_with_its_text(start, make_pool):
    pool = make_pool(2, culprits.fail_to_initialize, start=start)
    assert eventually(lambda: pool.failure != "")
    with pytest.raises(prong.InitializerFailed, match="no connection"):
        pool.submit(culprits.double, 1)


def test_dropped_pool_cleans_up(start):
    pool = prong.Pool(2, start=start)
    job = pool.submit(culprits.double, 4)
    del pool
    assert job.result(60) == 8  # the job keeps its pool; the leak check sees to the rest


def test_two_pools_at_once(start, make_pool):
    one, other = make_pool(1, start=start), make_pool(1, start=start)
    assert one.submit(culprits.double, 1).result() + other.submit(culprits.double, 2).result() == 6


def test_pool_inside_a_job(fresh_pool):
    assert fresh_pool.submit(_use_a_pool).result(60) == [0, 2, 4]


def _use_a_pool() -> list[int]:
    with prong.Pool(1) as inner:
        return inner.map(culprits.double, range(3))


def test_pool_and_job_do_not_pickle(fresh_pool):
    with pytest.raises(prong.EncodingError, match="belongs to its program"):
        fresh_pool.submit(culprits.echo, fresh_pool).result()


@pytest.mark.parametrize("busy", [False, True])
def test_workers_beyond_the_cpus_start_too(make_pool, start, busy):
    pool = make_pool(len(os.sched_getaffinity(0)) + 9, start=start)
    if busy:
        pool.submit(time.sleep, 1000)
    assert eventually(lambda: len(pool.workers) == len(os.sched_getaffinity(0)) + 9)
    pool.terminate()
