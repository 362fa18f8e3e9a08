"""Not rivals but bounds: what the machine itself needs for the same thing."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from .base import WORKERS, Function, System
from .command_runners import run_alone

SPAWN_LOOP = Path(__file__).parents[1] / ".build/spawn_loop"


class SpawnLoop(System):
    name = "limit: posix_spawn loop"
    is_limit = True
    options = "bench/spawn_loop.cc, 2 at a time, nothing collected"

    def commands(self, command: str, inputs: int, output: int) -> None:
        arguments = [SPAWN_LOOP, str(WORKERS), command]
        subprocess.run(arguments, stdin=inputs, stdout=output, check=True)


class BareCommand(System):
    name = "limit: /bin/true"
    is_limit = True
    options = "started by the same means"

    def start_command(self) -> None:
        run_alone(["/bin/true"])


class BareInterpreter(System):
    name = "limit: bare interpreter"
    is_limit = True
    options = "python3 -c pass, start to end"
    program = "print(42)"

    def first_result(self, function: Function, argument: Any) -> Any:
        command = [sys.executable, "-c", "pass"]
        child = os.posix_spawn(sys.executable, command, os.environ)
        os.waitpid(child, 0)
        return function(argument)


class TwoCopies(System):
    name = "limit: two copies"
    is_limit = True
    options = "memcpy to warm memory and back, in one process"

    def load(self) -> None:
        import numpy

        self.library = numpy
        self.there = self.back = None

    def send_array(self, function: Function, array: Any) -> Any:
        if self.there is None:
            self.there, self.back = array.copy(), array.copy()
        self.library.copyto(self.there, array)
        self.library.copyto(self.back, function(self.there))
        return self.back
