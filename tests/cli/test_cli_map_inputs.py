"""prong map --csv, --tsv, --json-input, --unpack: inputs that are more than lines."""

from __future__ import annotations

import csv
import json
import subprocess
from pathlib import Path

import pytest
from cli_program import Prong

MODULE = """
def show(*args, **kwargs):
    return repr((args, kwargs))

def area(width, height="1", *, unit="m"):
    return f"{width}*{height}{unit}"

def typed(value):
    return [type(value).__name__, value]
"""

TABLE = 'width,height\n2,"3\n3"\n\n"4,""5""",\n'


@pytest.fixture(autouse=True)
def functions(prong: Prong) -> Path:
    (prong.folder / "table.csv").write_text(TABLE)
    file = prong.folder / "functions.py"
    file.write_text(MODULE)
    return file


def map_lines(prong: Prong, *arguments: str, stdin: str | None = None) -> list[str]:
    result = prong("map", "-k", *arguments, stdin=stdin)
    assert (result.status, result.error) == (0, "")
    return result.output.splitlines()


def test_columns_of_csv_are_keyword_arguments(prong: Prong) -> None:
    lines = map_lines(prong, "--csv", "functions.py:show", "::::", "table.csv")
    assert lines == ["((), {'width': '2', 'height': '3\\n3'})", "((), {'width': '4,\"5\"', 'height': ''})"]
    assert map_lines(prong, "--csv", "functions.py:show", stdin=TABLE) == lines


def test_csv_is_read_as_python_reads_it(prong: Prong) -> None:
    rows = [["plain", ""], ["a,b", 'q"q'], ["x\r\ny", "\n"], ["é\ttab", "  blanks "], ["1" * 100_000, "'"]]
    with (prong.folder / "many.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["one", "two"], *rows * 50])
    lines = map_lines(prong, "--csv", "--json", "functions.py:show", "::::", "many.csv")
    inputs = [json.loads(line)["input"] for line in lines]
    assert inputs == [{"one": one, "two": two} for one, two in rows * 50]


def test_tabs_and_other_separators(prong: Prong) -> None:
    assert map_lines(prong, "--tsv", "functions.py:area", stdin="width\theight\n1 2\t3\n") == ["1 2*3m"]
    assert map_lines(prong, "--csv", "-C", ";", "functions.py:area", stdin="width;unit\n1,2;km\n") == ["1,2*1km"]


def test_job_is_told_with_its_columns(prong: Prong) -> None:
    result = prong("map", "--csv", "--dry-run", "functions.py:area", stdin='unit,width\na,"b c"\n')
    assert result.output == "functions.py:area unit=a 'width=b c'\n"


def test_columns_that_the_function_does_not_take_are_told_once(prong: Prong) -> None:
    result = prong("map", "--csv", "functions.py:area", stdin="width,depth\n1,2\n3,4\n")
    assert (result.status, result.output) == (255, "")
    assert "cannot call functions.py:area with the columns 'width', 'depth'" in result.error
    assert "unexpected keyword argument 'depth'" in result.error
    result = prong("map", "--csv", "functions.py:area", stdin="unit\n1\n")
    assert "missing a required argument: 'width'" in result.error


def test_row_with_too_few_values_costs_one_job(prong: Prong) -> None:
    result = prong("map", "-k", "--csv", "functions.py:area", stdin="width,unit\n1\n2,m\n")
    assert (result.status, result.output) == (1, "2*1m\n")
    assert "ValueError: the row has 1 values for 2 columns ('width', 'unit')" in result.error


def test_what_is_no_csv_is_told_and_rows_before_it_are_done(prong: Prong) -> None:
    text = 'width\n1\n2\n3" x\n4\n'
    (prong.folder / "bad.csv").write_text(text)
    for arguments, stdin in ((["::::", "bad.csv"], None), ([], text)):
        result = prong("map", "-k", "--csv", "functions.py:area", *arguments, stdin=stdin)
        assert (result.status, result.output) == (255, "1*1m\n2*1m\n")
        assert "as CSV, line 4, row 4: a quotation mark stands within a value" in result.error


WRONG = {
    "map --csv --json-input functions.py:show": "which of them",
    "map --csv -n 2 functions.py:show": "leave out -n",
    "map --csv -0 functions.py:show": "leave out -0",
    "map --csv -C ;; functions.py:show": "one byte",
    'map --csv -C " functions.py:show': "cannot stand between columns",
    "map --csv functions.py:show ::: a,a 1,2": "two columns are named 'a'",
    "map --csv functions.py:show": "is empty",
}


@pytest.mark.parametrize("words", WRONG)
def test_what_makes_no_sense_is_refused(prong: Prong, words: str) -> None:
    result = prong(*words.split(" "))
    assert (result.status, result.output) == (255, "")
    assert WRONG[words] in result.error


def test_csv_is_read_as_it_comes(prong: Prong) -> None:
    process = prong.start("map", "--csv", "functions.py:area", stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"width\n1\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"1*1m\n"
    process.stdin.write(b'"2\n')
    process.stdin.write(b'2"\n')
    process.stdin.close()
    assert process.stdout.readlines() == [b"2\n", b"2*1m\n"]


JSON_LINES = ["1", "1.5", "null", "true", '"a b"', '[1, "x"]', '{"a": {"b": []}}', "123456789012345678901234567890"]


def test_json_is_one_value(prong: Prong) -> None:
    lines = map_lines(prong, "--json-input", "--json", "functions.py:typed", stdin="\n".join(JSON_LINES))
    for line, text in zip(lines, JSON_LINES, strict=True):
        entry = json.loads(line)
        value = json.loads(text)
        assert entry["input"] == value
        assert entry["value"] == [type(value).__name__, value]
    assert f'{{"input":{JSON_LINES[-1]},' in lines[-1]


def test_json_may_be_unpacked(prong: Prong) -> None:
    lines = map_lines(prong, "--unpack", "functions.py:show", ":::", "[1, [2]]", '{"a": 1}', '"x"', "[]")
    assert lines == ["((1, [2]), {})", "((), {'a': 1})", "(('x',), {})", "((), {})"]
    assert map_lines(prong, "--unpack", "functions.py:show", ":::", "[1]", ":::", '{"a": 2}') == ["((1,), {'a': 2})"]


def test_what_is_not_json_costs_one_job(prong: Prong) -> None:
    result = prong("map", "-k", "--json-input", "functions.py:typed", stdin="1\nx\n\n[1\n2\n")
    assert (result.status, result.output) == (3, "['int', 1]\n['int', 2]\n")
    assert "raised ValueError: the input is not JSON: Expecting value" in result.error
    (entry,) = prong("map", "--json", "--json-input", "functions.py:typed", ":::", "nan").output.splitlines()
    assert json.loads(entry)["input"] == "nan"


CSV_OF_BOTH = [
    ["--csv", "echo", "{2}", "::::", "table.csv"],
    ["--csv", "--header", ":", "echo", "{height}-{1}", "::::", "table.csv"],
    ["--csv", "-C", ";", "echo", "{2}{1}", ":::", 'a;"b;c"', "d;e"],
    ["--csv", "echo", ":::", "x,y", ":::", "1", "2"],
]


@pytest.mark.parametrize("arguments", CSV_OF_BOTH, ids=" ".join)
def test_csv_of_commands_is_that_of_gnu_parallel(prong: Prong, arguments: list[str]) -> None:
    (prong.folder / "table.csv").write_text(TABLE.replace("\n\n", "\n"))
    theirs = subprocess.run(
        ["parallel", "--will-cite", "-k", *arguments],
        cwd=prong.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert theirs.stdout
    assert prong("run", "-k", *arguments).output == theirs.stdout


def test_what_is_left_after_the_header_is_counted(prong: Prong) -> None:
    for content, option in ((TABLE, "--csv"), ("width\n1\n2\n", "--header=:")):
        (prong.folder / "counted").write_text(content)
        result = prong("map", option, "--progress=always", "functions.py:show", "::::", "counted")
        assert "prong: 2/2 done" in result.error
        result = prong("map", option, "--halt", "now,done=100%", "functions.py:show", "::::", "counted")
        assert result.status == 0
