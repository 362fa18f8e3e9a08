"""prong map: Python functions over inputs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_program import Prong

from eventually import eventually

MODULE = """
import math, os, sys, time
import beside

def double(text):
    return text * 2

def number(text):
    return int(text)

def shapes(text):
    return {"a": [1, None, "ü"], "big": 2**100, "nan": math.nan} if text == "odd" else beside.VALUE

def path(text):
    import pathlib
    return pathlib.Path(text)

def talk(text):
    print("talk", text)
    return text

def die(text):
    os.kill(os.getpid(), int(text))

def leave(text):
    sys.exit(int(text))

def hang(text):
    open("started", "w").close()
    time.sleep(1000)

def pid(text):
    return os.getpid()

class Callable:
    def method(text):
        return "method " + text

not_callable = 3
"""


@pytest.fixture(autouse=True)
def functions(prong: Prong) -> Path:
    (prong.folder / "beside.py").write_text("VALUE = 'from beside'\n")
    file = prong.folder / "functions.py"
    file.write_text(MODULE)
    return file


def test_calls_a_function_of_a_file(prong: Prong) -> None:
    result = prong("map", "-k", "functions.py:double", ":::", "a", "b c", "ü")
    assert (result.status, result.output, result.error) == (0, "aa\nb cb c\nüü\n", "")


def test_calls_a_function_of_a_module(prong: Prong) -> None:
    assert prong("map", "os.path:basename", ":::", "a/b").output == "b\n"
    assert prong("map", "functions:double", ":::", "a").output == "aa\n"
    assert prong("map", "functions.py:Callable.method", ":::", "a").output == "method a\n"


def test_file_may_lie_elsewhere(prong: Prong, functions: Path) -> None:
    folder = prong.folder / "elsewhere"
    folder.mkdir()
    prong.folder = folder
    assert prong("map", f"{functions}:shapes", ":::", "a").output == "from beside\n"


def test_reads_inputs_from_standard_input(prong: Prong) -> None:
    assert prong("map", "-k", "functions.py:double", stdin="a\nb\n").output == "aa\nbb\n"


def test_exception_is_told_and_counted(prong: Prong) -> None:
    result = prong("map", "-k", "functions.py:number", ":::", "1", "x", "2")
    assert (result.status, result.output) == (1, "1\n2\n")
    assert result.error == (
        "prong: job 2 'functions.py:number x': raised ValueError: invalid literal for int() with base 10: 'x'\n"
    )


def test_crash_costs_one_job(prong: Prong) -> None:
    result = prong("map", "-j1", "functions.py:die", ":::", str(int(signal.SIGSEGV)), "0")
    assert (result.status, result.output) == (1, "None\n")
    assert result.error == "prong: job 1 'functions.py:die 11': killed by signal 11 (SIGSEGV)\n"


def test_exit_costs_one_job(prong: Prong) -> None:
    result = prong("map", "functions.py:leave", ":::", "3")
    assert (result.status, result.error) == (1, "prong: job 1 'functions.py:leave 3': exited with status 3\n")


def test_limit_is_enforced(prong: Prong) -> None:
    result = prong("map", "--timeout", "100ms", "functions.py:hang", ":::", "x")
    assert result.status == 1
    assert "exceeded its wall-time limit of 100 ms" in result.error


def test_workers_stay(prong: Prong) -> None:
    pids = prong("map", "-j1", "functions.py:pid", stdin="x\n" * 50).output.split()
    assert len(pids) == 50
    assert len(set(pids)) == 1


def test_what_a_function_prints_is_no_result(prong: Prong) -> None:
    result = prong("map", "functions.py:talk", ":::", "a")
    assert (result.output, result.error) == ("a\n", "talk a\n")


def test_tag_begins_each_line(prong: Prong) -> None:
    assert prong("map", "--tag", "functions.py:double", ":::", "a").output == "a\taa\n"


def test_dry_run(prong: Prong) -> None:
    result = prong("map", "--dry-run", "functions.py:double", ":::", "a b")
    assert result.output == "functions.py:double 'a b'\n"


def test_joblog(prong: Prong) -> None:
    prong("map", "--joblog", "log", "-j1", "functions.py:number", ":::", "1", "x")
    lines = [line.split("\t") for line in (prong.folder / "log").read_text().splitlines()[1:]]
    assert [(line[0], line[6], line[8]) for line in lines] == [
        ("1", "0", "functions.py:number 1"),
        ("2", "-1", "functions.py:number x"),
    ]


def objects(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_json_objects(prong: Prong) -> None:
    result = prong("map", "--json", "-k", "functions.py:number", ":::", "1", "x")
    good, bad = objects(result.output)
    assert list(good) == ["input", "outcome", "value", "attempts", "seconds"]
    assert {key: good[key] for key in list(good)[:4]} == {
        "input": "1",
        "outcome": "returned",
        "value": 1,
        "attempts": 1,
    }
    assert list(bad) == ["input", "outcome", "exception", "attempts", "seconds"]
    exception = bad["exception"]
    assert isinstance(exception, dict)
    assert exception["type"] == "builtins.ValueError"
    assert exception["message"].startswith("invalid literal")
    assert "return int(text)" in exception["traceback"]


def test_json_values(prong: Prong) -> None:
    assert objects(prong("map", "--json", "functions.py:path", ":::", "a/b").output)[0]["value"] == "a/b"
    odd = objects(prong("map", "--json", "functions.py:shapes", ":::", "odd").output)[0]["value"]
    assert isinstance(odd, str)  # NaN is no JSON
    big = prong("map", "--json", "builtins:int", ":::", str(2**100)).output
    assert objects(big)[0]["value"] == 2**100


def test_json_outcomes_other_than_exceptions(prong: Prong) -> None:
    result = prong("map", "--json", "--retries", "1", "functions.py:die", ":::", str(int(signal.SIGKILL)))
    (entry,) = objects(result.output)
    assert entry["outcome"] == "signalled"
    assert entry["exception"] == {"type": None, "message": "killed by signal 9 (SIGKILL)"}
    assert entry["attempts"] == 2


BROKEN = {
    "nonexistent.py:f": "No such file",
    "nonexistent_module:f": "No module named 'nonexistent_module'",
    "functions.py:nothing": "has no attribute 'nothing'",
    "functions.py:not_callable": "not callable",
    "broken.py:f": "SyntaxError",
    "leaving.py:f": "SystemExit: 3",
    "leaving:f": "SystemExit: 3",
    "failing.py:f": "ZeroDivisionError",
}


@pytest.mark.parametrize("name", BROKEN)
def test_function_that_cannot_be_had_is_told_once(prong: Prong, name: str) -> None:
    (prong.folder / "broken.py").write_text("def f(:\n")
    (prong.folder / "leaving.py").write_text("import sys\nsys.exit(3)\n")
    (prong.folder / "failing.py").write_text("1 / 0\n")
    result = prong("map", "-j2", name, ":::", "a", "b", "c")
    assert (result.status, result.output) == (255, "")
    assert result.error.startswith(f"prong: cannot load {name}: ")
    assert BROKEN[name] in result.error
    assert result.error.count(BROKEN[name]) <= 2  # in the message, and in the traceback if there is one


def test_file_may_lie_beside_modules_named_as_the_standard_ones(prong: Prong, functions: Path) -> None:
    (prong.folder / "json.py").write_text("raise SystemError\n")
    (entry,) = objects(prong("map", "--json", f"{functions}:double", ":::", "a").output)
    assert entry["value"] == "aa"


def test_python_without_prong_is_told(prong: Prong) -> None:
    prong.environment |= {"PRONG_PYTHON": "/usr/bin/python3", "PYTHONPATH": "", "PYTHONNOUSERSITE": "1"}
    if os.path.realpath(sys.executable) == "/usr/bin/python3":
        pytest.skip("the interpreter under test is the system's own")
    result = prong("map", "os.path:basename", ":::", "a")
    assert result.status == 255
    assert "No module named" in result.error


def test_nothing_survives_sigkill(prong: Prong) -> None:
    process = prong.start("map", "functions.py:hang", ":::", "x")
    assert eventually(lambda: (prong.folder / "started").exists())
    process.kill()
    process.communicate()
    assert eventually(lambda: not prong.survivors())


SHADOWS = "import random, json\n\ndef function(text):\n    return hasattr(random, 'randint'), text\n"


@pytest.mark.parametrize("name", ["random", "queue", "prong", "my-file"])
def test_file_may_be_named_as_a_module_that_is_needed(prong: Prong, name: str) -> None:
    (prong.folder / f"{name}.py").write_text(SHADOWS)
    result = prong("map", f"{name}.py:function", ":::", "a")
    assert (result.status, result.error) == (0, "")
    assert result.output == f"({name != 'random'}, 'a')\n"


def test_file_of_a_package_imports_by_relative_names(prong: Prong) -> None:
    folder = prong.folder / "package" / "inner"
    folder.mkdir(parents=True)
    for file in (folder / "__init__.py", folder.parent / "__init__.py"):
        file.touch()
    (folder.parent / "base.py").write_text("VALUE = 'of the base'\n")
    (folder / "module.py").write_text("from ..base import VALUE\n\ndef function(text):\n    return __name__, VALUE\n")
    for name in ("package/inner/module.py:function", "package.inner.module:function"):
        assert prong("map", name, ":::", "a").output == "('package.inner.module', 'of the base')\n"


def test_generators_give_a_line_for_each_value(prong: Prong) -> None:
    (prong.folder / "items.py").write_text(
        "def items(text):\n    for item in text:\n        yield item\n"
        "async def later(text):\n    for item in text:\n        yield item\n"
    )
    for name in ("items.py:items", "items.py:later"):
        assert prong("map", "--tag", name, ":::", "ab").output == "ab\ta\nab\tb\n"
        assert prong("map", name, ":::", "").output == ""
        assert objects(prong("map", "--json", name, ":::", "ab").output)[0]["value"] == ["a", "b"]


def test_what_a_function_starts_does_not_write_among_results(prong: Prong) -> None:
    (prong.folder / "child.py").write_text(
        "import subprocess\n\ndef function(text):\n    subprocess.run(['echo', 'from a child'])\n    return text\n"
    )
    result = prong("map", "child.py:function", ":::", "a")
    assert (result.output, result.error) == ("a\n", "from a child\n")


def test_names_of_files_that_are_not_utf8_come_back_as_they_were(prong: Prong) -> None:
    process = prong.start("map", "functions.py:double", stdin=subprocess.PIPE)
    assert process.communicate(b"\xff\n")[0] == b"\xff\xff\n"
