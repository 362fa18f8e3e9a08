"""What becomes of a definition after a function has been pickled: when it is sent again, and when it is forgotten."""

from __future__ import annotations

import abc
import dataclasses
import enum
import gc
import math
import os
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

import prong


def test_tokens_are_forgotten_with_their_pool():
    from prong import _definitions

    before = len(_definitions._sent)
    with prong.Pool(1) as pool:
        pool.submit(lambda: 1).result()
        assert len(_definitions._sent) > before
    del pool
    assert len(_definitions._sent) == before


class _Interrupted:
    """Ctrl-C comes while it is pickled for the first time."""

    def __init__(self):
        self.come = False

    def __getstate__(self):
        if not self.come:
            self.come = True
            raise KeyboardInterrupt
        return {"come": True}


def test_interrupt_while_a_function_is_pickled(fresh_pool):
    value = _Interrupted()

    def odd(n):
        return value.come if n == 0 else even(n - 1)

    def even(n):
        return odd(n)

    with pytest.raises(KeyboardInterrupt):
        fresh_pool.submit(odd, 1)
    assert fresh_pool.submit(odd, 1).result(timeout=10) is True
    assert fresh_pool.submit(even, 1).result(timeout=10) is True


def test_ordinary_classes_are_not_pickled_again():
    from prong._snapshots import snapshot_of

    @dataclasses.dataclass
    class Point:
        x: int
        y: list = dataclasses.field(default_factory=list)

    class Colour(enum.Enum):
        RED = 1

    class Pair(NamedTuple):
        a: int
        b: int = 2

    class Abstract(abc.ABC):
        @property
        @abc.abstractmethod
        def x(self): ...

    assert all(snapshot_of(cls, lambda _id: None).is_current() for cls in (Point, Colour, Pair, Abstract))


def _resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _growth(pool, work):
    """Bytes by which program and worker have grown after many calls of ``work(i)``, beyond those of a few calls."""
    for i in range(5):
        work(i)
    before = _resident_bytes(), pool.submit(_resident_bytes).result()
    for i in range(5, 105):
        work(i)
    return _resident_bytes() - before[0], pool.submit(_resident_bytes).result() - before[1]


def test_memory_stays_flat_with_large_closures(make_pool):
    pool = make_pool(1)

    def work(i):
        data = bytes([i]) * 2**20
        assert pool.submit(lambda: len(data) + i).result() == 2**20 + i

    assert max(_growth(pool, work)) < 2**25


def test_memory_stays_flat_with_large_data_that_changes(make_pool):
    pool = make_pool(1)
    data = bytearray(2**20)

    def total():
        return sum(data)

    def work(i):
        data[i] = 1
        assert pool.submit(total).result() == sum(data)

    assert max(_growth(pool, work)) < 2**25


def test_function_that_is_used_once_is_not_kept(make_pool):
    pool = make_pool(1)
    definitions = pool._engine.definitions

    def told():
        from prong import _received

        return len(_received._definitions)

    def work(i):
        assert pool.submit(lambda: i).result() == i

    for i in range(2000):
        work(i)
    assert len(definitions._by_id) < 1010
    assert pool.submit(told).result() < 300


def test_function_that_is_used_again_travels_once(make_pool, monkeypatch):
    pool = make_pool(1)
    definitions = pool._engine.definitions
    data = b"x" * 2**20

    def function(n):
        return len(data) + n

    assert pool.submit(function, 0).result() == 2**20
    assert pool.submit(function, 1).result() == 2**20 + 1
    monkeypatch.setattr(definitions, "_make", None)  # it is not even pickled again
    assert pool.submit(function, 2).result() == 2**20 + 2
    assert pool.map(function, [3, 4]) == [2**20 + 3, 2**20 + 4]


def test_no_room_for_definitions(make_pool, monkeypatch):
    from prong import _definitions

    monkeypatch.setattr(_definitions, "_MOST_TOLD_BYTES", 0)
    pool = make_pool(1)

    @dataclasses.dataclass
    class Point:
        x: int

    def move(point):
        return Point(point.x + 1)

    for x in range(3):
        moved = pool.submit(move, Point(x)).result()
        assert type(moved) is Point
        assert moved == Point(x + 1)
    assert pool.map(move, [Point(1), Point(2)]) == [Point(2), Point(3)]


def test_large_function_comes_back(make_pool):
    pool = make_pool(1)
    data = b"x" * 2**17

    def function():
        return len(data), function

    for _ in range(3):
        size, returned = pool.submit(function).result()
        assert size == 2**17
    assert returned()[0] == 2**17


def test_class_that_the_program_has_dropped_comes_back(fresh_pool):
    def submit():
        class Local:
            x = 5

        return fresh_pool.submit(lambda: Local())

    job = submit()
    gc.collect()
    assert job.result().x == 5


def test_versions_that_are_queued(make_pool):
    pool = make_pool(1)
    level = [0]

    def get():
        return level[0]

    jobs = []
    for i in range(50):
        level[0] = i // 3
        jobs += [pool.submit(get), pool.submit(lambda: get())]
    assert [job.result() for job in jobs] == [i // 6 for i in range(100)]


def test_versions_that_a_class_refers_to(make_pool):
    pool = make_pool(1)
    level = [0]

    def get():
        return level[0]

    class Holder:
        def value(self, get=get):
            return get()

    for number in range(4):
        level[0] = number
        assert [pool.submit(get).result() for _ in range(3)] == [number] * 3
        for _ in range(3):
            assert pool.submit(Holder().value).result() in range(number + 1)  # defaults are taken as they are
        assert pool.map(get_of, [Holder()] * 2)


def get_of(holder):
    return [holder.value()]


def test_workers_need_no_cloudpickle_for_most_functions():
    factor = 3

    def root(number):
        return factor * math.sqrt(number), os.sep, "cloudpickle" in sys.modules

    with prong.Pool(1, start="fresh") as pool:
        assert pool.submit(root, 9).result() == (9.0, "/", False)


def test_code_with_constants_that_no_compiler_makes(fresh_pool):
    def function():
        return 1.5

    constants = tuple(Point if constant == 1.5 else constant for constant in function.__code__.co_consts)
    function.__code__ = function.__code__.replace(co_consts=constants)
    assert fresh_pool.submit(lambda: function()(1, 2).x).result() == 1


class Point:
    def __init__(self, x, y):
        self.x, self.y = x, y


def test_worker_that_hangs_while_it_forgets_is_replaced():
    """To forget a function deletes what it holds, which may run code of the program's."""
    program = os.getpid()

    class Clings:
        def __del__(self):
            if os.getpid() != program:
                time.sleep(600)

    def make():
        held = Clings(), os.urandom(100_000)  # too large to be kept when the program drops it
        return lambda _: (os.getpid(), held)[0]

    with prong.Pool(1) as pool:
        function = make()
        (first,) = pool.map(function, [1])
        del function
        gc.collect()
        assert pool.submit(os.getpid).result(timeout=40) != first
