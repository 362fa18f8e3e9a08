from collections.abc import Sequence
from typing import Any

from .base import BATCHED_BY_HAND, WORKERS, Function, FunctionRunner, batch_by_hand


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
    }
    fewer = {"map-batches": 5}

    def open(self) -> None:
        self.pool = self.library.ProcessPool(max_workers=WORKERS)

    def close(self) -> None:
        self.pool.stop()
        self.pool.join()

    def call(self, function: Function, argument: Any) -> Any:
        return self.pool.schedule(function, args=(argument,)).result()

    def submit_all(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        futures = [self.pool.schedule(function, args=(argument,)) for argument in arguments]
        return [future.result() for future in futures]

    def map_each(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return list(self.pool.map(function, arguments, chunksize=1).result())

    def map_batches(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return list(self.pool.map(function, arguments, chunksize=batch_by_hand(arguments)).result())
