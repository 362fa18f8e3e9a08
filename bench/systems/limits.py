"""Not rivals but bounds: what the machine itself needs for the same thing."""

import subprocess
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


def timed_alone(code: str) -> str:
    """Source that starts an interpreter for some code, and waits for its end."""
    return f"""
os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "-c", {code!r}], os.environ), 0)
done(42)
"""


class BareInterpreter(System):
    name = "limit: bare interpreter"
    is_limit = True
    options = "python3 -c pass, start to end"
    imports = "import os, sys"
    program = "done(42)"
    start_program = timed_alone("pass")


class WorkerInterpreter(BareInterpreter):
    """What no worker can start faster than, if it is a new interpreter that knows what those of Prong know."""

    name = "limit: interpreter with the imports of Prong's workers"
    options = "python3 -c 'import prong._worker', without its end"
    program = "import prong._worker; done(42)"
    start_program = timed_alone("import os, prong._worker; os._exit(0)")


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
