"""Functions and classes that workers cannot import: lambdas, closures, and everything of __main__.

The programs of these tests are texts that run as ``__main__``, in a process of their own, for each kind of start.
"""

from __future__ import annotations

import abc
import dataclasses
import enum
import functools
import gc
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import culprits
import pytest

import prong


@pytest.fixture
def run_main(start, tmp_path):
    """Runs a program text as a script; ``START`` in it is the kind of start. Returns what it printed."""

    def run(text: str) -> str:
        script = tmp_path / "program.py"
        script.write_text("import prong\n" + textwrap.dedent(text).replace("START", repr(start)))
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=50)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout.strip()

    return run


def test_lambda(pool):
    assert pool.submit(lambda x: x + 1, 1).result() == 2
    assert pool.map(lambda x: x * x, range(5)) == [0, 1, 4, 9, 16]


def test_closure(pool):
    base = [10]
    assert pool.submit(lambda x: x + base[0], 1).result() == 11
    base[0] = 20  # changes no identity: the bytes are compared
    assert pool.submit(lambda x: x + base[0], 1).result() == 21


def test_same_closure_after_its_cell_has_changed(fresh_pool):
    value = 1

    def get():
        return value

    assert fresh_pool.submit(get).result() == 1
    value = 2
    assert fresh_pool.submit(get).result() == 2


def test_recursive_inner_function(pool):
    def factorial(n):
        return 1 if n == 0 else n * factorial(n - 1)

    assert pool.submit(factorial, 10).result() == 3628800


def test_functions_that_call_each_other(fresh_pool):
    def even(n):
        return True if n == 0 else odd(n - 1)

    def odd(n):
        return False if n == 0 else even(n - 1)

    assert fresh_pool.submit(even, 10).result() is True


def test_returned_lambda_is_the_programs_own(fresh_pool):
    def function():
        return 1

    assert fresh_pool.submit(lambda: function).result() is function
    assert fresh_pool.submit(culprits.echo, function).result()[0][0] is function


def test_function_made_in_the_worker_comes_back(fresh_pool):
    assert fresh_pool.submit(lambda n: lambda x: x + n, 5).result()(1) == 6


def test_instance_of_a_local_class(pool):
    class Point:
        def __init__(self, x):
            self.x = x

        def double(self):
            return Point(2 * self.x)

    result = pool.submit(Point.double, Point(4)).result()
    assert type(result) is Point
    assert result.x == 8


def test_attributes_set_in_a_worker_stay_there(fresh_pool):
    class Shared:
        level = 1

    def change(obj):
        type(obj).level = 99
        return obj

    assert type(fresh_pool.submit(change, Shared()).result()) is Shared
    assert Shared.level == 1


def test_method_and_partial(fresh_pool):
    from functools import partial

    class Adder:
        def __init__(self, n):
            self.n = n

        def add(self, x):
            return x + self.n

    assert fresh_pool.submit(Adder(3).add, 4).result() == 7
    assert fresh_pool.map(Adder(3).add, [1, 2]) == [4, 5]
    assert fresh_pool.map(partial(culprits.add, 1), [1, 2]) == [2, 3]


def test_super_and_class_cells(fresh_pool):
    class Base:
        def name(self):
            return "base"

    class Derived(Base):
        def name(self):
            return "derived of " + super().name()

    assert fresh_pool.submit(Derived().name).result() == "derived of base"


def test_functions_of_main(run_main):
    assert (
        run_main("""
        def square(x):
            return x * x
        with prong.Pool(2, start=START) as pool:
            print(pool.map(square, range(4)), pool.submit(square, 5).result())
        """)
        == "[0, 1, 4, 9] 25"
    )


def test_main_is_not_run_again(run_main):
    assert (
        run_main("""
        print("main")
        with prong.Pool(2, start=START) as pool:
            pool.map(lambda x: x, range(4))
        """)
        == "main"
    )


def test_classes_of_main_keep_their_identity(run_main):
    assert (
        run_main("""
        import enum, dataclasses
        class Colour(enum.Enum):
            RED = 1
        @dataclasses.dataclass
        class Point:
            x: int
            colour: Colour = Colour.RED
        class Lost(Exception):
            pass
        def move(point):
            return dataclasses.replace(point, x=point.x + 1)
        def lose():
            raise Lost("here")
        with prong.Pool(2, start=START) as pool:
            for _ in range(3):
                moved = pool.submit(move, Point(1)).result()
            print(type(moved) is Point, moved == Point(2), moved.colour is Colour.RED)
            try:
                pool.submit(lose).result()
            except Lost as error:
                print("Lost", error)
        """)
        == "True True True\nLost here"
    )


def test_what_an_initializer_sets_is_seen_by_jobs(run_main):
    assert (
        run_main("""
        connection = None
        def connect(name):
            global connection
            connection = name
        def query(x):
            return f"{connection} {x}"
        with prong.Pool(2, connect, ("db",), start=START) as pool:
            print(pool.map(query, [1, 2]), pool.submit(lambda: connection).result())
        """)
        == "['db 1', 'db 2'] db"
    )


@pytest.mark.parametrize("start", ["fresh", "spawn"], indirect=True)
def test_globals_are_a_snapshot_at_submit(run_main):
    assert (
        run_main("""
        def get():
            return level, helper()
        def helper():
            return -level
        with prong.Pool(1, start=START) as pool:
            jobs = []
            for level in range(5):
                jobs += [pool.submit(get), pool.submit(lambda: level)]
            print([job.result() for job in jobs])
            level = 0
            print(pool.submit(get).result())
        """)
        == "[(0, 0), 0, (1, -1), 1, (2, -2), 2, (3, -3), 3, (4, -4), 4]\n(0, 0)"
    )


@pytest.mark.parametrize("start", ["fresh", "spawn"], indirect=True)
def test_mutated_global_is_sent_again(run_main):
    assert (
        run_main("""
        settings = {"level": 1}
        def get():
            return settings["level"]
        with prong.Pool(1, start=START) as pool:
            print(pool.submit(get).result())
            settings["level"] = 2
            print(pool.submit(get).result())
        """)
        == "1\n2"
    )


def test_redefined_function(run_main):
    assert run_main("""
        def f():
            return g()
        def g():
            return 1
        with prong.Pool(1, start=START) as pool:
            print(pool.submit(f).result())
            def f():
                return g() + 10
            def g():
                return 2
            print(pool.submit(f).result())
        """) in ("1\n12", "1\n11")  # "fork": g is found as it was when the pool was made


@pytest.mark.parametrize("start", ["fork"], indirect=True)
def test_fork_shares_large_data_of_main(run_main):
    assert (
        run_main("""
        class Heavy:
            def __reduce__(self):
                raise TypeError("must not travel")
        data = Heavy()
        data.value = 7
        with prong.Pool(2, start=START) as pool:
            def late():
                return data.value
            print(pool.submit(lambda: data.value).result(), pool.submit(late).result())
        """)
        == "7 7"
    )


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


def test_function_that_can_be_pickled_after_all(fresh_pool):
    held = [Path(__file__).open("rb")]  # noqa: SIM115

    def first(n):
        return len(held) if n == 0 else second(n - 1)

    def second(n):
        return first(n)

    with held[0]:
        assert isinstance(fresh_pool.submit(first, 1).exception(), prong.EncodingError)
    held[0] = None
    assert fresh_pool.submit(first, 1).result(timeout=10) == 1
    assert fresh_pool.submit(second, 1).result(timeout=10) == 1


def test_classes_with_slots(run_main):
    assert (
        run_main("""
        import dataclasses
        class Base:
            __slots__ = "name"
        class Slotted(Base):
            __slots__ = ("value", "__secret")
            def __init__(self, value):
                self.name, self.value, self.__secret = "slotted", value, -value
            def secret(self):
                return self.__secret
        @dataclasses.dataclass(slots=True, frozen=True)
        class Point:
            x: int
        def work(slotted, point):
            try:
                slotted.other = 1
            except AttributeError:
                return Slotted(slotted.secret()), dataclasses.replace(point, x=point.x + 1)
        with prong.Pool(1, start=START) as pool:
            slotted, point = pool.submit(work, Slotted(5), Point(1)).result()
            print(type(slotted) is Slotted, slotted.name, slotted.value, slotted.secret(), point == Point(2))
        """)
        == "True slotted -5 5 True"
    )


def test_functions_with_a_cache(run_main):
    assert (
        run_main("""
        import functools
        calls = 0
        @functools.lru_cache(maxsize=7, typed=True)
        def slow(n):
            global calls
            calls += 1
            return n, calls
        @functools.cache
        def fibonacci(n):
            return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)
        class Shape:
            @functools.lru_cache
            def area(self):
                return 6
        with prong.Pool(1, start=START) as pool:
            print(pool.submit(slow, 3).result(), pool.submit(lambda: slow(3)).result(), pool.map(slow, [3, 4]))
            print(pool.submit(lambda: slow.cache_parameters()).result())
            print(pool.submit(fibonacci, 80).result(), pool.submit(Shape().area).result())
            print(pool.submit(lambda: slow).result() is slow)
        """)
        == "(3, 1) (3, 1) [(3, 1), (4, 2)]\n{'maxsize': 7, 'typed': True}\n23416728348467685 6\nTrue"
    )


def test_cache_around_what_has_no_name(fresh_pool):
    cached = functools.lru_cache(functools.partial(pow, 2))
    assert fresh_pool.submit(cached, 5).result() == 32
    assert fresh_pool.map(cached, [1, 2]) == [2, 4]


def test_single_dispatch(run_main):
    assert (
        run_main("""
        import functools
        class Own:
            pass
        @functools.singledispatch
        def describe(value):
            "Says what it is."
            return "other"
        @describe.register
        def _(value: int):
            return "int"
        @describe.register
        def _(value: list):
            return [describe(one) for one in value]
        @describe.register
        def _(value: Own):
            return "own"
        class Describer:
            @functools.singledispatchmethod
            def describe(self, value):
                return "other"
            @describe.register
            def _(self, value: int):
                return "int"
        with prong.Pool(1, start=START) as pool:
            for _ in range(3):
                found = pool.submit(describe, [1, "x", Own()]).result()
            print(found, pool.map(describe, [2, ""]), pool.submit(lambda: (describe(1), describe.__doc__)).result())
            print(pool.submit(Describer().describe, 1).result())
        """)
        == "['int', 'other', 'own'] ['int', 'other'] ('int', 'Says what it is.')\nint"
    )


def test_cached_property(run_main):
    assert (
        run_main("""
        import functools
        factor = 7
        class Number:
            def __init__(self, n):
                self.n = n
            @functools.cached_property
            def product(self):
                return factor * self.n
        def product(number):
            number.product
            return number
        with prong.Pool(1, start=START) as pool:
            print(vars(pool.submit(product, Number(6)).result()))
        """)
        == "{'n': 6, 'product': 42}"
    )


@pytest.mark.parametrize("start", ["fresh", "spawn"], indirect=True)
def test_class_attribute_that_changes_in_place(run_main):
    assert (
        run_main("""
        class Settings:
            values = {"level": 1}
            other = ()
        def level():
            return Settings.values["level"]
        class Reader:
            def level(self):
                return Settings.values["level"]
        with prong.Pool(1, start=START) as pool:
            print(pool.submit(level).result(), pool.submit(Reader().level).result())
            Settings.values["level"] = 2
            print(pool.submit(level).result(), pool.submit(Reader().level).result())
        """)
        == "1 1\n2 2"
    )


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
