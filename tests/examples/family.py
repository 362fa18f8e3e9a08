"""Every process that a test has started, known by a mark in its environment."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 20  # seconds


def eventually(condition: Callable[[], object], what: str) -> None:
    """Waits until the condition holds; fails when it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not in {PATIENCE} s: {what}"
        time.sleep(0.005)


@dataclass(frozen=True)
class Family:
    """A program and everything that it started, known by a mark in the environment (PRONG_* are not for all)."""

    mark: str = field(default_factory=lambda: f"TEST_FAMILY={uuid.uuid4().hex}")

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
