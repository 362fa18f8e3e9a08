"""prong map --sqlite: results as rows of a table."""

from __future__ import annotations

import json
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cli_program import Prong

from eventually import eventually

MODULE = """
import fractions, math, os, sys, time

VALUES = {
    "none": None, "true": True, "int": -5, "big": 2**70, "float": 0.1, "inf": math.inf, "nan": math.nan,
    "str": "é\\n", "empty": "", "nul": "a\\0b", "surrogate": "\\udcff", "lone": "\\ud800", "bytes": b"\\xff\\0",
    "list": [1, {"a": None}], "tuple": (1, 2), "set": {1}, "fraction": fractions.Fraction(1, 2),
}

def value(name):
    return VALUES[name]

def count(text):
    return int(text)

def items(text):
    yield from text

def area(width, height):
    return int(width) * int(height)

def slow(text):
    if text == "hang":
        open("started", "w").close()
        time.sleep(1000)
    print("done", text, flush=True)
    return text
"""


@pytest.fixture(autouse=True)
def functions(prong: Prong) -> Path:
    file = prong.folder / "functions.py"
    file.write_text(MODULE)
    return file


def rows(prong: Prong, sql: str) -> list[Any]:
    with sqlite3.connect(prong.folder / "r.db") as connection:
        found = connection.execute(sql).fetchall()
    connection.close()
    return found


def test_values_have_the_types_of_sqlite(prong: Prong) -> None:
    expected = {
        "none": None,
        "true": 1,
        "int": -5,
        "big": str(2**70),
        "float": 0.1,
        "inf": float("inf"),
        "nan": "nan",
        "str": "é\n",
        "empty": "",
        "nul": "a\0b",
        "surrogate": b"\xff",
        "lone": b"\\ud800",
        "bytes": b"\xff\0",
        "list": '[1, {"a": null}]',
        "tuple": "[1, 2]",
        "set": '"{1}"',
        "fraction": '"1/2"',
    }
    result = prong("map", "--sqlite", "r.db", "functions.py:value", ":::", *expected)
    assert (result.status, result.output, result.error) == (0, "", "")
    assert dict(rows(prong, "SELECT input, value FROM results")) == expected
    assert rows(prong, "SELECT number FROM results ORDER BY 1") == [(i + 1,) for i in range(len(expected))]
    assert rows(prong, "SELECT DISTINCT outcome, exception, message, attempts FROM results") == [
        ("returned", None, None, 1)
    ]


def test_failures_are_rows_too(prong: Prong) -> None:
    result = prong("map", "--sqlite", "r.db", "--retries", "1", "functions.py:count", ":::", "x", "1")
    assert result.status == 1
    assert "job 1 'functions.py:count x': raised ValueError" in result.error
    columns = "input, outcome, value, exception, message, attempts"
    assert rows(prong, f"SELECT {columns} FROM results ORDER BY number") == [
        ("x", "raised", None, "builtins.ValueError", "invalid literal for int() with base 10: 'x'", 2),
        ("1", "returned", 1, None, None, 1),
    ]
    prong("map", "--sqlite", "r.db", "--table", "slow", "--timeout", "100ms", "functions.py:slow", ":::", "hang")
    assert rows(prong, "SELECT outcome, exception, message FROM slow") == [
        ("timed_out", None, "exceeded its wall-time limit of 100 ms")
    ]


def test_columns_of_csv_are_columns(prong: Prong) -> None:
    result = prong("map", "--sqlite", "r.db", "--csv", "functions.py:area", stdin="height,width\n2,3\n4\n")
    assert result.status == 1
    assert rows(prong, "SELECT height, width, value FROM results ORDER BY number") == [("2", "3", 6), ("4", None, None)]


def test_inputs_of_several_values_are_json(prong: Prong) -> None:
    prong("map", "--sqlite", "r.db", "functions.py:area", ":::", "2", ":::", "3")
    prong("map", "--sqlite", "r.db", "--json-input", "functions.py:area", ":::", "2", ":::", "3")
    assert [json.loads(text) for (text,) in rows(prong, "SELECT input FROM results")] == [["2", "3"], [2, 3]]


def test_generator_is_an_array(prong: Prong) -> None:
    prong("map", "--sqlite", "r.db", "functions.py:items", ":::", "ab")
    assert rows(prong, "SELECT value FROM results") == [('["a", "b"]',)]


def test_table_for_something_else_is_refused_before_any_job(prong: Prong) -> None:
    rows(prong, "CREATE TABLE results (a, b)")
    result = prong("map", "--sqlite", "r.db", "functions.py:slow", ":::", "x")
    assert (result.status, result.output) == (255, "")
    assert "the table 'results' of 'r.db': it has the columns a, b" in result.error
    assert "--table NAME" in result.error
    assert "done" not in result.error
    (prong.folder / "text.db").write_text("no database" * 100)
    assert "file is not a database" in prong("map", "--sqlite", "text.db", "functions.py:slow", ":::", "x").error


WRONG = {
    "--sqlite r.db --json f.py:f": "where are results to go?",
    "--table t f.py:f": "of which database?",
    "--sqlite none/r.db functions.py:slow": "unable to open database file",
}


@pytest.mark.parametrize("words", WRONG)
def test_what_makes_no_sense_is_refused(prong: Prong, words: str) -> None:
    result = prong("map", *words.split(), stdin="x\n")
    assert (result.status, result.output) == (255, "")
    assert WRONG[words] in result.error


def test_what_was_told_survives_a_kill(prong: Prong) -> None:
    process = prong.start("map", "-j1", "--sqlite", "r.db", "--joblog", "log", "functions.py:slow", stdin=-1)
    assert process.stdin is not None
    process.stdin.write(b"a\nb\nhang\n")
    process.stdin.flush()
    log = prong.folder / "log"
    assert eventually(lambda: (prong.folder / "started").exists() and log.read_text().count("\n") == 3)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert rows(prong, "SELECT number, value FROM results ORDER BY 1") == [(1, "a"), (2, "b")]
    assert prong("map", "--sqlite", "r.db", "functions.py:slow", ":::", "c").status == 0
    assert rows(prong, "SELECT value FROM results WHERE number = 1 ORDER BY 1") == [("a",), ("c",)]


def test_database_is_one_file_at_the_end(prong: Prong) -> None:
    prong("map", "--sqlite", "r.db", "functions.py:slow", ":::", "a")
    assert sorted(path.name for path in prong.folder.glob("r.db*")) == ["r.db"]


def test_database_may_be_read_while_it_is_written(prong: Prong) -> None:
    process = prong.start("map", "-j1", "--sqlite", "r.db", "functions.py:slow", ":::", "a", "hang")
    assert eventually(lambda: (prong.folder / "started").exists())
    assert eventually(lambda: rows(prong, "SELECT value FROM results") == [("a",)])
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 143
    assert rows(prong, "SELECT input, outcome FROM results") == [("a", "returned")]  # the other was ended with the run


def test_full_disk_is_told(prong: Prong) -> None:
    (prong.folder / "r.db").symlink_to("/dev/full")
    result = prong("map", "--sqlite", "r.db", "functions.py:slow", ":::", "x")
    assert result.status == 255
    assert "cannot keep results in 'r.db'" in result.error
