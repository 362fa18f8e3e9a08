"""What the model says of jobs that sleep, beside what was measured."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from .costs import Costs, row_of
from .predict import jobs_per_second_here

WORKERS = (2, 8, 32, 128)
LENGTHS = ("1 ms", "10 ms", "100 ms")


@dataclass(frozen=True)
class Checked:
    workers: int
    length: str
    seconds: float  # that the jobs took in fact
    measured: float
    predicted: float


def check(record: dict, costs: Costs) -> Iterator[Checked]:
    for workers in WORKERS:
        notes = row_of(record, "scaling", f"Prong {workers} workers")["notes"]
        for length in LENGTHS:
            seconds = median(each[f"{length} took"] for each in notes)
            predicted = jobs_per_second_here(costs, workers, seconds - costs.around, record["facts"]["cpus"])
            yield Checked(workers, length, seconds, median(each[length] for each in notes), predicted)
