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
        new_row(work, system, start, way, options)
        for system in chosen
        if belongs(work, system)
        for start in (system.starts if work.by_start else system.starts[:1])
        for way in system.ways.get(work.name, [""])
    ]


def belongs(work: works.Work, system: type[systems.System]) -> bool:
    if work.only_systems is not None and system.name not in work.only_systems:
        return False
    return bool(getattr(system, work.needs, None)) or work.name in system.cannot


def selected(everything: list, names: list[str], always: object = None) -> list:
    """Names may be those of works or of systems; naming none of a kind means all of that kind."""
    named = [thing for thing in everything if thing.name in names]
    return [thing for thing in everything if thing in named or thing is always] if named else everything


def new_row(work: works.Work, system: type[systems.System], start: str, way: str, options: dict) -> Row:
    fewer = system.fewer.get(f"{work.name} {way}", system.fewer.get(work.name, 1))
    return {
        "system": system.name,
        "start": start,
        "way": way,
        "label": " ".join(filter(None, [system.name, start if work.by_start else "", way])),
        "settings": settings(work, system),
        "jobs": max(1, jobs_of(work, options) // fewer),
        "is_limit": system.is_limit,
        "maps_arrays": system.maps_arrays,
        "pickles_arrays": system.pickles_arrays,
        "samples": [],
        "notes": [],
        REASON: system.cannot.get(work.name),
    }


def jobs_of(work: works.Work, options: dict) -> int:
    return options["jobs"] or (work.quick_jobs if options["quick"] else work.jobs)


def settings(work: works.Work, system: type[systems.System]) -> str:
    how = system.details.get(work.name, "")
    if not work.uses_options:
        return how or system.options
    start = "" if work.by_start else system.starts[0]
    options = ", ".join(filter(None, [system.options, start]))
    return "; ".join(filter(None, [options, how]))


def carry_out(record: dict, say: Callable[[str], None]) -> None:
    """Fills in the samples: in each repetition every system once, in an order that a fixed seed shuffles."""
    order = random.Random(record["options"]["seed"])
    for work in record["works"]:
        start = time.monotonic()
        for row in in_turn(work["rows"], repetitions(work, record["options"]), order):
            take_sample(record, work, row)
        say(f"{time.monotonic() - start:5.0f} s  {work['title']}")


def limit_seconds(options: dict) -> int:
    return 3600 if options["jobs"] else 120


def repetitions(work: dict, options: dict) -> int:
    most = works.BY_NAME[work["name"]].most_repetitions
    return options["repetitions"] if most is None else min(most, options["repetitions"])


def in_turn(all_rows: list[Row], times: int, order: random.Random) -> Iterator[Row]:
    for _ in range(times):
        turn = [row for row in all_rows if not row[REASON]]
        order.shuffle(turn)
        yield from turn


def take_sample(record: dict, work: dict, row: Row) -> None:
    """A system that fails once is not tried again at this work: its place in the table tells why."""
    which = work["name"], row["system"], row["start"], row["way"]
    answer = isolate.run(*which, row["jobs"], limit_seconds(record["options"]))
    if "error" in answer:
        row[REASON] = answer["error"]
        row["samples"], row["notes"] = [], []
        return
    row["samples"].append(answer["cost"])
    row["notes"].append(answer["notes"])
    record["versions"][row["system"]] = answer["version"]


def measured_prong(work: dict) -> bool:
    """Whether every way of starting Prong gave a result."""
    return all(row["samples"] for row in work["rows"] if row["system"] == systems.Prong.name)
