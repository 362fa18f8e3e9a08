"""Runs examples as a user would: in a process of their own, which must leave no process behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
PATIENCE = 20  # seconds


def eventually(condition: Callable[[], object], what: str) -> None:
    """Waits until the condition holds; fails when it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not in {PATIENCE} s: {what}"
        time.sleep(0.005)


@dataclass(frozen=True)
class Family:
    """A program and everything that it started, known by a mark in the environment."""

    mark: str = field(default_factory=lambda: f"PRONG_TEST_FAMILY={uuid.uuid4().hex}")

    @property
    def environment(self) -> dict[str, str]:
        name, _, value = self.mark.partition("=")
        return {**os.environ, name: value, "COLUMNS": "100"}

    def members(self) -> list[int]:
        return [int(place.name) for place in Path("/proc").glob("[0-9]*") if self._is_member(place)]

    def workers(self) -> list[int]:
        """The children of the launcher, without the oldest: that is the template."""
        members = self.members()
        launchers = [pid for pid in members if name_of(pid) == "prong-launcher"]
        children = [pid for pid in members if parent_of(pid) in launchers]
        return sorted(children, key=lambda pid: (start_of(pid), pid))[1:]

    def _is_member(self, place: Path) -> bool:
        try:
            return self.mark.encode() in (place / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended, or is not ours
            return False


def stat_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["X", "0"] + ["0"] * 40


def name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def parent_of(pid: int) -> int:
    return int(stat_of(pid)[1])


def start_of(pid: int) -> int:
    return int(stat_of(pid)[19])


@pytest.fixture
def family() -> Iterator[Family]:
    """Everything that the test starts. Nothing of it may be left afterwards."""
    family = Family()
    yield family
    eventually(lambda: not family.members(), "every process that the example started has ended")


@pytest.fixture
def start_example(family: Family):
    """Starts examples/NAME with arguments."""

    @contextmanager
    def start(name: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, str(TREE / "examples" / name), *map(str, arguments)]
        with subprocess.Popen(
            command, env=family.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    return start


@pytest.fixture
def run_example(start_example):
    """Runs examples/NAME with arguments; it must succeed. What it printed."""

    def run(name: str, *arguments: object) -> str:
        with start_example(name, *arguments) as process:
            output, errors = process.communicate()
        assert process.returncode == 0, f"{name} ended with {process.returncode}:\n{output}\n{errors}"
        return output

    return run
