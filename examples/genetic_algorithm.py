#!/usr/bin/env python3
"""A genetic algorithm on all cores: looks for a short round trip through random cities.

    examples/genetic_algorithm.py [--seed N] [--cities N] [--epochs N]

Tours live on islands, and every island evolves in a job of its own. After each epoch the best tour of an island visits
the next one. A job's random numbers depend on the seed, the epoch and the island alone, so the same seed gives the same
tour on any number of workers.
"""

import argparse
import math
import random
from itertools import pairwise

import prong

ISLANDS = 8
TOURS = 60  # on each island
BIRTHS = 3000  # on each island in each epoch

City = tuple[float, float]
Tour = list[City]


def length(tour: Tour) -> float:
    """The way round, back to the first city."""
    return sum(map(math.dist, tour, [*tour[1:], tour[0]]))


def child_of(mother: Tour, father: Tour, chance: random.Random) -> Tour:
    """A stretch of the mother's tour, the rest in the father's order; then some stretch the other way round."""
    first, last = sorted(chance.sample(range(len(mother) + 1), 2))
    kept = set(mother[first:last])
    others = [city for city in father if city not in kept]
    child = others[:first] + mother[first:last] + others[first:]
    first, last = sorted(chance.sample(range(len(child) + 1), 2))
    return child[:first] + child[first:last][::-1] + child[last:]


def evolve(tours: list[Tour], seed: str) -> list[Tour]:
    """The job: one island's next epoch. Each child that is better than the worst tour takes its place."""
    chance = random.Random(seed)
    ranked = sorted((length(tour), tour) for tour in tours)
    for _ in range(BIRTHS):
        mother, father = (min(chance.sample(ranked, 3))[1] for _ in range(2))
        child = child_of(mother, father, chance)
        born = (length(child), child)
        if born < ranked[-1] and born not in ranked:
            ranked[-1] = born
            ranked.sort()
    return [tour for _, tour in ranked]


def visit(islands: list[list[Tour]]) -> list[list[Tour]]:
    """The best tour of each island takes the place of the next island's worst."""
    pairs = pairwise([islands[-1], *islands])
    return [[*tours[:-1], neighbour[0]] for neighbour, tours in pairs]


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--cities", type=int, default=60)
parser.add_argument("--epochs", type=int, default=12)
given = parser.parse_args()

chance = random.Random(given.seed)
cities = [(chance.random(), chance.random()) for _ in range(given.cities)]
islands = [[chance.sample(cities, len(cities)) for _ in range(TOURS)] for _ in range(ISLANDS)]
shortest = min(length(tour) for tours in islands for tour in tours)
print(f"epoch  0: {shortest:.4f}")

with prong.Pool() as pool:
    for epoch in range(1, given.epochs + 1):
        seeds = [f"{given.seed}/{epoch}/{island}" for island in range(ISLANDS)]
        islands = visit(pool.starmap(evolve, zip(islands, seeds, strict=True)))
        shortest = min(length(tours[0]) for tours in islands)
        print(f"epoch {epoch:2}: {shortest:.4f}", flush=True)
