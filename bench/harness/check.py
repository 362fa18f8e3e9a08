"""Whether Prong has become slower beside its peers than the committed record says."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from . import goals
from .ratios import Spread

WHOLE_RECORD = re.compile(r"\d{4}-\d\d-\d\d-[0-9a-f]{7,}\.json")


def newest_record(folder: Path) -> dict:
    """The newest record of a whole run. Raises FileNotFoundError if there is none."""
    files = sorted(file for file in folder.iterdir() if WHOLE_RECORD.fullmatch(file.name))
    if not files:
        raise FileNotFoundError(f"{folder} has no record of a whole run: make one with `make bench`")
    return json.loads(files[-1].read_text())


def systems_of_goals(names: list[str]) -> list[str]:
    """Those of the systems that a goal compares Prong with. A row's label may say more than the system's name."""
    peers = [f"{goal.peer} " for goal in goals.GOALS]
    return [name for name in names if any(peer.startswith(f"{name} ") for peer in peers)]


def works_of_goals(names: list[str]) -> list[str]:
    """Those of the works that have a goal beside a peer."""
    return [name for name in names if any(goal.work == name for goal in goals.GOALS)]


def compare(committed: dict, now: dict) -> Iterator[tuple[bool, str]]:
    """For each goal that both records can judge: whether it is as good as before, and a line of text.

    Worse is what lies wholly below the committed spread: every repetition slower, beside its peer, than every one then.
    """
    before = {key(goal): spread for goal, _, spread in goals.reached(same_rows(committed, now))}
    for goal, work, spread in goals.reached(now):
        old = before.get(key(goal))
        if old is not None:
            good = spread.high >= old.low
            verdict = "ok   " if good else "WORSE"
            yield good, f"{verdict}  {work['title']}, beside {goal.peer}: {text(spread)}; was {text(old)}"


def key(goal: goals.Goal) -> tuple[str, str, str]:
    return goal.work, goal.peer, goal.prong


def text(spread: Spread) -> str:
    return f"{spread.median:.2f}x ({spread.low:.2f}-{spread.high:.2f})"


def same_rows(committed: dict, now: dict) -> dict:
    """The committed record with those rows alone that were measured now: "the best peer" shall mean the same."""
    labels = {work["name"]: {row["label"] for row in work["rows"]} for work in now["works"]}
    works = [
        {**work, "rows": [row for row in work["rows"] if row["label"] in labels.get(work["name"], set())]}
        for work in committed["works"]
    ]
    return {**committed, "works": works}
