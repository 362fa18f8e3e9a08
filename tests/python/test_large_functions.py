"""Large arrays that functions hold: in shared memory once, mapped by each worker, found again by their content."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import time
from pathlib import Path

import culprits
import numpy as np
import pytest

import prong
from eventually import eventually

SIZE = 500_000


def open_blocks():
    """Blocks that this process has open."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found += "prong-block" in str(entry.readlink())
    return found


def is_mapped(array):
    """Whether it is in a block of shared memory."""
    place = array.__array_interface__["data"][0]
    for line in Path("/proc/self/maps").read_text().splitlines():
        first, end = (int(address, 16) for address in line.split()[0].split("-"))
        if first <= place < end:
            return "prong-block" in line
    return False


def about(array, number):
    """What a worker sees of an array."""
    return is_mapped(array), int(array[number]), os.getpid()


def call(function):
    return function()


class Local:
    """Has a method, and is not to be found by name."""

    def __init__(self, array):
        self.array = array

    def about(self, number):
        return about(self.array, number)


Local.__qualname__ = "of no module"
of_the_program = np.arange(SIZE)


def with_a_global():
    def function(number):
        return about(of_the_program, number)

    function.__module__ = "__main__"
    return function


def makers(array):
    yield lambda number: about(array, number)
    yield functools.partial(about, array)
    yield Local(array).about
    yield with_a_global()
    yield functools.lru_cache(lambda number, array=array: about(array, number))


@pytest.mark.parametrize("which", range(5))
def test_they_are_in_shared_memory_once(which, make_pool):
    pool = make_pool(2)
    array = np.arange(SIZE)
    function = list(makers(array))[which]
    before = open_blocks()
    jobs = [pool.submit(function, number) for number in range(8)]
    assert open_blocks() == before + 1
    assert {job.result()[:2] for job in jobs} == {(True, number) for number in range(8)}
    assert [seen[:2] for seen in pool.map(function, range(8))] == [(True, number) for number in range(8)]
    assert open_blocks() == before + 1


def test_parts_of_calls_are_in_shared_memory(make_pool):
    pool = make_pool(1)
    array = np.arange(SIZE)
    assert pool.submit(call, lambda: is_mapped(array)).result()
    assert pool.map(call, [lambda: is_mapped(array)] * 3) == [True] * 3


def test_initializers_have_them_mapped(make_pool):
    array = np.arange(SIZE)
    other = np.arange(SIZE)

    def initialize(argument):
        vars(culprits)["mapped"] = is_mapped(array), is_mapped(argument)

    pool = make_pool(1, initializer=initialize, initargs=(other,))
    assert pool.submit(lambda: vars(culprits)["mapped"]).result() == (True, True)


def test_what_changed_is_another_function(make_pool):
    pool = make_pool(2)
    array = np.zeros(SIZE)

    def total():
        return int(array.sum())

    jobs = []
    for number in range(12):
        array[number // 3 * 1000] = 1
        jobs.append(pool.submit(total))
        jobs += [pool.submit(call, total)]
    assert [job.result() for job in jobs] == [number // 6 + 1 for number in range(24)]
    assert pool.map(lambda _: total(), range(3)) == [4] * 3


def test_what_a_worker_writes_is_its_own(make_pool):
    array = np.zeros(SIZE)

    def write():
        array[0] += 1
        return int(array[0])

    pool = make_pool(1)
    other = make_pool(1)
    assert pool.submit(write).result() == 1
    pool.map(lambda _: write(), range(2))
    assert other.submit(write).result() == 1
    assert other.submit(lambda: int(array[0])).result() == 0
    assert array[0] == 0


def test_a_function_that_is_used_once_takes_its_memory_along(make_pool):
    pool = make_pool(1)
    array = np.arange(2 * SIZE)
    assert pool.submit(lambda: about(array, 5)).result()[:2] == (True, 5)
    gc.collect()
    number = 1
    pool.submit(lambda: number).result()  # another one that is carried: the worker drops what is large
    assert eventually(lambda: open_blocks() == 0)


def leases_of(worker):
    """Blocks that a process has mapped."""
    lines = Path(f"/proc/{worker}/maps").read_text().splitlines()
    return len({line.split()[4] for line in lines if "prong-block" in line})


def test_what_is_told_goes_with_its_function(make_pool):
    pool = make_pool(1)
    worker = pool.submit(os.getpid).result()
    for number in range(70):  # more than there are numbers to lend under
        array = np.full(SIZE, number)
        shared = prong.share(np.full(SIZE, -number))

        def function(index, array=array, shared=shared):
            return int(array[index]) + int(shared.value[index])

        assert pool.map(function, range(3)) == [0] * 3
        assert [pool.submit(function, index).result() for index in range(2)] == [0] * 2
    del function, array, shared
    for number in range(10):  # a worker keeps the last handles that it has looked at
        assert pool.submit(lambda handle: handle.value, prong.share(number)).result() == number
    assert eventually(lambda: (leases_of(worker), open_blocks()) == (0, 0))


def test_what_changed_is_not_kept(make_pool):
    pool = make_pool(1)
    array = np.zeros(SIZE)

    def function(index):
        return int(array[index])

    for number in range(20):
        array[0] = number
        assert pool.map(function, range(2)) == [number, 0]
    assert eventually(lambda: open_blocks() == 1)


def test_partials_that_are_not_used_any_more_go(make_pool):
    pool = make_pool(1)
    for number in range(20):
        assert pool.map(functools.partial(np.add, np.full(2**20, number)), [1])[0][0] == number + 1
    assert eventually(lambda: open_blocks() <= 10)  # 64 MiB, and the last result


def test_jobs_keep_what_they_need(make_pool):
    pool = make_pool(1)
    gate = pool.submit(time.sleep, 0.2)
    jobs = []
    for number in range(5):
        array = np.full(SIZE, number)
        jobs.append(pool.map_async(lambda index, array=array: int(array[index]), range(3)))
    del array
    gc.collect()
    assert [job.get() for job in jobs] == [[number] * 3 for number in range(5)]
    gate.result()


def test_they_are_counted_and_refused_beyond_the_limit(make_pool):
    pool = make_pool(1)
    array = np.arange(SIZE)
    function = functools.partial(lambda one: about(array, one), 5)
    prong.limit_shared_memory(array.nbytes - 1, wait=0)
    try:
        for submit in (pool.submit, lambda call: pool.map(call, [])):
            with pytest.raises(prong.SystemRefused, match="shared memory"):
                submit(function)
    finally:
        prong.limit_shared_memory()
    assert pool.submit(function).result()[:2] == (True, 5)
    assert pool.stats["argument_bytes"] >= array.nbytes


def test_functions_that_hold_handles_are_not_pickled_again(make_pool, monkeypatch):
    pool = make_pool(1)
    shared = prong.share(np.arange(SIZE))
    others = [prong.share(number) for number in range(3)], (prong.share(3),)

    def function(number, pair=(shared, others[1])):
        return int(shared.value[number]) + pair[1][0].value

    assert [pool.submit(function, number).result() for number in range(2)] == [3, 4]
    monkeypatch.setattr(pool._engine.definitions, "_make", None)
    assert pool.submit(function, 2).result() == 5
    assert pool.map(function, range(3)) == [3, 4, 5]


def test_another_handle_is_another_function(make_pool):
    pool = make_pool(1)
    shared = prong.share(np.full(SIZE, 1))

    def function():
        return int(shared.value[0])

    for number in range(1, 5):
        shared = prong.share(np.full(SIZE, number))
        assert [pool.submit(function).result() for _ in range(3)] == [number] * 3
