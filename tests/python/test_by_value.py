"""Functions and classes that workers cannot import: lambdas, closures, and everything of __main__.

The programs of these tests are texts that run as ``__main__``, in a process of their own, for each kind of start.
"""

from __future__ import annotations

import functools
import subprocess
import sys
import textwrap
from pathlib import Path

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
