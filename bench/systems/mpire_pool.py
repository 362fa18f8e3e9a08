from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .base import WORKERS, Function, FunctionRunner


class Mpire(FunctionRunner):
    name = "mpire"
    module = "mpire"
    distribution = "mpire"
    options = "n_jobs=2, fork, keep_alive=True"
    details = {
        "round-trip": "apply",
        "submit": "apply_async, get",
        "map-each": "map(chunk_size=1, max_tasks_active=all)",
        "map-batches": "map, default chunk_size",
        "imap-unordered": "imap_unordered(chunk_size=1)",
        "results": "imap_unordered(chunk_size=1)",
    }
    imports = "import mpire"
    program = """
with mpire.WorkerPool(n_jobs=2, start_method="fork", keep_alive=True) as pool:
    done(pool.apply(jobs.same, (42,)))
"""
    fewer = {"submit": 2, "map-each": 2, "map-batches": 5, "imap-unordered": 4, "results": 2}

    def open(self) -> None:
        self.pool = self.library.WorkerPool(n_jobs=WORKERS, start_method="fork", keep_alive=True)

    def close(self) -> None:
        self.pool.terminate()

    def call(self, function: Function, argument: Any) -> Any:
        return self.pool.apply(function, (argument,))

    def submit_all(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        results = [self.pool.apply_async(function, (argument,)) for argument in arguments]
        return [result.get() for result in results]

    def map_each(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        everything = len(arguments)
        return self.pool.map(function, arguments, chunk_size=1, max_tasks_active=everything)

    def imap_unordered(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        return self.pool.imap_unordered(function, items, chunk_size=1)

    large_results = imap_unordered

    def map_batches(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return self.pool.map(function, arguments)
