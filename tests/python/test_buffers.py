"""Large buffers travel beside the pickle and arrive writable."""

from __future__ import annotations

import os
from pathlib import Path

import culprits
import numpy as np
import pytest

from eventually import eventually


@pytest.mark.parametrize("size", [0, 10, 100_000, 5_000_000])
def test_array_there_and_back(pool, size):
    array = np.arange(size)
    ((received,), _) = pool.submit(culprits.echo, array).result()
    assert np.array_equal(received, array)
    received += 1  # writable, and ours alone
    assert np.array_equal(received, array + 1)


def add_in_place(array):
    array += 1
    return array


def test_worker_may_write(pool):
    array = np.zeros(1_000_000)
    assert pool.submit(add_in_place, array).result().sum() == 1_000_000
    assert array.sum() == 0


def test_several_arrays_of_all_orders(fresh_pool):
    arrays = [np.ones((300, 300)), np.asfortranarray(np.arange(90_000).reshape(300, 300)), np.ones((600, 600))[::2]]
    received = fresh_pool.submit(culprits.echo, arrays).result()[0][0]
    for one, other in zip(received, arrays, strict=True):
        assert np.array_equal(one, other)


def test_items_of_maps(fresh_pool):
    arrays = [np.full(50_000, number) for number in range(20)]
    assert [int(array[0]) for array in fresh_pool.map(add_in_place, arrays)] == list(range(1, 21))


def test_bytes_and_bytearray(fresh_pool):
    data = bytes(range(256)) * 10_000
    assert fresh_pool.submit(culprits.echo, data, bytearray(data)).result() == ((data, bytearray(data)), {})


def bytes_of_size(size):
    unit = bytes(range(251))
    return unit * (size // 251) + unit[: size % 251]


# Around where bytes no longer stand in a record, and where a result no longer stands in the ring.
BYTES_SIZES = [step + more for step in (32 * 1024, 256 * 1024, 2**20) for more in (-24, -13, -12, -5, -1, 0, 1, 100)]


def test_long_bytes_of_single_jobs(fresh_pool):
    for size in BYTES_SIZES:
        assert fresh_pool.submit(bytes_of_size, size).result() == bytes_of_size(size)


@pytest.mark.parametrize("chunksize", [None, 1, 7])
def test_long_bytes_of_maps(fresh_pool, chunksize):
    sizes = [size for large in BYTES_SIZES for size in (large, 3)]
    found = fresh_pool.map(bytes_of_size, sizes, chunksize=chunksize)
    assert list(found) == [bytes_of_size(size) for size in sizes]


def most_memory(pid):
    """Since the last request to the worker began."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def test_long_bytes_are_copied_once_in_a_worker(make_pool):
    pool = make_pool(1)
    size = 251 * 2**18  # made in one piece
    first = pool.submit(bytes_of_size, 1)  # loads this module
    first.result()
    before = most_memory(first.worker_pid)
    assert pool.submit(bytes_of_size, size).result() == bytes_of_size(size)
    assert size / 2 < most_memory(first.worker_pid) - before < 1.5 * size


def test_results_outlive_their_pool(make_pool):
    pool = make_pool(1)
    received = pool.submit(culprits.echo, np.arange(1_000_000)).result()[0][0]
    pool.close()
    pool.join()
    del pool
    assert int(received[-1]) == 999_999


def test_arrays_in_batches(pool):
    arrays = [np.full(size, size) for size in (1, 10, 3000, 100_000, 1_000_000, 5)]
    returned = pool.map(lambda array: array + 1, arrays)
    for array, result in zip(arrays, returned, strict=True):
        np.testing.assert_array_equal(result, array + 1)
        result += 1  # writable
    sizes = [5, 300_000, 3, 4000]
    returned = pool.map(np.ones, sizes)
    assert [len(result) for result in returned] == sizes


# Blocks of shared memory are used again as soon as nobody has them. Whoever still has one must never see another's
# bytes in it.

SIZE = 1_000_000


def blocks_here():
    """Blocks that this process has open."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found += "prong-block" in str(entry.readlink())
        except OSError:
            continue
    return found


def filled(number):
    return np.full(SIZE, number)


def same(array):
    return array


def total(array):
    return int(array.sum())


def test_blocks_are_used_again(make_pool):
    pool = make_pool(1)
    for number in range(50):
        assert int(pool.submit(same, filled(number)).result()[-1]) == number
        assert blocks_here() <= 6


def test_results_that_are_kept_stay_as_they_are(make_pool):
    pool = make_pool(2)
    results = [pool.submit(same, filled(number)).result() for number in range(30)]
    assert [total(result) for result in results] == [SIZE * number for number in range(30)]


def keep(array):
    vars(culprits).setdefault("kept", []).append(array)


def totals_of_kept():
    return [total(array) for array in vars(culprits)["kept"]]


def test_arguments_that_a_worker_keeps_stay_as_they_are(make_pool):
    pool = make_pool(1)
    for number in range(80):  # more than there are numbers to lend under
        pool.submit(keep, filled(number)).result()
        assert total(pool.submit(same, filled(-1)).result()) == -SIZE
    assert pool.submit(totals_of_kept).result() == [SIZE * number for number in range(80)]


def leave_a_child(array, gate):
    """Fork a child that looks at the array when it is told to."""
    if os.fork() == 0:
        gate.read_text()  # until somebody writes
        gate.with_suffix(".seen").write_text(str(total(array)))
        os._exit(0)


def test_arguments_that_a_forked_child_has_stay_as_they_are(make_pool, tmp_path):
    pool = make_pool(1)
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    pool.submit(leave_a_child, filled(7), gate).result()
    for number in range(10):
        assert int(pool.submit(same, filled(number)).result()[0]) == number
    gate.write_text("go")
    seen = gate.with_suffix(".seen")
    assert eventually(lambda: seen.exists() and seen.read_text() == str(7 * SIZE))


def test_results_that_a_forked_child_of_the_program_has_stay_as_they_are(make_pool):
    pool = make_pool(1)
    result = pool.submit(same, filled(7)).result()
    there, here = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(there, 1)
        os._exit(0 if total(result) == 7 * SIZE else 1)
    del result
    for number in range(10):
        assert int(pool.submit(same, filled(number)).result()[0]) == number
    os.write(here, b"g")
    assert os.waitpid(child, 0)[1] == 0
    os.close(here)
    os.close(there)


def die(_array):
    os.kill(os.getpid(), 9)


def test_blocks_of_a_worker_that_died_are_used_again(make_pool):
    pool = make_pool(1)
    for number in range(10):
        pool.submit(die, filled(number)).wait()
        assert int(pool.submit(same, filled(number)).result()[0]) == number
    assert blocks_here() <= 6


def test_an_idle_pool_gives_its_blocks_back(make_pool):
    pool = make_pool(2)
    pool.map(same, [filled(number) for number in range(10)])
    assert eventually(lambda: blocks_here() == 0)
