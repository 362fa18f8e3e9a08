from .base import BATCHED_BY_HAND, WORKERS, Executor


class Loky(Executor):
    name = "loky"
    module = "loky"
    distribution = "loky"
    options = "max_workers=2"
    details = {"map-each": "map(chunksize=1)", "map-batches": BATCHED_BY_HAND}
    fewer = {"submit": 4, "map-each": 4}

    def open(self) -> None:
        self.pool = self.library.ProcessPoolExecutor(max_workers=WORKERS)
