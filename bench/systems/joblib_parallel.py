from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .base import WORKERS, Function, FunctionRunner


class Joblib(FunctionRunner):
    name = "joblib"
    module = "joblib"
    distribution = "joblib"
    maps_arrays = True
    options = "n_jobs=2"
    details = {
        "round-trip": "one Parallel call for each job",
        "map-each": "backend='multiprocessing', batch_size=1, pre_dispatch='all'",
        "map-batches": "batch_size='auto', pre_dispatch='10*n_jobs'",
        "array": "argument memory-mapped (mmap_mode='c')",
        "array-in": "memory-mapped (mmap_mode='c')",
        "array-out": "pickled",
        "same-array": "memory-mapped (mmap_mode='c')",
        "imap-unordered": "return_as='generator_unordered', batch_size='auto', pre_dispatch='10*n_jobs'",
        "results": "return_as='generator_unordered', batch_size=1",
        "cpu": "batch_size='auto', pre_dispatch='all'",
    }
    imports = "import joblib"
    program = """
with joblib.Parallel(n_jobs=2) as pool:
    done(pool([joblib.delayed(jobs.same)(42)])[0])
"""
    cannot = {
        "submit": "has no submit: it runs whole loops (see the two maps)",
        "queued": "has no submit",
        "idle": "has no submit",
    }
    fewer = {"round-trip": 10, "map-each": 10, "map-batches": 10, "imap-unordered": 10, "same-array": 4, "results": 4}

    def open(self) -> None:
        self._use(mmap_mode="c")

    def close(self) -> None:
        self.pool.__exit__(None, None, None)
        self.pool = None
        self.library.externals.loky.get_reusable_executor().shutdown()

    def call(self, function: Function, argument: Any) -> Any:
        self.open()
        return self.pool([self.library.delayed(function)(argument)])[0]

    def map_each(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        self._use(backend="multiprocessing", batch_size=1, pre_dispatch="all")
        return self._map(function, arguments)

    def map_batches(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        self._use(batch_size="auto", pre_dispatch="10*n_jobs")
        return self._map(function, arguments)

    def run_jobs(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        self._use(batch_size="auto", pre_dispatch="all")
        return self._map(function, arguments)

    def imap_unordered(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        self._use(return_as="generator_unordered", batch_size="auto", pre_dispatch="10*n_jobs")
        return self._map(function, items)

    def large_results(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        self._use(return_as="generator_unordered", batch_size=1)
        return self._map(function, items)

    def same_array(self, function: Function, array: Any, count: int) -> list[Any]:
        self.open()
        return self._map(function, [array] * count)

    def _use(self, **options: Any) -> None:
        """Used as a context, Parallel keeps its workers from one call to the next."""
        if self.pool is not None:
            if options == self.in_use:
                return
            self.close()
        self.in_use = options
        self.pool = self.library.Parallel(n_jobs=WORKERS, **options)
        self.pool.__enter__()

    def _map(self, function: Function, arguments: Iterable[Any]) -> Any:
        delayed = self.library.delayed(function)
        return self.pool(delayed(argument) for argument in arguments)
