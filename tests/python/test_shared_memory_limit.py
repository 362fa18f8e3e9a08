"""How much shared memory the large arguments of a program may take."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import prong
from eventually import eventually

MEBIBYTE = 2**20
SIZE = 4 * MEBIBYTE


@pytest.fixture(autouse=True)
def no_limit_afterwards():
    yield
    prong.limit_shared_memory()


def filled(number):
    return np.full(SIZE // 8, number)


def first(array):
    return int(array[0])


def same(array):
    return array


def test_what_is_in_use_shows(make_pool):
    pool = make_pool(1)
    before = pool.stats["argument_bytes"]
    job = pool.submit(same, filled(1))
    assert pool.stats["argument_bytes"] >= before + SIZE
    job.result()
    del job
    assert eventually(lambda: pool.stats["argument_bytes"] == before)
    assert eventually(lambda: pool.stats["kept_bytes"] == 0)  # what is free is kept for a moment
    assert pool.stats["spilled_bytes"] == 0


def test_beyond_the_limit_a_submission_is_refused(make_pool):
    pool = make_pool(1)
    arrays = [filled(number) for number in range(6)]
    handles = [prong.share(array) for array in arrays[:4]]
    prong.limit_shared_memory(5 * SIZE, wait=0)
    with pytest.raises(
        prong.SystemRefused, match=r"reserve \d+ bytes of shared memory \(\d+ of 20971520 bytes are in use\)"
    ):
        [pool.submit(first, array) for array in arrays]
    assert [pool.submit(lambda handle: first(handle.value), handle).result() for handle in handles] == [0, 1, 2, 3]
    handles.clear()


def test_a_submission_waits_for_room(make_pool):
    pool = make_pool(2)
    prong.limit_shared_memory(6 * SIZE, wait=60)
    peak = 0
    jobs = []
    for number in range(40):
        jobs.append(pool.submit(first, filled(number)))
        peak = max(peak, pool.stats["argument_bytes"])
    assert [job.result() for job in jobs] == list(range(40))
    assert peak <= 6 * SIZE


def test_maps_wait_for_room(make_pool):
    pool = make_pool(2)
    prong.limit_shared_memory(6 * SIZE, wait=60)
    assert pool.map(first, [filled(number) for number in range(20)]) == list(range(20))


def test_what_can_never_have_room_is_refused_at_once(make_pool):
    prong.limit_shared_memory(SIZE, wait=60)
    with pytest.raises(prong.SystemRefused):
        make_pool(1).submit(first, np.zeros(SIZE))


def test_beyond_the_limit_files_take_it(make_pool, tmp_path):
    pool = make_pool(2)
    prong.limit_shared_memory(2 * SIZE, wait=0, spill=tmp_path)
    spilled = 0
    jobs = []
    for number in range(20):
        jobs.append(pool.submit(same, filled(number)))
        spilled = max(spilled, pool.stats["spilled_bytes"])
    assert [first(job.result()) for job in jobs] == list(range(20))
    assert spilled >= SIZE
    assert list(tmp_path.iterdir()) == []
    del jobs
    assert eventually(lambda: pool.stats["spilled_bytes"] == 0)


def test_without_a_wait_it_is_looked_once_what_workers_have_given_back(make_pool):
    pool = make_pool(1)
    prong.limit_shared_memory(SIZE * 3 // 2, wait=0)
    for number in range(20):
        assert pool.submit(first, filled(number)).result() == number
        pool.submit(abs, 0).result()  # the worker has let go of the one before


FILLS_A_DISK = """
import numpy, prong, sys
folder = sys.argv[1]
with prong.Pool(1) as pool:
    prong.limit_shared_memory(2**20, wait=0, spill=folder)
    for number in range(5):
        assert pool.submit(numpy.max, numpy.full(2**20, number)).result() == number
        pool.submit(abs, 0).result()
    try:
        pool.submit(numpy.max, numpy.ones(2**21))
    except prong.SystemRefused as error:
        print(str(error).replace(folder, "FOLDER"))
"""


def test_a_disk_that_is_full(tmp_path):
    mounts = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size=12m none {shlex.quote(str(tmp_path))}"
    if subprocess.run([*mounts, mount], check=False, capture_output=True).returncode != 0:
        pytest.skip("may not mount a disk that is small")
    program = shlex.join([sys.executable, "-c", FILLS_A_DISK, str(tmp_path)])
    run = subprocess.run([*mounts, f"{mount} && exec {program}"], check=False, capture_output=True, text=True)
    assert run.stderr == ""
    assert run.stdout == (
        "[Errno 28] cannot put 16777216 bytes, which are beyond the limit of shared memory, into a file in 'FOLDER' "
        "(free some of its disk, name another folder, or raise the limit): No space left on device (ENOSPC)\n"
    )


def test_results_are_not_held_back(make_pool):
    pool = make_pool(2)
    prong.limit_shared_memory(2 * SIZE)
    results = pool.map(filled, range(10))
    assert [first(result) for result in results] == list(range(10))


def test_arguments_and_results_may_both_be_large(make_pool):
    pool = make_pool(2)
    prong.limit_shared_memory(3 * SIZE, wait=60)
    results = pool.map(same, [filled(number) for number in range(20)])
    assert [first(result) for result in results] == list(range(20))


def test_one_after_another_needs_no_wait_to_speak_of(make_pool):
    pool = make_pool(1)
    prong.limit_shared_memory(SIZE * 3 // 2, wait=60)
    for number in range(20):
        assert pool.submit(first, filled(number)).result() == number


def several(*arrays):
    return [first(array) for array in arrays]


def test_a_job_of_several_arrays_waits_for_all_of_them_at_once(make_pool):
    pool = make_pool(2)
    prong.limit_shared_memory(5 * SIZE, wait=60)
    done = []

    def work(begin):
        for number in range(begin, begin + 5):
            done.append(pool.submit(several, filled(number), filled(-number)).result() == [number, -number])

    threads = [threading.Thread(target=work, args=(10 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [True] * 20
    with pytest.raises(prong.SystemRefused):  # can never have room
        pool.submit(several, *map(filled, range(6)))


def test_room_comes_from_jobs_that_were_cancelled(make_pool):
    pool = make_pool(1)
    blocker = pool.submit(time.sleep, 1)
    prong.limit_shared_memory(2 * SIZE, wait=60)
    queued = pool.submit(first, filled(1))
    assert queued.cancel()
    assert pool.submit(several, filled(2), filled(3)).result() == [2, 3]
    blocker.result()


def test_ctrl_c_ends_the_wait(make_pool):
    make_pool(1)
    held = prong.share(filled(1))
    prong.limit_shared_memory(2 * SIZE, wait=3000)
    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        prong.share(np.zeros(SIZE // 8 * 3 // 2))
    timer.join()
    assert first(held.value) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"limit": 0}, "limit must be a number of bytes from 1 on, or None, not 0"),
        ({"wait": -1}, "wait must be seconds from 0 to 1,000,000, not -1"),
        ({"wait": float("inf")}, "wait must be seconds from 0 to 1,000,000, not inf"),
        ({"wait": float("nan")}, "wait must be seconds from 0 to 1,000,000, not nan"),
        ({"spill": "/nonexistent"}, "'/nonexistent' is no folder"),
    ],
)
def test_limits_that_make_no_sense(arguments, told):
    with pytest.raises(prong.UsageError, match=told):
        prong.limit_shared_memory(**arguments)
