"""Limits of jobs and of whole runs, met by commands that do not cooperate."""

from __future__ import annotations

import subprocess

import pytest
from cli_program import Prong, Result

from eventually import eventually

LIMITS = {
    "--timeout": ("0.2", "sleep 1000", "exceeded its wall-time limit of 200 ms"),
    "--cpu-limit": ("0.2", "while :; do :; done", "exceeded its CPU-time limit of 200 ms"),
    "--memory": (
        "50M",
        "head -c 1G /dev/zero | tail -c 1G >/dev/null; sleep 1000",
        "exceeded its memory limit of 50 MiB",
    ),
    "--output-limit": ("10K", "yes", "exceeded its output limit of 10 KiB"),
    "--stall": ("0.3", "sleep 1000", "exceeded its stall limit of 300 ms"),
}


@pytest.mark.parametrize("option", LIMITS)
def test_limit(prong: Prong, option: str) -> None:
    value, command, text = LIMITS[option]
    result = prong("run", option, value, "--shell", f"trap '' TERM; {command}; : {{}}", ":::", "x")
    assert result.status == (124 if option == "--stall" else 1)
    assert text in result.error
    assert eventually(lambda: not prong.survivors())


def test_others_are_not_touched(prong: Prong) -> None:
    result = prong(
        "run", "-k", "--cpu-limit", "0.2", "--shell", "test {} != b || while :; do :; done; echo {}", ":::", *"abc"
    )
    assert (result.status, result.output) == (1, "a\nc\n")


def test_queue_time(prong: Prong) -> None:
    result = prong("run", "-j1", "--queue-time", "0.2", "--timeout", "1", "sleep", ":::", "1000", "0")
    assert result.status == 2
    assert "exceeded its limit of time in the queue of 200 ms" in result.error


def test_budget(prong: Prong) -> None:
    result = prong("run", "-j1", "--budget", "0.3", "sleep", ":::", "1000", "1000", "1000")
    assert (result.status, result.output) == (124, "")
    assert result.error == (
        "prong: job 1 'sleep 1000': exceeded its total time budget of 300 ms\n"
        "prong: ended early: 1 done, 1 of them failed, 2 not run\n"
    )
    assert eventually(lambda: not prong.survivors())


def test_budget_ends_a_run_that_waits_for_inputs(prong: Prong) -> None:
    process = prong.start("run", "--budget", "0.2", "echo", stdin=subprocess.PIPE)
    assert process.wait(timeout=50) == 124
    assert process.stderr is not None
    assert process.stderr.read() == b"prong: ended early: 0 done, the rest of the inputs not read\n"


def test_budget_ends_a_run_that_waits_for_its_next_start(prong: Prong) -> None:
    result = prong("run", "--budget", "0.2", "--delay", "1h", "echo", ":::", "a", "b", "c")
    assert (result.status, result.output) == (124, "a\n")
    assert result.error == "prong: ended early: 1 done, 2 not run\n"


def test_a_budget_that_suffices_says_nothing(prong: Prong) -> None:
    result = prong("run", "-k", "--budget", "1h", "echo", ":::", "a", "b")
    assert (result.status, result.output, result.error) == (0, "a\nb\n", "")
    assert prong("run", "--budget", "1h", "echo", stdin="") == Result(0, "", "")
