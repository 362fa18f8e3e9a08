"""Who is measured at what, how often and in which order; the record of it."""

import random
import time
from collections.abc import Callable, Iterator

import systems
import works

from . import isolate

REASON = "reason"

# A row of the record: one system, started one way, at one work.
Row = dict


def new_record(facts: dict, options: dict) -> dict:
    return {
        "format": 1,
        "facts": facts,
        "options": options,
        "versions": {},
        "works": [
            {"name": work.name, "title": work.title, "rows": rows(work, options)}
            for work in selected(works.ALL, options["only"])
        ],
    }


def rows(work: works.Work, options: dict) -> list[Row]:
    chosen = selected(systems.ALL, options["only"], always=systems.Prong)
    return [
        new_row(work, system, start, options["quick"])
        for system in chosen
        if getattr(system, work.needs, None) or work.name in system.cannot
        for start in (system.starts if work.by_start else system.starts[:1])
    ]


def selected(everything: list, names: list[str], always: object = None) -> list:
    """Names may be those of works or of systems; naming none of a kind means all of that kind."""
    named = [thing for thing in everything if thing.name in names]
    return [thing for thing in everything if thing in named or thing is always] if named else everything


def new_row(work: works.Work, system: type[systems.System], start: str, quick: bool) -> Row:
    size = (work.quick_jobs if quick else work.jobs) // system.fewer.get(work.name, 1)
    return {
        "system": system.name,
        "start": start,
        "label": f"{system.name} {start}".strip() if work.by_start else system.name,
        "settings": settings(work, system),
        "jobs": size,
        "is_limit": system.is_limit,
        "maps_arrays": system.maps_arrays,
        "samples": [],
        REASON: system.cannot.get(work.name),
    }


def settings(work: works.Work, system: type[systems.System]) -> str:
    how = system.details.get(work.name, "")
    if work.needs == "commands":
        return how or system.options
    start = "" if work.by_start else system.starts[0]
    options = ", ".join(filter(None, [system.options, start]))
    return "; ".join(filter(None, [options, how]))


def carry_out(record: dict, say: Callable[[str], None]) -> None:
    """Fills in the samples: in each repetition every system once, in an order that a fixed seed shuffles."""
    order = random.Random(record["options"]["seed"])
    for work in record["works"]:
        start = time.monotonic()
        for row in in_turn(work["rows"], record["options"]["repetitions"], order):
            take_sample(record, work, row)
        say(f"{time.monotonic() - start:5.0f} s  {work['title']}")


def in_turn(all_rows: list[Row], repetitions: int, order: random.Random) -> Iterator[Row]:
    for _ in range(repetitions):
        turn = [row for row in all_rows if not row[REASON]]
        order.shuffle(turn)
        yield from turn


def take_sample(record: dict, work: dict, row: Row) -> None:
    """A system that fails once is not tried again at this work: its place in the table tells why."""
    answer = isolate.run(work["name"], row["system"], row["start"], row["jobs"])
    if "error" in answer:
        row[REASON] = answer["error"]
        row["samples"] = []
        return
    row["samples"].append(answer["seconds_each"])
    record["versions"][row["system"]] = answer["version"]


def measured_prong(work: dict) -> bool:
    """Whether every way of starting Prong gave a result."""
    return all(row["samples"] for row in work["rows"] if row["system"] == systems.Prong.name)
