"""Bad arguments get a clear exception at the call."""

from __future__ import annotations

import math
import os

import culprits
import pytest

import prong
import prong.futures


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"timeout": -1}, ValueError, "timeout must be more than zero"),
        ({"timeout": 0}, ValueError, "timeout must be more than zero"),
        ({"timeout": math.nan}, ValueError, "timeout must be"),
        ({"timeout": "5"}, TypeError, "timeout must be a number of seconds, not '5'"),
        ({"timeout": True}, TypeError, "timeout must be"),
        ({"retries": -1}, ValueError, "retries must be at least 0"),
        ({"retries": 1.5}, TypeError, "retries must be a whole number"),
        ({"priority": 1.5}, TypeError, "priority must be a whole number"),
        ({"priority": 2**40}, ValueError, "priority must be between"),
        ({"key": 3}, TypeError, "key must be a text"),
        ({"leftovers": "burn"}, ValueError, "'keep' or 'kill'"),
        ({"time_out": 5}, TypeError, "did you mean 'timeout'"),
        ({"colour": 5}, TypeError, "there are timeout"),
    ],
)
def test_job_options(fresh_pool, options, kind, text):
    with pytest.raises(kind, match=text):
        fresh_pool.options(**options)


@pytest.mark.parametrize(
    ("args", "options", "kind", "text"),
    [
        ((-1,), {}, ValueError, "workers must be at least 0"),
        ((1.5,), {}, TypeError, "workers must be a whole number"),
        ((True,), {}, TypeError, "workers must be a whole number"),
        ((1, 5), {}, TypeError, "initializer must be callable"),
        ((1, print, 5), {}, TypeError, "initargs must hold"),
        ((1,), {"start": "magic"}, ValueError, "start must be one of 'fresh', 'fork', 'spawn'"),
        ((1,), {"max_jobs_per_worker": 0}, ValueError, "max_jobs_per_worker must be at least 1"),
        ((1,), {"finalizer": 5}, TypeError, "finalizer must be callable"),
        ((1,), {"finaliser": print}, TypeError, "did you mean 'finalizer'"),
        ((1,), {"timeout": -1}, ValueError, "timeout must be more than zero"),
        ((1,), {"grace": -1}, ValueError, "grace must be zero or more"),
    ],
)
def test_pool_arguments(args, options, kind, text):
    with pytest.raises(kind, match=text):
        prong.Pool(*args, **options)


@pytest.mark.parametrize("method", ["submit", "apply", "apply_async", "map", "map_async", "imap", "imap_unordered"])
def test_function_that_is_not_callable(fresh_pool, method):
    with pytest.raises(TypeError, match="must be callable, not 5"):
        getattr(fresh_pool, method)(5, [])


def test_what_is_not_iterable(fresh_pool):
    with pytest.raises(TypeError):
        fresh_pool.map(culprits.double, 5)


@pytest.mark.parametrize("chunksize", [0, -1])
def test_chunksize(fresh_pool, chunksize):
    with pytest.raises(ValueError, match="chunksize must be at least 1"):
        fresh_pool.map(culprits.double, [], chunksize)


@pytest.mark.parametrize("method", ["map", "map_async", "starmap", "starmap_async", "imap", "imap_unordered"])
def test_key_of_a_map(fresh_pool, method):
    with pytest.raises(prong.UsageError, match=r"key='k' stands for one job.*use submit\(\)"):
        getattr(fresh_pool.options(key="k"), method)(culprits.double, [1, 2, 3])
    assert fresh_pool.options(key="k").options(key=None).map(culprits.double, [1, 2, 3]) == [2, 4, 6]


def test_key_of_an_executors_map():
    with prong.futures.ProcessPoolExecutor(1, key="k") as executor:
        with pytest.raises(prong.UsageError, match="key='k' stands for one job"):
            executor.map(culprits.double, [1, 2, 3])


@pytest.mark.parametrize("seconds", [1e-10, 5e-324])
def test_shortest_limit_is_a_limit(fresh_pool, seconds):
    with pytest.raises(prong.JobTimeout):
        fresh_pool.options(timeout=seconds).submit(culprits.hang).result()


def test_retry_policy():
    with pytest.raises(ValueError, match="jitter"):
        prong.RetryPolicy(1, jitter=2)
    with pytest.raises(ValueError, match="backoff"):
        prong.RetryPolicy(1, backoff=-1)


def test_closed_pool(fresh_pool):
    fresh_pool.close()
    for call in (fresh_pool.submit, fresh_pool.map, fresh_pool.map_async):
        with pytest.raises(prong.PoolClosed, match="closed"):
            call(culprits.double, [1])
    with pytest.raises(prong.PoolClosed):
        next(fresh_pool.imap(culprits.double, [1]))


def test_pool_in_a_forked_child(fresh_pool):
    assert fresh_pool.submit(culprits.double, 1).result() == 2
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            fresh_pool.submit(culprits.double, 1)
            os.write(write, b"no error")
        except prong.UsageError as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read) as answer:
        assert "forked child must make a pool of its own" in answer.read()
    assert fresh_pool.submit(culprits.double, 2).result() == 4


def test_job_results_cannot_be_set(fresh_pool):
    job = fresh_pool.submit(culprits.double, 1)
    with pytest.raises(TypeError):
        job.set_result(5)
    assert job.result() == 2


def test_executor_arguments():
    with pytest.raises(ValueError, match="max_workers must be greater than 0"):
        prong.futures.ProcessPoolExecutor(0)
    with pytest.raises(TypeError, match="initializer must be a callable"):
        prong.futures.ProcessPoolExecutor(1, initializer=5)
    with pytest.raises(TypeError, match="max_tasks_per_child"):
        prong.futures.ProcessPoolExecutor(1, max_tasks_per_child="1")
    with pytest.raises(ValueError, match="max_tasks_per_child"):
        prong.futures.ProcessPoolExecutor(1, max_tasks_per_child=0)
    with pytest.raises(ValueError, match="mp_context"):
        prong.futures.ProcessPoolExecutor(1, mp_context="magic")
