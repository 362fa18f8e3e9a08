from .base import BATCHED_BY_HAND, READS_ALL_FIRST, WORKERS, Executor


class Loky(Executor):
    name = "loky"
    module = "loky"
    distribution = "loky"
    options = "max_workers=2"
    details = {"map-each": "map(chunksize=1)", "map-batches": BATCHED_BY_HAND, "results": "map(chunksize=1)"}
    imports = "import loky"
    program = """
with loky.ProcessPoolExecutor(2) as pool:
    done(pool.submit(jobs.same, 42).result())
"""
    cannot = {"imap-unordered": READS_ALL_FIRST}
    fewer = {"submit": 4, "map-each": 4, "same-array": 500, "results": 2, "queued": 100}

    def open(self) -> None:
        self.pool = self.library.ProcessPoolExecutor(max_workers=WORKERS)
