"""What Prong means to reach, and what a record says about it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from .ratios import Spread, faster_by, spread

BEST_PEER = "the best peer"
BEST_PICKLING = "the best peer that pickles"
BEST_SENDING = "the best peer that sends the bytes"
# In records that do not say it.
PICKLES_NO_ARRAYS = ["dask.distributed"]
MEBIBYTE = 2**20


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
    Goal("imap-unordered", "multiprocessing.Pool chunksize=1", 5),
    Goal("array", BEST_PICKLING, 10),
    Goal("array", BEST_SENDING, 10),
    Goal("array-in", "joblib", 1),
    Goal("results", BEST_PEER, 3),
    Goal("program", "multiprocessing.Pool fork", 1, prong="Prong fork"),
    Goal("start", "multiprocessing.Pool fork", 1, prong="Prong fork"),
    Goal("start", "limit: bare interpreter", 1 / 1.3, prong="Prong fresh"),
    Goal("commands", "limit: posix_spawn loop", 0.9),
    Goal("commands", "xargs", 1.2, first_release=1),
    Goal("commands", "GNU parallel", 7),
]

BOUNDS = [
    Bound("imap-unordered", 16 * MEBIBYTE, "memory growth"),
    Bound("cpp", 1e-6, prong="Prong submit"),
    Bound("same-array", 280 * MEBIBYTE, "shared memory", "Prong given each time"),
    Bound("same-array", 280 * MEBIBYTE, "shared memory", "Prong shared"),
    Bound("same-array", 64 * MEBIBYTE, "a worker's own memory", "Prong given each time"),
    Bound("same-array", 64 * MEBIBYTE, "a worker's own memory", "Prong shared"),
    Bound("results", 64 * MEBIBYTE, "memory growth"),
    Bound("start-beside", 0.010, prong="Prong fresh"),
    Bound("start-beside", 0.010, prong="Prong fork"),
    Bound("start-after", 0.010, prong="Prong fresh"),
    Bound("start-after", 0.010, prong="Prong fork"),
    Bound("queued", 300, "overhead of a job"),
    Bound("queued", 0.9, "rate of the last tenth beside the first", at_least=True),
    Bound("command-start", 0.010, prong="Prong --version"),
    Bound("command-start", 0.010, prong="Prong run"),
    Bound("cpu", 0.97, "1 ms", at_least=True),
    Bound("cpu", 0.97, "10 ms", at_least=True),
    Bound("cpu", 0.97, "100 ms", at_least=True),
    Bound("cpu", 0.95, "skewed", at_least=True),
    *[
        Bound("more-workers", 1.25, figure, prong=f"Prong {count} workers")
        for count in (4, 16, 64)
        for figure in ("round trip", "submit", "map, chunk 1", "start")
    ],
    Bound("idle", 0),
]


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
    if name == BEST_PEER:
        return fastest(row for row in rows.values() if is_peer(row))
    if name == BEST_PICKLING:
        return fastest(row for row in rows.values() if is_peer(row) and sends_bytes(row) and pickles_arrays(row))
    if name == BEST_SENDING:
        return fastest(row for row in rows.values() if is_peer(row) and sends_bytes(row))
    return rows.get(name)


def fastest(rows: Iterable[dict]) -> dict | None:
    return min(rows, key=lambda row: median(row["samples"]), default=None)


def sends_bytes(row: dict) -> bool:
    return not row["maps_arrays"]


def pickles_arrays(row: dict) -> bool:
    return row.get("pickles_arrays", row["system"] not in PICKLES_NO_ARRAYS)


def is_peer(row: dict) -> bool:
    return not (row["is_limit"] or row["system"] == "Prong")
