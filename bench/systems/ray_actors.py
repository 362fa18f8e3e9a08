from collections.abc import Sequence
from typing import Any

from .base import WORKERS, Function, FunctionRunner


class Runner:
    """An actor that runs whatever it is sent: for short jobs faster than Ray's plain tasks."""

    def run(self, function: Function, argument: Any) -> Any:
        return function(argument)


class Ray(FunctionRunner):
    name = "ray"
    module = "ray"
    distribution = "ray"
    maps_arrays = True
    options = "num_cpus=2, no dashboard"
    details = {
        "round-trip": "an actor",
        "submit": "two actors in turn",
        "map-each": "two actors in turn",
        "map-batches": "ray.util.multiprocessing.Pool(2).map",
        "array": "object store; the job copies, since arrays arrive read-only",
        "start": "a task",
    }
    fewer = {"round-trip": 10, "submit": 10, "map-each": 10, "map-batches": 10}

    batches = None

    def open(self) -> None:
        self.library.init(
            num_cpus=WORKERS,
            include_dashboard=False,
            configure_logging=False,
            log_to_driver=False,
            object_store_memory=2**30,
        )

    def close(self) -> None:
        self.library.shutdown()

    def call(self, function: Function, argument: Any) -> Any:
        return self.library.get(self._actors()[0].run.remote(function, argument))

    def submit_all(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        actors = self._actors()
        results = [actors[turn % WORKERS].run.remote(function, argument) for turn, argument in enumerate(arguments)]
        return self.library.get(results)

    map_each = submit_all

    def map_batches(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        if self.batches is None:
            from ray.util.multiprocessing import Pool

            self.batches = Pool(WORKERS)
        return self.batches.map(function, arguments)

    def first_result(self, function: Function, argument: Any) -> Any:
        self.open()
        return self.library.get(self.library.remote(function).remote(argument))

    def _actors(self) -> list[Any]:
        """Two actors; they reserve no CPU, so that Ray's Pool can be used beside them."""
        if self.pool is None:
            actor = self.library.remote(Runner)
            self.pool = [actor.options(num_cpus=0).remote() for _ in range(WORKERS)]
        return self.pool
