"""Every way to die at every stage of a job, for every kind of start.

For each cell: the exact outcome, no other job affected, the pool at full strength again and right afterwards.
"""

from __future__ import annotations

import ctypes
import os
import random
import resource
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import culprits
import pytest

import prong
from eventually import eventually

STARTS = ["fresh", "fork", "spawn"]


def overflow_the_stack() -> None:
    def deeper(_: int) -> Any:
        return sorted([0], key=deeper)

    sys.setrecursionlimit(10**9)
    deeper(0)


def exhaust_memory() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (16 << 20), resource.RLIM_INFINITY))
    try:
        bytearray(1 << 40)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def close_descriptors() -> None:
    os.closerange(3, 4096)


def redirect_descriptors() -> None:
    null = os.open("/dev/null", os.O_RDWR)
    for entry in Path("/proc/self/fd").iterdir():
        if int(entry.name) > 2:
            os.dup2(null, int(entry.name))


def overwrite_channel() -> None:
    """Random bytes all over what the worker shares with the program."""
    noise = random.Random(1).randbytes(64 << 10)
    for line in Path("/proc/self/maps").read_text().splitlines():
        if "prong-channel" in line:
            begin, end = (int(address, 16) for address in line.split()[0].split("-"))
            for at in range(begin, end, len(noise)):
                ctypes.memmove(at, noise, min(len(noise), end - at))


SIGNALS = {"kill": signal.SIGKILL, "segv": signal.SIGSEGV, "bus": signal.SIGBUS, "abort": signal.SIGABRT}
WAYS: dict[str, tuple[Callable[[], Any], Any]] = {
    **{
        name: (lambda number=number: culprits.die_by(number), prong.Signalled(number))
        for name, number in SIGNALS.items()
    },
    "exit0": (lambda: os._exit(0), prong.Exited(0)),
    "exit3": (lambda: os._exit(3), prong.Exited(3)),
    "sys_exit": (lambda: sys.exit(4), prong.Exited(4)),
    "stack_overflow": (overflow_the_stack, prong.Signalled(signal.SIGSEGV)),
    "no_memory": (exhaust_memory, "raised MemoryError"),
    "close_descriptors": (close_descriptors, "returned"),
    "redirect_descriptors": (redirect_descriptors, "returned"),
    "overwrite_channel": (overwrite_channel, "lost"),
}


class Dying:
    """Meets its end where it is pickled or unpickled."""

    def __init__(self, way: str, where: str) -> None:
        self.way, self.where = way, where

    def __reduce__(self) -> Any:
        if self.where == "pickled":
            WAYS[self.way][0]()
        return revive, (self.way, self.where)


def revive(way: str, where: str) -> Any:
    if where == "unpickled":
        WAYS[way][0]()
    return Dying(way, where)


def die_running(way: str) -> None:
    WAYS[way][0]()


def die_decoding(_: Any) -> None:
    pass


def die_encoding(way: str) -> Dying:
    return Dying(way, "pickled")


def die_afterwards(way: str) -> None:
    die = WAYS[way][0] if way not in SIGNALS else lambda: os.kill(os.getpid(), SIGNALS[way])
    threading.Timer(0.02, die).start()


def overwrite_channel_later(gate: str, overwritten: str) -> int:
    def overwrite() -> None:
        culprits.wait_for_file(gate)
        overwrite_channel()
        Path(overwritten).touch()

    threading.Thread(target=overwrite, daemon=True).start()
    return os.getpid()


STAGES: dict[str, Callable[[Any, str], Any]] = {
    "decoding": lambda pool, way: pool.submit(die_decoding, Dying(way, "unpickled")),
    "running": lambda pool, way: pool.submit(die_running, way),
    "encoding": lambda pool, way: pool.submit(die_encoding, way),
}


@pytest.fixture(scope="module", params=STARTS)
def shared_pool(request: pytest.FixtureRequest) -> Any:
    pool = prong.Pool(2, start=request.param, preload=["test_crash_matrix"])
    yield pool
    pool.terminate()
    pool.join()


@pytest.fixture
def nothing_left() -> None:
    """The shared pool outlives a test."""


def matches(outcome: Any, expected: Any, error: BaseException | None) -> bool:
    if expected == "returned":
        return isinstance(outcome, prong.Returned)
    if expected == "raised MemoryError":
        return isinstance(error, MemoryError) or "MemoryError" in str(error)
    if expected == "raised DecodingError":
        return isinstance(error, prong.DecodingError)
    if expected == "lost":  # the worker may see first that its channel makes no sense, and end; or still answer
        return isinstance(outcome, (prong.Lost, prong.Exited, prong.Signalled, prong.Returned))
    return bool(outcome == expected)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stage", STAGES)
def test_the_job_alone_is_lost(shared_pool: Any, stage: str, way: str) -> None:
    before = [shared_pool.submit(culprits.double, number) for number in range(10)]
    victim = STAGES[stage](shared_pool, way)
    after = [shared_pool.submit(culprits.double, number) for number in range(10)]
    error = victim.exception(timeout=60)
    expected = "raised DecodingError" if (stage, way) == ("decoding", "sys_exit") else WAYS[way][1]
    assert matches(victim.outcome, expected, error), victim.outcome
    others = zip(before + after, [*range(10)] * 2, strict=True)
    if way == "overwrite_channel":  # of what was given to the worker ahead it is not known any more whether it began
        assert all(isinstance(job.exception(timeout=60), (prong.JobLost, type(None))) for job, _ in others)
    else:
        assert all(job.result(timeout=60) == 2 * number for job, number in others)
    assert eventually(lambda: len(shared_pool.workers) == 2)
    assert shared_pool.map(culprits.double, range(1000)) == [2 * number for number in range(1000)]


NOT_IN_A_THREAD = ("sys_exit", "no_memory", "stack_overflow")


@pytest.mark.parametrize("way", [way for way in WAYS if way not in (*NOT_IN_A_THREAD, "overwrite_channel")])
def test_after_the_job(shared_pool: Any, way: str) -> None:
    lost = shared_pool.stats["workers_lost"]
    shared_pool.submit(die_afterwards, way).result(timeout=60)
    if "descriptors" not in way:
        assert eventually(lambda: shared_pool.stats["workers_lost"] > lost)
    jobs = [shared_pool.submit(culprits.double, number) for number in range(100)]
    assert [job.exception(timeout=60) for job in jobs] == [None] * 100
    assert shared_pool.map(culprits.double, range(1000)) == [2 * number for number in range(1000)]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("workers", [1, 2])
def test_idle_worker_whose_channel_makes_no_sense_costs_no_job(start: str, workers: int, tmp_path: Path) -> None:
    gate, overwritten = tmp_path / "gate", tmp_path / "overwritten"
    with prong.Pool(workers, start=start, preload=["test_crash_matrix"]) as pool:
        pid = pool.submit(overwrite_channel_later, str(gate), str(overwritten)).result(timeout=30)
        gate.touch()
        assert eventually(overwritten.exists)
        jobs = [pool.submit(culprits.double, number) for number in range(100)]
        assert [job.result(timeout=30) for job in jobs] == [*range(0, 200, 2)]
        assert pool.map(culprits.double, range(1000)) == [*range(0, 2000, 2)]
        assert eventually(lambda: pid not in [worker.pid for worker in pool.workers])


@pytest.mark.parametrize("number", SIGNALS.values())
def test_idle(shared_pool: Any, number: int) -> None:
    assert eventually(lambda: [worker.state for worker in shared_pool.workers] == ["idle"] * 2)
    lost = shared_pool.stats["workers_lost"]
    for worker in shared_pool.workers:
        os.kill(worker.pid, number)
    assert eventually(lambda: shared_pool.stats["workers_lost"] == lost + 2)
    assert shared_pool.map(culprits.double, range(1000)) == [2 * number for number in range(1000)]


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("close_descriptors", "redirect_descriptors")])
def test_in_the_initializer(start: str, way: str) -> None:
    with pytest.raises((prong.PoolError, prong.JobLost)), prong.Pool(2, die_running, (way,), start=start) as pool:
        pool.submit(culprits.double, 1).result(timeout=60)
        pool.submit(culprits.double, 1).result(timeout=60)
    assert "initializer" in pool.failure or "channel" in pool.failure, pool.failure


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("way", WAYS)
def test_in_the_finalizer(start: str, way: str) -> None:
    with prong.Pool(1, start=start, finalizer=die_running, finalargs=(way,)) as pool:
        assert pool.map(culprits.double, range(10)) == [2 * number for number in range(10)]
    (outcome,) = pool.finalizer_outcomes
    expected = WAYS[way][1]
    if expected == "raised MemoryError":
        assert isinstance(outcome, prong.Raised)
    else:
        assert matches(outcome, expected, None), outcome
