"""Runs examples as a user would: in a process of their own, which must leave no process behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from family import Family, eventually

TREE = Path(__file__).parents[2]


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
