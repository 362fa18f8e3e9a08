"""Outputs of jobs in files: a folder for each job, or a table; beside those of GNU parallel."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import pytest
from cli_program import Prong

COMMAND = "echo {}; printf 'no\\nend' >&2"

SAME = [
    [COMMAND, ":::", "a", "b c", "x/y", "tab\there", "back\\slash"],
    [COMMAND, ":::", "a", "b", ":::", "1", "2"],
    ["--header", ":", "echo {x}{y}", ":::", "x", "1", "2", ":::", "y", "a", "b"],
    ["true", ":::", "a"],
    ["exit 3; :", ":::", "a", "b"],
    ["--tag", "echo", ":::", "a"],
]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("arguments", SAME, ids=" ".join)
def test_folders_are_those_of_gnu_parallel(prong: Prong, arguments: list[str]) -> None:
    theirs = subprocess.run(
        ["parallel", "--will-cite", "--results", "theirs", *arguments],
        cwd=prong.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    ours = prong("run", "--results", "ours", *arguments)
    assert (ours.status, ours.output, ours.error) == (theirs.returncode, theirs.stdout, theirs.stderr)
    assert files(prong.folder / "ours") == files(prong.folder / "theirs")


@pytest.mark.parametrize("form", ["csv", "tsv"])
@pytest.mark.parametrize("arguments", [arguments for arguments in SAME if "--tag" not in arguments], ids=" ".join)
def test_tables_are_those_of_gnu_parallel(prong: Prong, arguments: list[str], form: str) -> None:
    subprocess.run(
        ["parallel", "--will-cite", "-k", "--results", f"theirs.{form}", *arguments],
        cwd=prong.folder,
        capture_output=True,
        check=False,
    )
    assert prong("run", "-k", "--results", f"ours.{form}", *arguments).output == ""

    def rows(name: str) -> list[list[str]]:
        with (prong.folder / name).open(newline="") as file:
            table = list(csv.reader(file, delimiter="\t" if form == "tsv" else ","))
        # Times differ, and how commands are quoted.
        return [[field for place, field in enumerate(row) if place not in (2, 3, 8)] for row in table]

    assert rows(f"ours.{form}") == rows(f"theirs.{form}")


def test_hostile_inputs_stay_inside_and_differ(prong: Prong) -> None:
    inputs = ["..", ".", "", "../../escaped", "/etc/x", "a", "a", "\\e", "\n", "x" * 5000, "x" * 5001, "ü" * 150, "-"]
    data = "\0".join(inputs).encode() + b"\0\xff\xfe\0"
    process = prong.start("run", "-0", "--results", "out/", "printf", "%s", stdin=subprocess.PIPE)
    output, error = process.communicate(data, timeout=50)
    assert (process.returncode, output, error) == (0, b"", b"")
    assert [path.name for path in prong.folder.iterdir()] == ["out"]
    found = {int(path.read_text()): path.parent for path in (prong.folder / "out").rglob("seq")}
    assert sorted(found) == list(range(1, len(inputs) + 2))
    for number, text in enumerate(data.split(b"\0")[:-1], 1):
        assert (found[number] / "stdout").read_bytes() == text
        assert found[number].parent == prong.folder / "out/1"


def test_links_in_the_folder_lead_nowhere(prong: Prong) -> None:
    (prong.folder / "elsewhere").mkdir()
    (prong.folder / "out/1").mkdir(parents=True)
    (prong.folder / "out/1/a").symlink_to(prong.folder / "elsewhere")
    result = prong("run", "--results", "out", "echo", ":::", "a")
    assert (result.status, result.output) == (255, "")
    assert "cannot open the folder 'a' for results in 'out'" in result.error
    assert not list((prong.folder / "elsewhere").iterdir())


def test_a_second_run_takes_the_place_of_the_first(prong: Prong) -> None:
    prong("run", "--results", "out", "echo long output of", ":::", "a")
    prong("run", "--results", "out", "echo", ":::", "a")
    assert files(prong.folder / "out") == {"1/a/stdout": b"a\n", "1/a/stderr": b"", "1/a/seq": b"1"}


def test_failures_are_told_and_results_are_there(prong: Prong) -> None:
    result = prong("run", "--results", "out", "--timeout", "0.2", "echo begun; sleep 1000;:", ":::", "a")
    assert result.status == 1
    assert "exceeded its wall-time limit" in result.error
    assert (prong.folder / "out/1/a/stdout").read_text() == "begun\n"


def test_results_of_functions(prong: Prong) -> None:
    assert prong("map", "--results", "out", "os.path:basename", ":::", "a/b").output == ""
    assert files(prong.folder / "out")["1/a\\_b/stdout"] == b"b\n"


def test_large_outputs(prong: Prong) -> None:
    prong("run", "--results", "out", "head -c 3000000 /dev/zero; :", ":::", "a")
    assert files(prong.folder / "out")["1/a/stdout"] == bytes(3_000_000)


def test_a_table_on_standard_output(prong: Prong) -> None:
    output = prong("run", "--results", "-.csv", "printf", ":::", "a").output
    assert output.startswith("Seq,Host,") and output.endswith(',"printf a",a,a,\n')


@pytest.mark.parametrize("path", ["/nonexistent/out", "/dev/null", "/nonexistent/out.csv"])
def test_places_that_cannot_be_written_are_told(prong: Prong, path: str) -> None:
    result = prong("run", "--results", path, "echo", ":::", "a")
    assert (result.status, result.output) == (255, "")
    assert path in result.error


def test_a_full_disk_is_told(prong: Prong) -> None:
    (prong.folder / "full.csv").symlink_to("/dev/full")
    result = prong("run", "--results", "full.csv", "echo", ":::", "a")
    assert (result.status, result.output) == (255, "")
    assert result.error == "prong: cannot write the results to 'full.csv': No space left on device (ENOSPC)\n"


def test_a_table_keeps_the_order_of_jobs(prong: Prong) -> None:
    script = "[ {} != 1 ] || until [ -e go ]; do sleep 0.01; done; echo {}; [ {} != 30 ] || touch go"
    prong("run", "-k", "-j2", "--results", "out.csv", script, ":::", *map(str, range(1, 31)))
    with (prong.folder / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["Seq"], row["Stdout"]) for row in rows] == [(str(n), f"{n}\n") for n in range(1, 31)]
