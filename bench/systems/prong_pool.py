"""Prong itself: the pool, and the command line."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .base import WORKERS, Executor, Function

COMMAND_LINE = Path(__file__).parents[2] / "python/prong/_bin/prong"


class Prong(Executor):
    name = "Prong"
    module = "prong"
    starts = ("fresh", "fork")
    options = "workers=2"
    details = {
        "map-each": "map(chunksize=1)",
        "map-batches": "map",
        "commands": "prong run -j2",
        "commands-output": "prong run -j2",
    }

    def version(self) -> str:
        if self.library:
            return self.library.__version__
        return subprocess.check_output([COMMAND_LINE, "--version"], text=True).split()[-1]

    def open(self) -> None:
        self.pool = self.library.Pool(workers=WORKERS, start=self.start)

    def close(self) -> None:
        self.pool.close()
        self.pool.join()

    def map_each(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return self.pool.map(function, arguments, chunksize=1)

    def map_batches(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return self.pool.map(function, arguments)

    def commands(self, command: str, inputs: int, output: int) -> None:
        arguments = [COMMAND_LINE, "run", f"-j{WORKERS}", command, "{}"]
        subprocess.run(arguments, stdin=inputs, stdout=output, check=True)
