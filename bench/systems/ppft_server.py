import pickle
from collections.abc import Sequence
from typing import Any

from .base import WORKERS, Function, FunctionRunner


class Ppft(FunctionRunner):
    name = "ppft"
    module = "ppft"
    distribution = "ppft"
    options = "ncpus=2, proto=5"
    imports = "import ppft, pickle"
    program = """
pool = ppft.Server(ncpus=2, ppservers=(), proto=pickle.HIGHEST_PROTOCOL)
done(pool.submit(jobs.same, (42,))())
pool.destroy()
"""
    cannot = {
        "map-each": "has no map: see submit",
        "map-batches": "has no map",
    }
    fewer = {"round-trip": 10, "submit": 10}

    def open(self) -> None:
        self.pool = self.library.Server(ncpus=WORKERS, ppservers=(), proto=pickle.HIGHEST_PROTOCOL)

    def close(self) -> None:
        self.pool.destroy()

    def call(self, function: Function, argument: Any) -> Any:
        return self.pool.submit(function, (argument,))()

    def submit_all(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        jobs = [self.pool.submit(function, (argument,)) for argument in arguments]
        return [job() for job in jobs]
