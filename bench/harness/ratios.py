"""Prong beside a peer: compared repetition by repetition, since the machine changes between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    return Spread(median(values), min(values), max(values))


def faster_by(prong: dict, peer: dict) -> Spread:
    """How many times less time Prong took for one operation than the peer in the same repetition."""
    pairs = zip(prong["samples"], peer["samples"], strict=True)
    return spread([theirs / ours for ours, theirs in pairs])
