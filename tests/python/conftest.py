"""Fixtures of all Python tests: pools of every kind of start, and a check that nothing is left behind."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import prong
from eventually import eventually
from prong import _core

STARTS = ["fresh", "fork", "spawn"]


def open_descriptors() -> set[str]:
    """Descriptors of this process and what they are."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{entry.name} {entry.readlink()}")
        except OSError:
            continue
    return {text for text in found if "/proc/" not in text}


def children() -> set[int]:
    """Children of this process, dead ones that were not reaped among them."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            found.update(map(int, (task / "children").read_text().split()))
    return found


def threads() -> int:
    """Threads of this process, but for those of Arrow's allocator: it starts them when it likes."""
    found = 0
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # one that has just ended
            found += (task / "comm").read_text() != "jemalloc_bg_thd\n"
    return found


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[FAILED] = not report.passed
    return report


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test: no more children, descriptors and threads than before."""
    before = open_descriptors(), children(), threads()
    yield
    if request.node.stash.get(FAILED, False):
        return  # what was raised holds the pool
    request.node.funcargs.clear()  # pytest would hold the pool
    gc.collect()
    _core.end_idle_nursery()  # rather than wait a second for that: test_nursery.py does
    assert eventually(lambda: children() <= before[1]), f"children left: {children() - before[1]}"
    assert eventually(lambda: threads() <= before[2]), f"threads left: {threading.enumerate()}"
    assert eventually(lambda: open_descriptors() <= before[0]), f"open: {open_descriptors() - before[0]}"


@pytest.fixture(params=STARTS)
def start(request: pytest.FixtureRequest) -> str:
    """Each kind of start."""
    return str(request.param)


@pytest.fixture
def make_pool() -> Iterator[Callable[..., prong.Pool]]:
    """Makes pools that are terminated at the end of the test."""
    pools: list[prong.Pool] = []

    def make(*args: Any, **options: Any) -> prong.Pool:
        pools.append(prong.Pool(*args, **options))
        return pools[-1]

    yield make
    for pool in pools:
        pool.terminate()
        pool.join()


@pytest.fixture
def pool(start: str, make_pool: Callable[..., prong.Pool]) -> prong.Pool:
    """A pool of two workers, of each kind of start."""
    return make_pool(2, start=start)


@pytest.fixture
def fresh_pool(make_pool: Callable[..., prong.Pool]) -> prong.Pool:
    """A pool of two workers of the default kind."""
    return make_pool(2)
