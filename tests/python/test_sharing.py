"""prong.share: objects that are put into shared memory once."""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import pickle
import time
from pathlib import Path

import culprits
import numpy as np
import pytest

import prong
from eventually import eventually

SIZE = 1_000_000


def blocks_of(pid):
    """Blocks that a process has mapped."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return len({line.split()[4] for line in lines if "prong-block" in line})


def descriptors_in_sockets_of(pid):
    """Descriptors that were sent to a process, and that it has not received."""
    found = 0
    for entry in Path(f"/proc/{pid}/fdinfo").iterdir():
        with contextlib.suppress(OSError):
            found += sum(int(line.split()[1]) for line in entry.read_text().splitlines() if "scm_fds" in line)
    return found


def open_blocks():
    """Blocks that this process has open."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found += "prong-block" in str(entry.readlink())
    return found


def total(shared):
    return int(shared.value.sum())


def plus(shared, number):
    return total(shared) + number


def place(shared):
    """Where a process has the array, and which process it is."""
    return os.getpid(), shared.value.__array_interface__["data"][0]


def test_a_handle_gives_the_object(pool):
    shared = prong.share({"array": np.arange(SIZE), "text": "some"})
    assert shared.value["text"] == "some"
    assert shared.nbytes >= 8 * SIZE
    assert "8,000," in repr(shared)
    assert pool.submit(lambda handle: (int(handle.value["array"][-1]), handle.value["text"]), shared).result() == (
        SIZE - 1,
        "some",
    )


@pytest.mark.parametrize("size", [0, 10, 3000, 40_000, SIZE])
def test_objects_of_all_sizes(pool, size):
    shared = prong.share(np.arange(size))
    assert pool.submit(total, shared).result() == size * (size - 1) // 2
    assert pool.map(total, [shared] * 5) == [size * (size - 1) // 2] * 5


def test_handles_inside_other_objects(pool):
    shared = prong.share(np.ones(SIZE))
    assert pool.starmap(
        lambda box, number: total(box["it"][0]) + number, [({"it": [shared]}, i) for i in range(3)]
    ) == [
        SIZE,
        SIZE + 1,
        SIZE + 2,
    ]


def test_handles_that_functions_hold(pool):
    shared = prong.share(np.ones(SIZE))
    other = prong.share(np.full(SIZE, 2))
    assert pool.map(lambda number: total(shared) + total(other) + number, range(3)) == [
        3 * SIZE + number for number in range(3)
    ]
    assert pool.submit(functools.partial(total, shared)).result() == SIZE
    assert pool.map(functools.partial(plus, shared), range(3)) == [SIZE, SIZE + 1, SIZE + 2]


def test_a_worker_decodes_it_once(make_pool):
    pool = make_pool(1)
    shared = prong.share(np.ones(SIZE))
    assert len({pool.submit(place, shared).result() for _ in range(5)}) == 1
    assert len(set(pool.map(lambda _: place(shared), range(5)))) == 1


def test_workers_map_it_and_do_not_copy_it(make_pool):
    pool = make_pool(1)
    shared = prong.share(np.ones(SIZE))
    worker, _ = pool.submit(place, shared).result()
    pool.submit(lambda: total(shared)).result()
    assert blocks_of(worker) == 1


def test_workers_map_what_functions_hold(make_pool):
    pool = make_pool(1)
    shared = prong.share(np.ones(SIZE))
    (worker,) = pool.map(lambda _: place(shared)[0], [0])
    assert blocks_of(worker) == 1


def test_it_comes_back_as_itself(pool):
    shared = prong.share(np.ones(SIZE))
    assert pool.submit(lambda handle: [handle], shared).result()[0] is shared


def test_several_pools_use_it(make_pool):
    shared = prong.share(np.ones(SIZE))
    for pool in (make_pool(1), make_pool(1)):
        assert pool.submit(total, shared).result() == SIZE


def nested(shared):
    with prong.Pool(1) as pool:
        return pool.submit(total, shared).result()


def test_pools_in_workers_use_it(make_pool):
    assert make_pool(1).submit(nested, prong.share(np.ones(SIZE))).result() == SIZE


def write(shared):
    shared.value[0] = 5


def test_nobody_can_write_it(pool):
    shared = prong.share(np.ones(SIZE))
    with pytest.raises(ValueError, match="read-only"):
        pool.submit(write, shared).result()
    with pytest.raises(ValueError, match="read-only"):
        write(shared)
    assert pool.submit(total, shared).result() == SIZE


def keep(handle):
    vars(culprits)["handle"] = handle


def total_of_kept():
    return total(vars(culprits)["handle"])


def test_initializers_get_it(make_pool):
    pool = make_pool(1, initializer=keep, initargs=(prong.share(np.ones(SIZE)),))
    assert pool.submit(total_of_kept).result() == SIZE


def test_memory_is_free_when_nobody_has_the_handle(make_pool):
    pool = make_pool(1)
    handles = [prong.share(np.ones(SIZE)) for _ in range(3)]
    for handle in handles:
        assert pool.submit(total, handle).result() == SIZE
    handles.clear()
    del handle
    gc.collect()
    for _ in range(10):  # the worker keeps the last eight
        assert pool.submit(total, prong.share(np.ones(10))).result() == 10
    assert eventually(lambda: open_blocks() == 0)


def test_a_plain_pickle_of_a_handle_holds_the_object():
    shared = prong.share(np.arange(SIZE))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(shared, protocol)
        assert pickle.loads(data) is shared
        assert len(data) > 8 * SIZE


def test_what_cannot_be_pickled_is_told():
    with pytest.raises(prong.EncodingError, match=r"an object to share \(generator\) cannot be pickled"):
        prong.share(number for number in range(3))


def test_large_arrays_that_repeat_are_copied_once(make_pool):
    pool = make_pool(2)
    array = np.ones(SIZE)
    jobs = [pool.submit(lambda one: (os.getpid(), int(one.sum())), array) for _ in range(20)]
    assert {job.result()[1] for job in jobs} == {SIZE}
    assert open_blocks() == 1


def test_large_arrays_that_change_are_copied_again(make_pool):
    pool = make_pool(2)
    array = np.zeros(SIZE)
    jobs = []
    for number in range(10):
        array[number * 1000] = 1
        jobs.append(pool.submit(lambda one: int(one.sum()), array))
    assert [job.result() for job in jobs] == list(range(1, 11))


def test_a_reused_array_in_a_lazy_map(make_pool):
    pool = make_pool(2)

    def arrays():
        array = np.zeros(SIZE)
        for number in range(10):
            array[-1] = number
            yield array

    assert list(pool.imap(lambda one: int(one[-1]), arrays())) == list(range(10))


def totals(*handles):
    return [total(handle) for handle in handles]


def test_a_job_takes_many_handles(pool):
    handles = [prong.share(np.full(SIZE, number)) for number in range(20)]  # more than there are attachments
    assert pool.submit(totals, *handles).result() == [SIZE * number for number in range(20)]


def test_an_idle_worker_closes_what_cancelled_jobs_were_given(make_pool):
    pool = make_pool(1)
    worker = pool.submit(os.getpid).result()
    handle = prong.share(np.ones(SIZE))
    assert pool.submit(total, handle).result() == SIZE
    for _ in range(100):  # short ones: others are given ahead
        pool.submit(abs, 1).result()
    pool.submit(time.sleep, 0).result()
    blocker = pool.submit(time.sleep, 0.3)
    jobs = [pool.submit(total, handle) for _ in range(3)]
    if not eventually(lambda: blocker.done() or descriptors_in_sockets_of(worker) > 0) or blocker.done():
        pytest.skip("it was not given ahead, or the kernel does not tell")
    for job in jobs:
        job.cancel()
    blocker.result()
    assert eventually(lambda: descriptors_in_sockets_of(worker) == 0)


def test_cancelled_jobs_with_handles_do_not_block_a_worker(make_pool):
    pool = make_pool(1)
    shared = prong.share(np.ones(SIZE))
    for _ in range(5):
        jobs = [pool.submit(total, shared) for _ in range(400)]
        for job in jobs:
            job.cancel()
    assert pool.submit(total, shared).result() == SIZE
