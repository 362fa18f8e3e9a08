"""How the tests of the command line call the built program: as a user would."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAM = Path(os.environ.get("PRONG_PROGRAM", ROOT / "python/prong/_bin/prong"))
MARK = "PRONG_CLI_TEST"


@dataclass(frozen=True)
class Result:
    """How a run of the program ended."""

    status: int
    output: str
    error: str


class Prong:
    """Runs the program. Everything that it starts can be told from strangers by a variable in its environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = f"{MARK}={os.getpid()}-{time.monotonic_ns()}"
        name, value = self.mark.split("=")
        self.program = PROGRAM
        self.processes: list[subprocess.Popen[bytes]] = []
        self.environment = os.environ | {name: value, "PRONG_PYTHON": sys.executable}
        for variable in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):  # of a make that has started the tests
            self.environment.pop(variable, None)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        return self.start_command([str(PROGRAM), *arguments], **options)

    def start_command(self, command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup the program, too, would not hear of it
        defaults = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        settings = defaults | {"cwd": self.folder, "env": self.environment} | options
        self.processes.append(subprocess.Popen(command, **settings))
        return self.processes[-1]

    def end(self) -> None:
        """Kills what still runs and closes all pipes."""
        for process in self.processes:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with contextlib.suppress(BrokenPipeError):
                        pipe.close()

    def __call__(self, *arguments: str, stdin: str | None = None) -> Result:
        options: dict[str, Any] = {} if stdin is None else {"stdin": subprocess.PIPE}
        process = self.start(*arguments, **options)
        output, error = process.communicate(None if stdin is None else stdin.encode(), timeout=50)
        return Result(process.returncode, output.decode(), error.decode())

    def survivors(self) -> list[int]:
        """Processes that this object's runs have started and that are still there."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if self.mark.encode() in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found
