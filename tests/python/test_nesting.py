"""Pools in the workers of pools, and pools made by many threads at once."""

from __future__ import annotations

import os
import threading

import culprits
import pytest

import prong


def sum_in_a_pool(numbers: list[int]) -> int:
    with prong.Pool(2) as pool:
        return sum(pool.map(culprits.double, numbers))


def deep(levels: int) -> int:
    if levels == 0:
        return 1
    with prong.Pool(1) as pool:
        return 1 + pool.submit(deep, levels - 1).result()


def test_every_worker_has_a_pool(pool):
    assert pool.map(sum_in_a_pool, [[1, 2], [3], [4, 5, 6]]) == [6, 6, 30]


def test_pools_in_pools_in_pools(make_pool):
    assert make_pool(1).submit(deep, 3).result() == 4


def test_the_slots_of_the_machine_are_shared(make_pool):
    machine = prong._core.usable_cpus()
    assert make_pool(2).submit(lambda: prong._core.usable_cpus()).result() == max(1, machine // 2)


def test_a_killed_job_takes_its_pool_along(make_pool, tmp_path):
    file = tmp_path / "pid"

    def hang_below(path: str) -> None:
        with prong.Pool(1) as inner:
            inner.submit(culprits.mark_and_hang, path).result()

    job = make_pool(1).submit(hang_below, str(file))
    culprits.wait_for_file(str(file))
    pid = int(file.read_text())
    assert job.kill()
    with pytest.raises(prong.JobCancelled):
        job.result()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_many_threads_make_pools_while_others_allocate():
    stop = threading.Event()

    def allocate() -> None:
        while not stop.is_set():
            bytearray(100_000)

    results: list[int] = []

    def use_pool(number: int) -> None:
        with prong.Pool(1, start="fork" if number % 2 else "fresh") as pool:
            results.append(pool.submit(culprits.double, number).result())

    allocating = [threading.Thread(target=allocate) for _ in range(2)]
    using = [threading.Thread(target=use_pool, args=(number,)) for number in range(8)]
    for thread in allocating + using:
        thread.start()
    for thread in using:
        thread.join()
    stop.set()
    for thread in allocating:
        thread.join()
    assert sorted(results) == [2 * number for number in range(8)]
