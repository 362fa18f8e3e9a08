"""examples/genetic_algorithm.py"""

from __future__ import annotations

import re

SMALL = ("--cities", 20, "--epochs", 2)


def lengths(output: str) -> list[float]:
    return [float(length) for length in re.findall(r"^epoch +\d+: ([\d.]+)$", output, re.MULTILINE)]


def test_tours_become_shorter(run_example) -> None:
    first, *others = lengths(run_example("genetic_algorithm.py", *SMALL, "--seed", 3))
    assert len(others) == 2
    assert others[-1] < 0.7 * first
    assert others == sorted(others, reverse=True)


def test_same_seed_gives_the_same_tours(run_example) -> None:
    one, again, other = (run_example("genetic_algorithm.py", *SMALL, "--seed", seed) for seed in (4, 4, 5))
    assert one == again
    assert one != other
