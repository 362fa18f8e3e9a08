"""The job log."""

from __future__ import annotations

import shutil
import subprocess
import time

import pytest
from cli_program import Prong

HEADING = "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand"


def log_of(prong: Prong) -> list[list[str]]:
    heading, *lines = (prong.folder / "log").read_text().splitlines()
    assert heading == HEADING
    return [line.split("\t") for line in lines]


def test_each_job_has_a_line(prong: Prong) -> None:
    before = time.time()
    prong("run", "-j1", "--joblog", "log", "--timeout", "0.1", stdin="echo hello\nexit 3\nkill -9 $$\nsleep 1000\n")
    after = time.time()
    entries = log_of(prong)
    assert [entry[:2] + entry[4:] for entry in entries] == [
        ["1", ":", "0", "6", "0", "0", "echo hello"],
        ["2", ":", "0", "0", "3", "0", "exit 3"],
        ["3", ":", "0", "0", "0", "9", "kill -9 $$"],
        ["4", ":", "0", "0", "-1", "15", "sleep 1000"],
    ]
    for entry in entries:
        assert before - 0.01 <= float(entry[2]) <= after
        assert 0 <= float(entry[3]) <= after - before
    assert float(entries[3][3]) >= 0.1


def test_command_is_on_one_line(prong: Prong) -> None:
    prong("run", "--joblog", "log", "-0", "echo", stdin="a\nb\0")
    assert log_of(prong)[0][8] == r"echo $'a\nb'"


@pytest.mark.skipif(shutil.which("parallel") is None, reason="GNU parallel is not installed")
def test_log_is_that_of_gnu_parallel(prong: Prong) -> None:
    arguments = ["-j1", "--joblog", "log", "echo a{}; exit {}", ":::", "0", "3"]
    prong("run", *arguments)
    ours = log_of(prong)
    subprocess.run(["parallel", "--will-cite", *arguments], cwd=prong.folder, check=False, stdout=subprocess.DEVNULL)
    theirs = log_of(prong)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine[:2] + mine[4:] == other[:2] + other[4:]
        assert [len(field) for field in mine] == [len(field) for field in other]
