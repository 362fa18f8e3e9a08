"""What /proc says about this process, and about all that a measurement has started."""

import os
import threading
from pathlib import Path


def status_bytes(field: str, process: str = "self") -> int:
    """A field of /proc/*/status that is given in kB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def shared_memory_bytes() -> int:
    """Of the whole machine: segments without a name are in no folder that could be looked at."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Shmem:"))


class MemoryGrowth:
    """How much higher the memory of this process rises, at its peak, than it was at the beginning."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
        self._before = status_bytes("VmRSS")

    def peak_bytes(self) -> int:
        return max(0, status_bytes("VmHWM") - self._before)


def context_switches() -> dict[tuple[str, str], int]:
    """Of each thread of each process of this measurement, but not of the thread that asks."""
    asking = str(threading.get_native_id())
    return {
        (process.name, thread.name): switches_of(thread)
        for process in processes_of_this_measurement()
        for thread in threads_of(process)
        if thread.name != asking
    }


def processes_of_this_measurement() -> list[Path]:
    """They are known by their folder for temporary files, wherever in the tree of processes they hang."""
    mark = f"TMPDIR={os.environ['TMPDIR']}".encode()
    return [folder for folder in Path("/proc").iterdir() if folder.name.isdigit() and has_mark(folder, mark)]


def has_mark(process: Path, mark: bytes) -> bool:
    try:
        return mark in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def threads_of(process: Path) -> list[Path]:
    try:
        return list((process / "task").iterdir())
    except OSError:
        return []


def switches_of(thread: Path) -> int:
    try:
        lines = (thread / "status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
