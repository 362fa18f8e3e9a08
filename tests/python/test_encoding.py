"""What does not pickle or unpickle fails its own job, with a text that names the part."""

from __future__ import annotations

import threading

import culprits
import pytest

import prong


@pytest.fixture
def bad():
    return culprits.Unpicklable()


def test_argument(fresh_pool, bad):
    job = fresh_pool.submit(culprits.echo, 1, bad)
    with pytest.raises(
        prong.EncodingError, match=r"argument 2 \(culprits.Unpicklable\) of echo cannot be pickled.*not for"
    ):
        job.result()
    assert job.done()
    assert not job.cancelled()
    assert isinstance(job.outcome, prong.Raised)
    assert fresh_pool.submit(culprits.double, 1).result() == 2


def test_keyword_argument(fresh_pool, bad):
    with pytest.raises(prong.EncodingError, match="argument 'key'"):
        fresh_pool.submit(culprits.echo, key=bad).result()


def test_global_of_a_function(fresh_pool):
    with pytest.raises(prong.EncodingError, match=r"global 'LOCK' \(_thread.lock\)"):
        fresh_pool.submit(make_function_with_lock()).result()


def make_function_with_lock():
    variables = {"LOCK": threading.Lock(), "__name__": "__main__"}
    exec("def locked():\n    return LOCK.locked()", variables)
    return variables["locked"]


def test_closure_over_a_lock(fresh_pool):
    lock = threading.Lock()
    with pytest.raises(prong.EncodingError, match="lock"):
        fresh_pool.submit(lambda: lock.locked()).result()


def test_item_of_a_map(fresh_pool, bad):
    items = [1, bad, 3]
    with pytest.raises(prong.EncodingError, match="an item"):
        fresh_pool.map(culprits.echo, items)
    iterator = fresh_pool.imap(culprits.echo, items)
    assert next(iterator) == ((1,), {})
    with pytest.raises(prong.EncodingError):
        next(iterator)
    assert next(iterator) == ((3,), {})


def test_item_of_an_unordered_map(fresh_pool, bad):
    iterator = fresh_pool.imap_unordered(culprits.echo, [1, bad, 3])
    results, errors = [], 0
    while True:
        try:
            results.append(next(iterator))
        except StopIteration:
            break
        except prong.EncodingError:
            errors += 1
    assert sorted(results) == [((1,), {}), ((3,), {})]
    assert errors == 1


def test_result(pool):
    job = pool.submit(culprits.return_unpicklable)
    with pytest.raises(prong.EncodingError, match=r"the result \(culprits.Unpicklable\) of return_unpicklable"):
        job.result()


def test_result_that_does_not_load(fresh_pool):
    job = fresh_pool.submit(culprits.return_bad_load)
    with pytest.raises(prong.EncodingError, match="the result cannot be unpickled: RuntimeError: refused"):
        job.result()
    assert job.outcome == prong.Returned()


def test_argument_that_does_not_load(fresh_pool):
    with pytest.raises(prong.EncodingError, match="arguments cannot be unpickled: RuntimeError: refused"):
        fresh_pool.submit(culprits.echo, culprits.BadLoad()).result()


def test_exception_that_does_not_load(pool):
    with pytest.raises(prong.RemoteError, match="NeedsArguments: 1 and 2") as caught:
        pool.submit(culprits.raise_needs_arguments).result()
    assert caught.value.type_name == "culprits.NeedsArguments"
    assert caught.value.message == "1 and 2"
    assert "raise NeedsArguments(1, 2)" in caught.value.traceback


def test_exception_that_does_not_pickle(pool):
    with pytest.raises(prong.RemoteError, match="UnpicklableError: I stay here"):
        pool.submit(culprits.raise_unpicklable).result()


def test_text_with_lone_surrogates(fresh_pool):
    assert fresh_pool.submit(culprits.echo, "\ud800").result() == (("\ud800",), {})
    with pytest.raises(ValueError, match="\ud800"):
        fresh_pool.submit(culprits.fail, "\ud800").result()
