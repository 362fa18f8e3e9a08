"""What people run commands in parallel with."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from .base import WORKERS, System


class CommandRunner(System):
    command_line: ClassVar[Sequence[str]]

    def commands(self, command: str, inputs: int, output: int) -> None:
        environment = dict(os.environ, PARALLEL_SHELL="/bin/sh")
        subprocess.run([*self.command_line, command], stdin=inputs, stdout=output, env=environment, check=True)

    def start_command(self) -> None:
        run_alone([*self.command_line, "/bin/true"])

    def version(self) -> str:
        shown = subprocess.check_output([self.command_line[0], "--version"], text=True)
        return shown.splitlines()[0].split()[-1]


def run_alone(command: Sequence[str | Path]) -> None:
    """With one line to read, and its output dropped."""
    subprocess.run(command, input=b"1\n", stdout=subprocess.DEVNULL, check=True)


class Xargs(CommandRunner):
    name = "xargs"
    command_line = ("xargs", f"-P{WORKERS}", "-n1")
    options = "xargs -P2 -n1"


class GnuParallel(CommandRunner):
    name = "GNU parallel"
    command_line = ("parallel", f"-j{WORKERS}", "--ungroup")
    options = "parallel -j2 --ungroup, PARALLEL_SHELL=/bin/sh"
    fewer = {"commands": 4, "commands-output": 4}
