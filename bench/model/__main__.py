"""Writes the model's part of docs/performance.md and its plot: python -m model RECORD"""

import json
import sys
from pathlib import Path

from harness.page import replace_between
from harness.table import Table

from .check import Checked, check
from .costs import Costs, costs_of
from .plot import LENGTHS, draw
from .predict import jobs_per_second, saturating_workers

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs/performance.md"
IMAGE = PROJECT / "docs/images/scaling.svg"


def main() -> None:
    record = json.loads(Path(sys.argv[1]).read_text())
    costs = costs_of(record)
    checked = list(check(record, costs))
    draw(costs, checked, IMAGE)
    replace_between(PAGE, "model", text(record, costs, checked))


def text(record: dict, costs: Costs, checked: list[Checked]) -> str:
    facts = record["facts"]
    when = f"{facts['date'][:10]}, source {facts['source']}, load {facts['load_before']:.1f} before"
    first = f"From the costs measured on {when}. {where_it_ends(costs)}"
    tables = [saturation_table(costs), check_table(checked)]
    return "\n\n".join([first, *(table.as_markdown() for table in tables)])


def where_it_ends(costs: Costs) -> str:
    """The point at which one coordinator is saturated, in a sentence."""
    short, long = (1 / costs.in_program("submit", length) for length in (0.0, 1e-3))
    workers = saturating_workers(costs, "submit", 1e-3)
    return (
        f"**One coordinator is saturated at {short:,.0f} short jobs a second by `submit`, "
        f"{1 / costs.in_program('map', 0.0):,.0f} by `map` with chunk 1, and {long:,.0f} jobs that are too long to be "
        f"given ahead**; jobs of 1 ms keep {workers:,.0f} workers busy."
    )


def saturation_table(costs: Costs) -> Table:
    headers = ["Length of a job", "By", "2 workers", "16 workers", "128 workers", "saturated from"]
    table = Table("Predicted jobs a second, with a CPU for each worker", headers)
    for name, length in LENGTHS.items():
        for face in ("submit", "map"):
            rates = [f"{jobs_per_second(costs, face, workers, length):,.0f}" for workers in (2, 16, 128)]
            table.rows.append([name, face, *rates, f"{saturating_workers(costs, face, length):,.0f} workers"])
    return table


def check_table(checked: list[Checked]) -> Table:
    headers = ["Jobs that sleep", "Took in fact", "workers", "measured", "predicted for these CPUs", "beside it"]
    table = Table("The model beside what was measured, jobs a second", headers)
    for point in checked:
        rates = [f"{point.measured:,.0f}", f"{point.predicted:,.0f}", f"{point.predicted / point.measured:.2f}×"]
        table.rows.append([point.length, f"{point.seconds * 1e3:.2f} ms", str(point.workers), *rates])
    return table


if __name__ == "__main__":
    try:
        main()
    except LookupError as error:
        sys.exit(f"model: {error}")
