from collections.abc import Sequence
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
        "map-batches": "batch_size='auto'",
        "array": "argument memory-mapped (mmap_mode='c')",
    }
    cannot = {"submit": "has no submit: it runs whole loops (see the two maps)"}
    fewer = {"round-trip": 10, "map-each": 10, "map-batches": 10}

    def open(self) -> None:
        self._open(mmap_mode="c")

    def close(self) -> None:
        self.pool.__exit__(None, None, None)
        self.library.externals.loky.get_reusable_executor().shutdown()

    def call(self, function: Function, argument: Any) -> Any:
        return self.pool([self.library.delayed(function)(argument)])[0]

    def map_each(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        if self.pool.batch_size != 1:
            self.close()
            self._open(backend="multiprocessing", batch_size=1, pre_dispatch="all")
        return self.map_batches(function, arguments)

    def map_batches(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        delayed = self.library.delayed(function)
        return self.pool(delayed(argument) for argument in arguments)

    def _open(self, **options: Any) -> None:
        """Used as a context, Parallel keeps its workers from one call to the next."""
        self.pool = self.library.Parallel(n_jobs=WORKERS, **options)
        self.pool.__enter__()
