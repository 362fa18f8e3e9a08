"""Retries: which failures are tried again, how often, and what is known of the attempts."""

from __future__ import annotations

import signal

import culprits
import pytest

import prong


def test_no_retry_by_default(fresh_pool, tmp_path):
    path = tmp_path / "tries"
    with pytest.raises(ValueError, match="try 1"):
        fresh_pool.submit(culprits.fail_until, str(path), 1).result()
    assert path.read_text() == "try\n"


def test_retries_until_it_returns(pool, tmp_path):
    job = pool.options(retries=3).submit(culprits.fail_until, str(tmp_path / "tries"), 2)
    assert job.result() == 3
    assert [attempt.outcome.name for attempt in job.attempts] == ["raised", "raised", "returned"]
    assert [attempt.number for attempt in job.attempts] == [1, 2, 3]


def test_last_error_is_raised(fresh_pool, tmp_path):
    job = fresh_pool.options(retries=1).submit(culprits.fail_until, str(tmp_path / "tries"), 5)
    with pytest.raises(ValueError, match="try 2"):
        job.result()
    assert len(job.attempts) == 2


def test_crash_is_tried_again(fresh_pool):
    job = fresh_pool.options(retries=2).submit(culprits.die_by, signal.SIGKILL)
    assert isinstance(job.exception(), prong.WorkerCrashed)
    assert len(job.attempts) == 3
    assert len({attempt.worker_pid for attempt in job.attempts}) == 3


def test_policy_by_cause(fresh_pool):
    policy = prong.RetryPolicy(3, on_exception=False)
    job = fresh_pool.options(retries=policy).submit(culprits.fail)
    assert isinstance(job.exception(), ValueError)
    assert len(job.attempts) == 1


def test_retries_of_a_pool(make_pool, tmp_path):
    pool = make_pool(1, retries=2)
    assert pool.submit(culprits.fail_until, str(tmp_path / "tries"), 2).result() == 3


def test_map_retries_each_item(make_pool, tmp_path):
    pool = make_pool(2, retries=1)
    paths = [str(tmp_path / str(number)) for number in range(10)]
    assert pool.starmap(culprits.fail_until, [(path, 1) for path in paths]) == [2] * 10
