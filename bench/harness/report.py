"""Turns a record into the table, for the terminal and for docs/performance.md."""

from collections.abc import Callable, Iterator
from statistics import median

import works

from .environment import PROJECT
from .goals import Bound, bounds_of, figures, reached
from .page import replace_between
from .ratios import Spread, faster_by, spread
from .table import Table

PAGE = PROJECT / "docs/performance.md"
NOTHING = "–"


def as_text(record: dict) -> str:
    return "\n\n".join([conditions(record), *(table.as_text() for table in tables(record))])


def as_markdown(record: dict) -> str:
    return "\n\n".join([conditions(record), *(table.as_markdown() for table in tables(record))])


def write_page(record: dict) -> None:
    replace_between(PAGE, "results", as_markdown(record))


def conditions(record: dict) -> str:
    facts, options = record["facts"], record["options"]
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items() if version)
    return (
        f"{facts['date'][:16].replace('T', ' ')}, source {facts['source']}. "
        f"{facts['cpus']} CPUs ({facts['cpu']}), {facts['memory_gib']} GiB, "
        f"Linux {facts['kernel']}, {facts['system']}, {facts['libc']}, load {facts['load_before']:.1f} before. "
        f"{options['repetitions']} repetitions, order shuffled with seed {options['seed']}"
        f"{', quick run with less work' if options['quick'] else ''}. "
        f"2 workers, unless a table says otherwise. Versions: {versions}."
    )


def tables(record: dict) -> Iterator[Table]:
    if goals := goal_table(record):
        yield goals
    if bounds := bound_table(record):
        yield bounds
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


def bound_table(record: dict) -> Table | None:
    table = Table("Goals that need no peer", ["Work", "Figure", "goal", "measured", "min–max", "reached"])
    for bound, work, measured in bounds_of(record):
        show = show_of(bound)
        figure = " ".join(filter(None, [bound.prong, bound.note and f"– {bound.note}"]))
        low_to_high = f"{show(measured.low)}–{show(measured.high)}"
        reached_it = "yes" if bound.met_by(measured.median) else "no"
        table.rows.append([work["title"], figure, show(bound.limit), show(measured.median), low_to_high, reached_it])
    return table if table.rows else None


def show_of(bound: Bound) -> Callable[[float], str]:
    work = works.BY_NAME[bound.work]
    return work.notes[bound.note] if bound.note else work.show


def verdict(goal, measured: Spread) -> str:
    if measured.median >= goal.factor:
        return "yes"
    return "first release" if goal.first_release and measured.median >= goal.first_release else "no"


def work_table(work: dict) -> Table:
    """Fastest first, what could not be measured last."""
    known = works.BY_NAME[work["name"]]
    prongs = [row for row in work["rows"] if row["system"] == "Prong" and row["samples"] and known.has_ratios]
    ratios = [f"{row['label']} is faster by" for row in prongs]
    headers = ["System", "Settings", "jobs", "median", "slowest … fastest", *ratios, *known.notes]
    table = Table(work["title"], headers)
    for row in sorted(work["rows"], key=order):
        table.rows.append(cells(known, row, prongs))
    return table


def order(row: dict) -> float:
    return median(row["samples"]) if row["samples"] else float("inf")


def cells(known: works.Work, row: dict, prongs: list[dict]) -> list[str]:
    if not row["samples"]:
        return [row["label"], row["reason"], *[NOTHING] * (3 + len(prongs) + len(known.notes))]
    took = spread(row["samples"])
    results = [known.show(took.median), f"{known.show(took.high)} … {known.show(took.low)}"]
    ratios = [compare(prong, row) for prong in prongs]
    notes = [show_note(row, note, show) for note, show in known.notes.items()]
    return [row["label"], row["settings"], f"{row['jobs']:,}", *results, *ratios, *notes]


def show_note(row: dict, note: str, show: Callable[[float], str]) -> str:
    measured = [value for value in figures(row, note) if value is not None]
    return show(median(measured)) if measured else NOTHING


def compare(prong: dict, row: dict) -> str:
    if prong is row:
        return "1"
    ratio = faster_by(prong, row)
    return f"{times(ratio.median)} ({between(ratio)})"


def times(factor: float) -> str:
    return f"{factor:.{0 if factor >= 20 else 1 if factor >= 3 else 2}f}×"


def between(ratio: Spread) -> str:
    return f"{times(ratio.low)}–{times(ratio.high)}"
