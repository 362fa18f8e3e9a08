"""Turns a record into the table, for the terminal and for docs/performance.md."""

from collections.abc import Iterator
from statistics import median

import works

from .environment import PROJECT
from .goals import reached
from .ratios import Spread, faster_by, spread
from .table import Table

PAGE = PROJECT / "docs/performance.md"
BEGIN = "<!-- results: written by bench/run -->"
END = "<!-- end of results -->"
NOTHING = "–"


def as_text(record: dict) -> str:
    return "\n\n".join([conditions(record), *(table.as_text() for table in tables(record))])


def as_markdown(record: dict) -> str:
    return "\n\n".join([conditions(record), *(table.as_markdown() for table in tables(record))])


def write_page(record: dict) -> None:
    """Replaces what stands between the two markers."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{as_markdown(record)}\n{END}{after}")


def conditions(record: dict) -> str:
    facts, options = record["facts"], record["options"]
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items() if version)
    return (
        f"{facts['date'][:16].replace('T', ' ')}, source {facts['source']}. "
        f"{facts['cpus']} CPUs ({facts['cpu']}), {facts['memory_gib']} GiB, "
        f"Linux {facts['kernel']}, {facts['system']}, {facts['libc']}, load {facts['load_before']:.1f} before. "
        f"{options['repetitions']} repetitions, order shuffled with seed {options['seed']}"
        f"{', quick run with less work' if options['quick'] else ''}. "
        f"2 workers everywhere. Versions: {versions}."
    )


def tables(record: dict) -> Iterator[Table]:
    if goals := goal_table(record):
        yield goals
    for work in record["works"]:
        yield work_table(work)


def goal_table(record: dict) -> Table | None:
    headers = ["Work", "Beside", "first release", "goal", "measured", "min–max", "reached"]
    table = Table("Goals: how many times less time Prong takes", headers)
    for goal, work, measured in reached(record):
        first = times(goal.first_release) if goal.first_release else NOTHING
        row = [work["title"], goal.peer, first, times(goal.factor), times(measured.median)]
        table.rows.append([*row, between(measured), verdict(goal, measured)])
    return table if table.rows else None


def verdict(goal, measured: Spread) -> str:
    if measured.median >= goal.factor:
        return "yes"
    return "first release" if goal.first_release and measured.median >= goal.first_release else "no"


def work_table(work: dict) -> Table:
    """Fastest first, what could not be measured last."""
    prongs = [row for row in work["rows"] if row["system"] == "Prong" and row["samples"]]
    ratios = [f"{row['label']} is faster by" for row in prongs]
    table = Table(work["title"], ["System", "Settings", "jobs", "median", "slowest … fastest", *ratios])
    for row in sorted(work["rows"], key=order):
        table.rows.append(cells(work, row, prongs))
    return table


def order(row: dict) -> float:
    return median(row["samples"]) if row["samples"] else float("inf")


def cells(work: dict, row: dict, prongs: list[dict]) -> list[str]:
    if not row["samples"]:
        return [row["label"], row["reason"], *[NOTHING] * (3 + len(prongs))]
    show = works.BY_NAME[work["name"]].show
    took = spread(row["samples"])
    results = [show(took.median), f"{show(took.high)} … {show(took.low)}"]
    ratios = [compare(prong, row) for prong in prongs]
    return [row["label"], row["settings"], f"{row['jobs']:,}", *results, *ratios]


def compare(prong: dict, row: dict) -> str:
    if prong is row:
        return "1"
    ratio = faster_by(prong, row)
    return f"{times(ratio.median)} ({between(ratio)})"


def times(factor: float) -> str:
    return f"{factor:.{0 if factor >= 20 else 1 if factor >= 3 else 2}f}×"


def between(ratio: Spread) -> str:
    return f"{times(ratio.low)}–{times(ratio.high)}"
