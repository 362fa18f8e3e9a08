"""Runs one measurement in a process of its own and lets nothing of it live on."""

import ctypes
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from .environment import BENCH, PROJECT, PYTHON

FAREWELL_SECONDS = 15
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Makes what a system leaves behind our children, so that it can be waited for."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def run(work: str, system: str, start: str, way: str, size: int, limit_seconds: int) -> dict:
    """The answer of measure.py, or {"error": ...}."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer")
        log = Path(folder, "log")
        command = [PYTHON, BENCH / "measure.py", work, system, start, way, str(size), answer]
        with log.open("wb") as output:
            child = subprocess.Popen(
                command,
                cwd=folder,
                env=environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            code = child.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            kill(child.pid)
            child.wait()
            return {"error": f"did not finish within {limit_seconds} s"}
        finally:
            say_farewell()
        if answer.exists():
            return json.loads(without_paths(answer.read_text()))
        return {"error": f"ended with code {code}: {last_line(log)}"}


def environment(folder: str) -> dict[str, str]:
    """Job functions importable everywhere, all files in one folder, no reports to the outside, one thread each."""
    return {
        **os.environ,
        "PYTHONPATH": str(BENCH),
        "TMPDIR": folder,
        "RAY_TMPDIR": folder,
        "RAY_USAGE_STATS_ENABLED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def say_farewell() -> None:
    """Waits until everything that the measurement started has ended; what does not end is killed."""
    deadline = time.monotonic() + FAREWELL_SECONDS
    while has_children():
        if time.monotonic() > deadline:
            for child in children():
                kill(child)
        time.sleep(0.01)


def has_children() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def children() -> list[int]:
    me = os.getpid()
    return [int(pid) for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split()]


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def without_paths(text: str) -> str:
    """Messages end up in the record, which says nothing about where this tree lies."""
    return text.replace(f"{PROJECT}/", "")


def last_line(log: Path) -> str:
    lines = without_paths(log.read_text(errors="replace")).strip().splitlines()
    return lines[-1][:200] if lines else "no output"
