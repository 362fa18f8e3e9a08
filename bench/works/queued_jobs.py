import contextlib
import os
import pickle
import tempfile
import time
from pathlib import Path

import jobs

from .base import WarmWork, each, expect, meet_in_two_processes, show_bytes, show_rate, show_share, timed
from .processes import MemoryGrowth

PARTS = 10


class QueuedJobs(WarmWork):
    """What does a job hold that waits in the queue, and is it as cheap to submit when many wait?"""

    name = "queued"
    title = "1,000,000 jobs submitted while the workers are busy"
    needs = "submit_only"
    jobs = 1_000_000
    quick_jobs = 20_000
    most_repetitions = 3
    show = staticmethod(show_rate)
    notes = {"overhead of a job": show_bytes, "rate of the last tenth beside the first": show_share}

    def warm_up(self, system, size):
        """Little, so that no memory is left over from it for the jobs that are measured."""
        meet_in_two_processes(system)

    def measure_warm(self, system, size):
        parts = [range(start, start + size // PARTS) for start in range(0, size // PARTS * PARTS, size // PARTS)]
        handles = [None] * PARTS
        with busy_workers(system):
            growth = MemoryGrowth()
            seconds = []
            for place, part in enumerate(parts):
                took, handles[place] = timed(lambda part=part: system.submit_only(jobs.same, part))
                seconds.append(took)
            held_bytes = growth.peak_bytes()
        for handle, part in zip(handles, parts, strict=True):
            expect(system.results_of(handle) == list(part), "wrong results")
        notes = {
            "overhead of a job": held_bytes / size - len(pickle.dumps(size // 2, 5)),
            "rate of the last tenth beside the first": seconds[0] / seconds[-1],
        }
        return each(sum(seconds), size, notes)


@contextlib.contextmanager
def busy_workers(system):
    """Both workers run a job that lasts until this ends."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.mkfifo(folder / "gate")
        held = system.submit_only(jobs.hold, [name] * system.workers)
        while len(list(folder.iterdir())) < 1 + system.workers:
            time.sleep(0.001)
        try:
            yield
        finally:
            (folder / "gate").write_bytes(b"")
            system.results_of(held)
