import multiprocessing
import platform
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .base import Function, FunctionRunner


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
        "array-in": "apply",
        "array-out": "apply",
        "imap-unordered": "imap_unordered",
        "results": "imap_unordered(chunksize=1)",
        "same-array": "apply_async, get",
        "queued": "apply_async",
        "cpu": "map(chunksize=1)",
        "more-workers": "fork",
    }
    imports = "import multiprocessing"
    program = """
with multiprocessing.get_context("{start}").Pool(2) as pool:
    done(pool.apply(jobs.same, (42,)))
"""
    ways = {
        "imap-unordered": ("chunksize=1", "chunksize=1000"),
        "more-workers": ("64 workers",),
    }
    fewer = {"imap-unordered chunksize=1": 2, "same-array": 500, "results": 4, "queued": 10}

    def version(self) -> str:
        return platform.python_version()

    def open(self) -> None:
        self.pool = multiprocessing.get_context(self.start).Pool(self.workers)

    def close(self) -> None:
        self.pool.terminate()
        self.pool.join()

    def call(self, function: Function, argument: Any) -> Any:
        return self.pool.apply(function, (argument,))

    def submit_only(self, function: Function, arguments: Iterable[Any]) -> list[Any]:
        return [self.pool.apply_async(function, (argument,)) for argument in arguments]

    def results_of(self, handle: list[Any]) -> list[Any]:
        return [result.get() for result in handle]

    def submit_all(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return self.results_of(self.submit_only(function, arguments))

    def same_array(self, function: Function, array: Any, count: int) -> list[Any]:
        return self.submit_all(function, [array] * count)

    def imap_unordered(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        chunk = int(self.way.removeprefix("chunksize="))
        return self.pool.imap_unordered(function, items, chunksize=chunk)

    def large_results(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        return self.pool.imap_unordered(function, items, chunksize=1)

    def map_each(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return self.pool.map(function, arguments, chunksize=1)

    run_jobs = map_each

    def map_batches(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return self.pool.map(function, arguments)
