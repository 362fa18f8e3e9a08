"""Limits of jobs and of whole runs, met by commands that do not cooperate."""

from __future__ import annotations

import pytest
from cli_program import Prong

from eventually import eventually

LIMITS = {
    "--timeout": ("0.2", "sleep 1000", "exceeded its wall-time limit of 200 ms"),
    "--cpu-time": ("0.2", "while :; do :; done", "exceeded its CPU-time limit of 200 ms"),
    "--memory": (
        "50M",
        "head -c 1G /dev/zero | tail -c 1G >/dev/null; sleep 1000",
        "exceeded its memory limit of 50 MiB",
    ),
    "--max-output": ("10K", "yes", "exceeded its output limit of 10 KiB"),
    "--stall": ("0.3", "sleep 1000", "exceeded its stall limit of 300 ms"),
}


@pytest.mark.parametrize("option", LIMITS)
def test_limit(prong: Prong, option: str) -> None:
    value, command, text = LIMITS[option]
    result = prong("run", option, value, "--shell", f"trap '' TERM; {command}; : {{}}", ":::", "x")
    assert result.status == 1
    assert text in result.error
    assert eventually(lambda: not prong.survivors())


def test_others_are_not_touched(prong: Prong) -> None:
    result = prong(
        "run", "-k", "--cpu-time", "0.2", "--shell", "test {} != b || while :; do :; done; echo {}", ":::", *"abc"
    )
    assert (result.status, result.output) == (1, "a\nc\n")


def test_queue_time(prong: Prong) -> None:
    result = prong("run", "-j1", "--queue-time", "0.2", "--timeout", "1", "sleep", ":::", "1000", "0")
    assert result.status == 2
    assert "exceeded its limit of time in the queue of 200 ms" in result.error


def test_budget(prong: Prong) -> None:
    result = prong("run", "-j1", "--budget", "0.3", "sleep", ":::", "1000", "1000", "1000")
    assert result.status != 0
    assert "exceeded its total time budget of 300 ms" in result.error
    assert eventually(lambda: not prong.survivors())
