"""workers=0: jobs run in the calling process."""

from __future__ import annotations

import os

import culprits
import pytest

import prong


@pytest.fixture
def inline(make_pool):
    return make_pool(0)


def test_runs_here(inline):
    assert inline.submit(os.getpid).result() == os.getpid()
    assert inline.workers == []


def test_outcomes(inline):
    assert inline.submit(culprits.double, 2).outcome == prong.Returned()
    failed = inline.submit(culprits.fail)
    assert isinstance(failed.outcome, prong.Raised)
    assert isinstance(failed, prong.Job)
    with pytest.raises(ValueError, match="no such thing"):
        failed.result()
    assert inline.submit(culprits.sys_exit, 3).outcome == prong.Exited(3)


def test_maps(inline):
    assert inline.map(culprits.double, range(3)) == [0, 2, 4]
    assert inline.starmap(culprits.add, [(1, 2)]) == [3]
    assert list(inline.imap(culprits.double, range(3))) == [0, 2, 4]
    assert sorted(inline.imap_unordered(culprits.double, range(3))) == [0, 2, 4]
    assert inline.map_async(culprits.double, range(3)).get() == [0, 2, 4]


def test_what_cannot_be_pickled_is_fine(inline):
    value = culprits.Unpicklable()
    assert inline.submit(culprits.echo, value).result()[0][0] is value


def test_retries(inline, tmp_path):
    assert inline.options(retries=2).submit(culprits.fail_until, str(tmp_path / "tries"), 2).result() == 3


def test_callbacks(inline):
    values = []
    inline.apply_async(culprits.double, (2,), callback=values.append)
    assert values == [4]


def test_initializer_and_finalizer():
    calls = []
    with prong.Pool(0, calls.append, ("first",), finalizer=calls.append, finalargs=("last",)) as pool:
        pool.submit(calls.append, "job")
    assert calls == ["first", "job", "last"]
    assert pool.finalizer_outcomes == [prong.Returned()]


def test_closed(inline):
    inline.close()
    with pytest.raises(prong.PoolClosed):
        inline.submit(culprits.double, 1)
