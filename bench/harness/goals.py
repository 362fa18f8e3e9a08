"""What Prong means to reach, and what a record says about it."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from .ratios import Spread, faster_by, spread

BEST_PICKLING = "the best peer that pickles"


@dataclass(frozen=True)
class Goal:
    """Prong is to take at most 1/factor of the peer's time."""

    work: str
    peer: str
    factor: float
    first_release: float | None = None
    prong: str = "Prong"


@dataclass(frozen=True)
class Bound:
    """A figure of Prong's own: at most `limit`, or at least. Without a note it is the work's cost."""

    work: str
    limit: float
    note: str | None = None
    prong: str = "Prong"
    at_least: bool = False

    def met_by(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


GOALS = [
    Goal("round-trip", "multiprocessing.Pool", 10),
    Goal("submit", "multiprocessing.Pool", 3, first_release=1.5),
    Goal("submit", "ProcessPoolExecutor", 12),
    Goal("map-each", "multiprocessing.Pool", 6, first_release=2),
    Goal("map-batches", "multiprocessing.Pool", 1),
    Goal("array", BEST_PICKLING, 10),
    Goal("start", "multiprocessing.Pool fork", 1, prong="Prong fork"),
    Goal("start", "limit: bare interpreter", 1 / 1.3, prong="Prong fresh"),
    Goal("commands", "limit: posix_spawn loop", 0.9),
    Goal("commands", "xargs", 1.2, first_release=1),
    Goal("commands", "GNU parallel", 7),
]

BOUNDS: list[Bound] = []


def reached(record: dict) -> Iterator[tuple[Goal, dict, Spread]]:
    """The goals that the record can judge, each with its work and what was measured."""
    measured = {work["name"]: work for work in record["works"]}
    for goal in GOALS:
        work = measured.get(goal.work, {"rows": []})
        rows = {row["label"]: row for row in work["rows"] if row["samples"]}
        prong, peer = rows.get(goal.prong), find_peer(rows, goal.peer)
        if prong and peer:
            yield goal, work, faster_by(prong, peer)


def bounds_of(record: dict) -> Iterator[tuple[Bound, dict, Spread]]:
    """The bounds that the record can judge, each with its work and what was measured."""
    measured = {work["name"]: work for work in record["works"]}
    for bound in BOUNDS:
        for row in measured.get(bound.work, {"rows": []})["rows"]:
            if row["label"] == bound.prong and row["samples"]:
                yield bound, measured[bound.work], spread(figures(row, bound.note))


def figures(row: dict, note: str | None) -> list[float]:
    return row["samples"] if note is None else [notes.get(note) for notes in row["notes"]]


def find_peer(rows: dict[str, dict], name: str) -> dict | None:
    if name != BEST_PICKLING:
        return rows.get(name)
    return min(filter(pickles, rows.values()), key=lambda row: median(row["samples"]), default=None)


def pickles(row: dict) -> bool:
    return not (row["is_limit"] or row["maps_arrays"] or row["system"] == "Prong")
