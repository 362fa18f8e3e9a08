from collections.abc import Sequence
from typing import Any

from .base import READS_ALL_FIRST, WORKERS, Executor, Function


class Deadpool(Executor):
    name = "deadpool"
    module = "deadpool"
    distribution = "deadpool-executor"
    starts = ("forkserver", "fork")
    options = "max_workers=2, max_backlog=100,000"
    details = {"map-each": "map"}
    imports = "import deadpool"
    program = """
with deadpool.Deadpool(max_workers=2, mp_context="{start}", max_backlog=100_000) as pool:
    done(pool.submit(jobs.same, 42).result())
"""
    cannot = {"map-batches": "its map has no batches (chunksize is ignored)", "imap-unordered": READS_ALL_FIRST}
    fewer = {"round-trip": 10, "submit": 10, "map-each": 10, "queued": 200}

    def open(self) -> None:
        self.pool = self.library.Deadpool(max_workers=WORKERS, mp_context=self.start, max_backlog=100_000)

    def map_each(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return list(self.pool.map(function, arguments))

    map_batches = None
    large_results = None
    same_array = None
    run_jobs = None
