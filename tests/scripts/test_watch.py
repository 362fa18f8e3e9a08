"""tests/support/watch.cc, under which C++ tests run: it keeps the status, ends what is stuck, finds what is left."""

import os
import subprocess
from pathlib import Path

import pytest

WATCH = Path(__file__).resolve().parents[2] / "build/tests/programs/watch"


def watch(command, **limits):
    """Run a shell command under watch, with limits in seconds."""
    environment = os.environ | {f"PRONG_WATCH_{name.upper()}_S": str(value) for name, value in limits.items()}
    return subprocess.run([WATCH, "sh", "-c", command], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("command", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -SEGV $$", 128 + 11)])
def test_status_is_the_commands(command, status):
    assert watch(command).returncode == status


def test_process_that_ends_in_time_is_not_left_behind():
    assert watch("setsid sleep 0.1 & exit 3").returncode == 3


def test_process_left_behind_is_named_and_killed():
    until_it_is_there = "until tr '\\0' ' ' </proc/$!/cmdline | grep -q ^sleep; do :; done"
    done = watch(f"setsid sleep 12345 & {until_it_is_there}; exit 0", grace=0)
    assert done.returncode == 125
    assert "left behind" in done.stderr
    assert "sleep 12345" in done.stderr


def test_stuck_command_is_killed_and_its_stacks_printed():
    done = watch("setsid sleep 23456 & sleep 23456", limit=1)
    assert done.returncode == 124
    assert done.stderr.count("stuck: ") >= 2
    assert "nanosleep" in done.stderr
