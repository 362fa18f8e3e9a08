"""Prong itself: the pool, and the command line."""

import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from .base import WORKERS, Executor, Function
from .command_runners import run_alone

PROJECT = Path(__file__).parents[2]
COMMAND_LINE = PROJECT / "python/prong/_bin/prong"
CPP_PROGRAM = PROJECT / "build-bench/bench/bench_cpp"


class Prong(Executor):
    name = "Prong"
    module = "prong"
    starts = ("fresh", "fork")
    options = "workers=2"
    details = {
        "map-each": "map(chunksize=1)",
        "map-batches": "map",
        "imap-unordered": "imap_unordered",
        "results": "imap_unordered",
        "cpu": "map",
        "queued": "submit",
        "same-array": "submit; shared: prong.share",
        "cpp": "prong::Pool({.workers = 2}), bench/cpp_pool.cc",
        "command-start": "prong --version; prong run -j1 /bin/true",
        "more-workers": "fresh",
        "scaling": "fresh; submit",
        "commands": "prong run -j2",
        "commands-output": "prong run -j2",
    }
    imports = "import prong"
    program = """
with prong.Pool(2, start="{start}") as pool:
    done(pool.submit(jobs.same, 42).result())
"""
    ways = {
        "same-array": ("given each time", "shared"),
        "command-start": ("--version", "run"),
        "cpp": ("submit", "map"),
        "steps": ("plain value", "pickled value", "after a pause of 5 ms"),
        "scaling": ("2 workers", "8 workers", "32 workers", "128 workers"),
        "more-workers": ("4 workers", "16 workers", "64 workers"),
    }
    fewer = {"same-array given each time": 20}

    def version(self) -> str:
        if self.library:
            return self.library.__version__
        return subprocess.check_output([COMMAND_LINE, "--version"], text=True).split()[-1]

    def open(self) -> None:
        self.pool = self.library.Pool(workers=self.workers, start=self.start)

    def close(self) -> None:
        self.pool.close()
        self.pool.join()

    def map_each(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return self.pool.map(function, arguments, chunksize=1)

    def map_batches(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return self.pool.map(function, arguments)

    run_jobs = map_batches

    def imap_unordered(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        return self.pool.imap_unordered(function, items)

    large_results = imap_unordered

    def same_array(self, function: Function, array: Any, count: int) -> list[Any]:
        if self.way == "given each time":
            return self.submit_all(function, [array] * count)
        return self.submit_all(lambda shared: function(shared.value), [self.library.share(array)] * count)

    def trace(self, function: Function, argument: Any) -> tuple[Any, dict[str, float]]:
        """One job, its result, and when what happened."""
        called = time.monotonic()
        job = self.pool.submit(function, argument)
        submitted = time.monotonic()
        result = job.result()
        returned = time.monotonic()
        attempt, times = job.attempts[-1], job.times
        return result, {
            "called": called,
            "submitted": submitted,
            "queued": times.submitted,
            "taken": attempt.started,
            "ended": attempt.ended,
            "seen": times.finished,
            "returned": returned,
        }

    def start_command(self) -> None:
        shortest = {"--version": ["--version"], "run": ["run", "-j1", "/bin/true"]}
        run_alone([COMMAND_LINE, *shortest[self.way]])

    def submit_in_cpp(self, count: int) -> float:
        return float(subprocess.check_output([CPP_PROGRAM, self.way, str(count)], text=True))

    def commands(self, command: str, inputs: int, output: int) -> None:
        arguments = [COMMAND_LINE, "run", f"-j{WORKERS}", command, "{}"]
        subprocess.run(arguments, stdin=inputs, stdout=output, check=True)
