"""map() and starmap() send many items at a time; each keeps an outcome of its own."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections import namedtuple
from pathlib import Path

import culprits
import pytest

import prong
from eventually import eventually

Point = namedtuple("Point", "x y")

VALUES = [
    None, True, False, 0, -1, 127, 128, -128, -129, 2**31, 2**63 - 1, -(2**63), 2**63, 10**30, 0.0, -0.0, 1.5, math.inf,
    "", "text", "Gr\u00fc\u00dfe", "\ud800", "\0", "x" * 40_000, b"", b"bytes", b"y" * 100_000, (),
    (1, "a", (2.5, (None,))), (1, [2]), tuple(range(300)), [1, 2], {"a": 1}, {1, 2}, 1j, Point(1, 2), bytearray(b"z"),
    range(5), ..., len,
]  # fmt: skip


def same(value):
    return value


def many(*args):
    return args


def test_values_of_all_kinds(pool):
    returned = pool.map(same, VALUES)
    assert list(map(repr, returned)) == list(map(repr, VALUES))
    assert returned == VALUES
    assert [type(value) for value in returned] == [type(value) for value in VALUES]
    assert pool.starmap(many, [(value, 1) for value in VALUES]) == [(value, 1) for value in VALUES]
    assert pool.starmap(many, [(), [1], (2, 3), "ab"]) == [(), (1,), (2, 3), ("a", "b")]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 1000, 100_000])
@pytest.mark.parametrize("chunksize", [None, 1, 7, 10_000])
def test_counts_and_sizes(fresh_pool, count, chunksize):
    if count == 100_000 and chunksize in (1, 7):
        count = 5000
    expected = [2 * number for number in range(count)]
    assert fresh_pool.map(culprits.double, range(count), chunksize) == expected
    assert fresh_pool.map(culprits.double, iter(range(count)), chunksize) == expected


def raise_at_three(number):
    if number == 3:
        raise KeyError(number)
    return number


def test_exception_is_that_of_the_first_item(pool):
    with pytest.raises(KeyError) as raised:
        pool.map(raise_at_three, [1, 2, 3, 3, 4])
    assert "raise_at_three" in str(raised.value.__cause__)
    assert pool.map(raise_at_three, range(3)) == [0, 1, 2]


def die_at_three(number, folder):
    (Path(folder) / str(number)).touch(exist_ok=False)
    if number == 3:
        os._exit(5)
    if number == 70:
        os.kill(os.getpid(), 9)
    return number


def test_crash_costs_one_item(pool, tmp_path):
    with pytest.raises(prong.WorkerCrashed) as raised:
        pool.starmap(die_at_three, [(number, tmp_path) for number in range(100)])
    assert raised.value.exit_code == 5
    assert raised.value.job_id is not None
    assert len(raised.value.attempts) == 1
    assert len(list(tmp_path.iterdir())) == 100  # each was begun, once


def test_time_out_costs_one_item(pool, tmp_path):
    def work(number):
        if number == 5:
            while True:
                pass
        (tmp_path / str(number)).touch(exist_ok=False)

    with pytest.raises(prong.JobTimeout) as raised:
        pool.options(timeout=1).map(work, range(50))
    assert "work" in raised.value.stack
    assert len(list(tmp_path.iterdir())) == 49


def test_exit_in_an_item(pool):
    with pytest.raises(prong.WorkerCrashed) as raised:
        pool.map(lambda number: sys.exit(3) if number == 2 else number, range(5))
    assert raised.value.exit_code == 3


class Unpicklable:
    def __reduce__(self):
        raise TypeError("cannot be had")


class Undecodable:
    def __reduce__(self):
        return _refuse, ()


def _refuse():
    raise ValueError("not here")


def test_what_does_not_travel_fails_alone(pool):
    with pytest.raises(prong.EncodingError, match="an item"):
        pool.map(same, [1, Unpicklable(), 2])
    with pytest.raises(prong.EncodingError, match="result"):
        pool.map(lambda number: Unpicklable() if number == 1 else number, range(5))
    with pytest.raises(prong.DecodingError, match="not here"):
        pool.map(same, [1, Undecodable(), 2])
    with pytest.raises(prong.DecodingError, match="not here"):
        pool.map(lambda number: Undecodable() if number == 1 else number, range(5))


def test_first_error_in_the_order_of_items(pool):
    with pytest.raises(KeyError):
        pool.map(raise_at_three, [1, 3, Unpicklable()])
    with pytest.raises(prong.EncodingError):
        pool.map(raise_at_three, [1, Unpicklable(), 3])


def test_slow_items_are_shared(make_pool):
    pool = make_pool(2)
    assert eventually(lambda: [worker.state for worker in pool.workers] == ["idle"] * 2)
    pids = pool.map(lambda number: (time.sleep(0.02), os.getpid())[1], range(12), chunksize=12)
    assert len(set(pids)) == 2


def test_closures_and_what_main_defines(pool):
    factor = 3
    assert pool.map(lambda number: number * factor, range(100)) == list(range(0, 300, 3))


def test_options_that_need_a_job_for_each_item(pool):
    failed_once = []

    def attempt(number):
        if not failed_once:
            failed_once.append(number)
            raise ValueError(number)
        return number

    assert sorted(pool.options(retries=30).map(attempt, range(20))) == list(range(20))
    pids = pool.options(fresh=True).map(lambda _: os.getpid(), range(4))
    assert len(set(pids)) == 4


def test_many_threads_map_at_once(make_pool):
    pool = make_pool(2)
    wrong = []

    def work(seed):
        for _ in range(20):
            if pool.map(culprits.double, range(seed, seed + 500)) != [2 * n for n in range(seed, seed + 500)]:
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_input_that_raises(make_pool):
    pool = make_pool(1)

    def numbers():
        yield from range(5000)
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        pool.map(same, numbers())
    assert pool.map(same, [1]) == [1]
    assert pool.stats["finished"] == 1


def test_what_c_functions_raise(pool):
    with pytest.raises(ValueError, match="invalid literal"):
        pool.map(int, ["1", "2", "x", "3"])
    with pytest.raises(ValueError, match="math domain"):
        pool.map(math.sqrt, [1, -1, 4])
    with pytest.raises(TypeError):
        pool.starmap(len, [("a",), ("b", "c")])
    assert pool.map(int, ["1", "2"]) == [1, 2]


def fork_and_return(number):
    if number == 5 and os.fork() == 0:
        return "the copy"
    if number == 5:
        os.wait()
    return number


def test_a_copy_that_an_item_forks_cannot_answer(pool):
    assert pool.map(fork_and_return, range(20), chunksize=20) == list(range(20))


class Deadly:
    def __call__(self, number):
        return number

    def __reduce__(self):
        return os._exit, (7,)


def test_function_that_no_worker_survives(pool):
    with pytest.raises(prong.WorkerCrashed) as raised:
        pool.map(Deadly(), range(200))  # each costs a worker
    assert raised.value.exit_code == 7
    assert pool.map(same, [1]) == [1]


def test_slow_import_before_the_first_item(pool, tmp_path, monkeypatch):
    (tmp_path / "slow_to_import.py").write_text(
        "import time\ntime.sleep(0.3)\nclass Value:\n    def __init__(self, n): self.n = n\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def work(number):
        import sys

        sys.path.insert(0, str(tmp_path))
        import slow_to_import

        return slow_to_import.Value(number).n

    assert pool.map(work, range(200)) == list(range(200))


def test_every_item_counts(make_pool):
    pool = make_pool(1)
    pool.map(same, range(1000))
    assert pool.stats["submitted"] == pool.stats["finished"] == 1000
