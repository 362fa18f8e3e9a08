import multiprocessing
import platform
from collections.abc import Sequence
from typing import Any

from .base import WORKERS, Function, FunctionRunner


class MultiprocessingPool(FunctionRunner):
    name = "multiprocessing.Pool"
    starts = ("fork", "forkserver", "spawn")
    options = "processes=2"
    details = {
        "round-trip": "apply",
        "submit": "apply_async, get",
        "map-each": "map(chunksize=1)",
        "map-batches": "map, default chunksize",
        "array": "apply",
    }

    def version(self) -> str:
        return platform.python_version()

    def open(self) -> None:
        self.pool = multiprocessing.get_context(self.start).Pool(WORKERS)

    def close(self) -> None:
        self.pool.terminate()
        self.pool.join()

    def call(self, function: Function, argument: Any) -> Any:
        return self.pool.apply(function, (argument,))

    def submit_all(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        results = [self.pool.apply_async(function, (argument,)) for argument in arguments]
        return [result.get() for result in results]

    def map_each(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return self.pool.map(function, arguments, chunksize=1)

    def map_batches(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return self.pool.map(function, arguments)
