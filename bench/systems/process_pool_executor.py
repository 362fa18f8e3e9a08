import multiprocessing
import platform

from .base import BATCHED_BY_HAND, READS_ALL_FIRST, WORKERS, Executor


class ProcessPoolExecutor(Executor):
    name = "ProcessPoolExecutor"
    module = "concurrent.futures"
    starts = ("fork", "forkserver", "spawn")
    options = "max_workers=2"
    details = {
        "map-each": "map(chunksize=1)",
        "map-batches": BATCHED_BY_HAND,
        "results": "map(chunksize=1)",
        "cpu": "map(chunksize=1)",
    }
    imports = "import concurrent.futures, multiprocessing"
    program = """
with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("{start}")) as pool:
    done(pool.submit(jobs.same, 42).result())
"""
    cannot = {"imap-unordered": READS_ALL_FIRST}
    fewer = {"map-each": 2, "same-array": 500, "results": 4, "queued": 20}

    def version(self) -> str:
        return platform.python_version()

    def open(self) -> None:
        context = multiprocessing.get_context(self.start)
        self.pool = self.library.ProcessPoolExecutor(WORKERS, mp_context=context)
