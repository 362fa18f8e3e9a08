from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .base import WORKERS, Function, FunctionRunner


class Dask(FunctionRunner):
    name = "dask.distributed"
    module = "distributed"
    distribution = "distributed"
    # By its serialization family "dask" (distributed/protocol/numpy.py): a header and the array's memory.
    pickles_arrays = False
    options = "n_workers=2, threads_per_worker=1, processes=True"
    details = {
        "round-trip": "submit(pure=False)",
        "submit": "submit(pure=False)",
        "map-each": "map(pure=False)",
        "map-batches": "dask.bag, npartitions=8 by hand",
        "array": "scatter, submit, gather, all direct",
        "array-in": "scatter, submit, gather, all direct",
        "array-out": "submit",
        "same-array": "scatter(broadcast=True)",
        "results": "map, as_completed",
        "cpu": "map(pure=False)",
    }
    imports = "import distributed"
    program = """
with distributed.Client(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as pool:
    done(pool.submit(jobs.same, 42, pure=False).result())
"""
    cannot = {"imap-unordered": "its map reads the whole input first"}
    fewer = {"round-trip": 20, "submit": 40, "map-each": 40, "map-batches": 10, "same-array": 10, "results": 4}

    def open(self) -> None:
        self.pool = self.library.Client(n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=":0")

    def close(self) -> None:
        self.pool.shutdown()

    def call(self, function: Function, argument: Any) -> Any:
        return self.pool.submit(function, argument, pure=False).result()

    def submit_all(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        futures = [self.pool.submit(function, argument, pure=False) for argument in arguments]
        return self.pool.gather(futures)

    def map_each(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return self.pool.gather(self.pool.map(function, arguments, pure=False))

    run_jobs = map_each

    def large_results(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        futures = self.library.as_completed(self.pool.map(function, items, pure=False), with_results=True)
        return (result for _, result in futures)

    def same_array(self, function: Function, array: Any, count: int) -> list[Any]:
        sent = self.pool.scatter(array, broadcast=True, direct=True, hash=False)
        return self.pool.gather([self.pool.submit(function, sent, pure=False) for _ in range(count)])

    def map_batches(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        from dask import bag

        items = bag.from_sequence(arguments, npartitions=4 * WORKERS)
        return items.map(function).compute(scheduler=self.pool)

    def send_array(self, function: Function, array: Any) -> Any:
        sent = self.pool.scatter(array, direct=True, hash=False)
        return self.pool.gather(self.pool.submit(function, sent, pure=False), direct=True)
