import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .base import WORKERS, Function, FunctionRunner

AHEAD = 8


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
        "array-in": "object store",
        "array-out": "object store",
        "same-array": "put once",
        "imap-unordered": "ray.util.multiprocessing.Pool(2).imap_unordered(chunksize=100)",
        "results": "two actors, 8 calls ahead; ray.wait",
        "cpu": "tasks",
        "start": "a task",
    }
    imports = "import ray"
    program = """
ray.init(num_cpus=2, include_dashboard=False, configure_logging=False, log_to_driver=False, object_store_memory=2**30)
done(ray.get(ray.remote(jobs.same).remote(42)))
ray.shutdown()
"""
    fewer = {"round-trip": 10, "submit": 10, "map-each": 10, "map-batches": 10, "imap-unordered": 4, "results": 2}

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
        return self._pool_of_batches().map(function, arguments)

    def imap_unordered(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        return self._pool_of_batches().imap_unordered(function, items, chunksize=100)

    def _pool_of_batches(self) -> Any:
        if self.batches is None:
            from ray.util.multiprocessing import Pool

            self.batches = Pool(WORKERS)
        return self.batches

    def run_jobs(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        task = self.library.remote(function)
        return self.library.get([task.remote(argument) for argument in arguments])

    def same_array(self, function: Function, array: Any, count: int) -> list[Any]:
        return self.submit_all(function, [self.library.put(array)] * count)

    def large_results(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        actors = itertools.cycle(self._actors())
        calls = (next(actors).run.remote(function, item) for item in items)
        running = list(itertools.islice(calls, AHEAD))
        while running:
            [done], running = self.library.wait(running)
            running.extend(itertools.islice(calls, 1))
            yield self.library.get(done)

    def _actors(self) -> list[Any]:
        """Two actors; they reserve no CPU, so that Ray's Pool can be used beside them."""
        if self.pool is None:
            actor = self.library.remote(Runner)
            self.pool = [actor.options(num_cpus=0).remote() for _ in range(WORKERS)]
        return self.pool
