from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .base import BATCHED_BY_HAND, READS_ALL_FIRST, WORKERS, Function, FunctionRunner, batch_by_hand


class Pebble(FunctionRunner):
    name = "pebble"
    module = "pebble"
    distribution = "Pebble"
    options = "max_workers=2, fork"
    details = {
        "round-trip": "schedule",
        "submit": "schedule",
        "map-each": "map(chunksize=1)",
        "map-batches": BATCHED_BY_HAND,
        "queued": "schedule",
        "results": "map(chunksize=1)",
    }
    imports = "import pebble"
    program = """
with pebble.ProcessPool(max_workers=2) as pool:
    done(pool.schedule(jobs.same, args=[42]).result())
"""
    cannot = {"imap-unordered": READS_ALL_FIRST}
    fewer = {"map-batches": 5, "results": 4, "queued": 20}

    def open(self) -> None:
        self.pool = self.library.ProcessPool(max_workers=WORKERS)

    def close(self) -> None:
        self.pool.stop()
        self.pool.join()

    def call(self, function: Function, argument: Any) -> Any:
        return self.pool.schedule(function, args=(argument,)).result()

    def submit_only(self, function: Function, arguments: Iterable[Any]) -> list[Any]:
        return [self.pool.schedule(function, args=(argument,)) for argument in arguments]

    def results_of(self, handle: list[Any]) -> list[Any]:
        return [future.result() for future in handle]

    def submit_all(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return self.results_of(self.submit_only(function, arguments))

    def large_results(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        return self.pool.map(function, items, chunksize=1).result()

    def map_each(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return list(self.pool.map(function, arguments, chunksize=1).result())

    def map_batches(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return list(self.pool.map(function, arguments, chunksize=batch_by_hand(arguments)).result())
