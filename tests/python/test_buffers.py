"""Large buffers travel beside the pickle and arrive writable."""

from __future__ import annotations

import culprits
import numpy as np
import pytest


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
