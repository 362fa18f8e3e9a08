"""Fixtures of the command line's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_program import Prong
from queue_program import Queue

from eventually import eventually


@pytest.fixture
def prong(tmp_path: Path) -> Iterator[Prong]:
    """The program, run in an empty folder. After the test nothing that it started is left."""
    program = Prong(tmp_path)
    yield program
    program.end()
    assert eventually(lambda: not program.survivors()), f"left: {program.survivors()}"


@pytest.fixture
def queue(prong: Prong) -> Iterator[Queue]:
    made = Queue(prong)
    yield made
    made.kill()
