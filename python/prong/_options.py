"""Options of jobs and pools: checked here, at the call, with texts that say what would be right."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from prong import _core
from prong._exceptions import UsageError

StartKind = Literal["fresh", "fork", "spawn"]
START_KINDS = ("fresh", "fork", "spawn")
LONGEST_SECONDS = 1e9


class JobOptions(TypedDict, total=False):
    """What :meth:`Pool.options` takes."""

    timeout: float | None
    retries: int | RetryPolicy
    priority: int
    key: str | None
    fresh: bool
    leftovers: Literal["keep", "kill"]


@dataclass(frozen=True)
class RetryPolicy:
    """When and how often a failed attempt is followed by another. Durations in seconds.

    >>> RetryPolicy(3, on_timeout=False, backoff=0.5).retries
    3
    """

    retries: int = 0
    on_exception: bool = True
    on_exit: bool = True
    on_signal: bool = True
    on_timeout: bool = True
    on_lost: bool = True
    backoff: float = 0.0
    max_backoff: float = 60.0
    jitter: float = 0.1

    def __post_init__(self) -> None:
        whole_number("retries", self.retries, least=0)
        seconds("backoff", self.backoff, zero=True)
        seconds("max_backoff", self.max_backoff, zero=True)
        if not 0 <= self.jitter <= 1:
            raise UsageError(f"jitter must be between 0 and 1, not {self.jitter!r}")


def whole_number(name: str, value: Any, *, least: int) -> int:
    """Checks an integer argument."""
    if isinstance(value, bool) or not hasattr(type(value), "__index__"):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    number: int = value.__index__()
    if number < least:
        raise UsageError(f"{name} must be at least {least}, not {number}")
    if number >= 2**31:
        raise UsageError(f"{name} must be below 2**31, not {number}")
    return number


def seconds(name: str, value: Any, *, zero: bool = False) -> float:
    """Checks a duration."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {value!r}")
    if math.isnan(value) or value < 0 or (value == 0 and not zero):
        raise UsageError(f"{name} must be {'zero or more' if zero else 'more than zero'} seconds, not {value!r}")
    return min(float(value), LONGEST_SECONDS)


def optional_seconds(name: str, value: Any) -> float | None:
    """Checks a duration where None means: without limit."""
    return None if value is None else seconds(name, value)


def wait_seconds(name: str, value: Any) -> float | None:
    """Checks how long to wait: None is for ever; as in the standard library, what is negative has passed."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds or None, not {value!r}")
    if math.isnan(value):
        raise UsageError(f"{name} must be a number of seconds, not nan")
    return max(float(value), 0.0)


def callable_function(name: str, value: Any) -> Any:
    """Checks that something can be called."""
    if not callable(value):
        raise TypeError(f"{name} must be callable, not {value!r}")
    return value


def reject_unknown(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Raises for names that are not known, with the nearest one that is."""
    known = list(known)
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
            raise TypeError(f"{where} has no option {name!r}: {hint}")


def start_kind(value: Any) -> StartKind:
    """Checks a kind of start."""
    if value in START_KINDS:
        kind: StartKind = value
        return kind
    raise UsageError(f"start must be one of {', '.join(map(repr, START_KINDS))}, not {value!r}")


def _policy(retries: Any) -> RetryPolicy:
    return retries if isinstance(retries, RetryPolicy) else RetryPolicy(whole_number("retries", retries, least=0))


def _key(key: Any) -> str:
    if key is not None and not isinstance(key, str):
        raise TypeError(f"key must be a text or None, not {key!r}")
    return key or ""


def _priority(priority: Any) -> int:
    if isinstance(priority, bool) or not isinstance(priority, int):
        raise TypeError(f"priority must be a whole number, not {priority!r}")
    if not -(2**31) <= priority < 2**31:
        raise UsageError(f"priority must be between -2**31 and 2**31 - 1, not {priority}")
    return priority


def job_options(given: Mapping[str, Any]) -> _core.JobOptions:
    """Checks the options of a job, and makes them what the engine takes."""
    reject_unknown(given, JobOptions.__annotations__, "a job")
    policy = _policy(given.get("retries", 0))
    leftovers = given.get("leftovers", "keep")
    if leftovers not in ("keep", "kill"):
        raise UsageError(f"leftovers must be 'keep' or 'kill', not {leftovers!r}")
    causes = [policy.on_exception, policy.on_exit, policy.on_signal, policy.on_timeout, policy.on_lost]
    return _core.JobOptions(
        timeout=optional_seconds("timeout", given.get("timeout")) or 0.0,
        retries=policy.retries,
        causes=causes,
        backoff=policy.backoff,
        max_backoff=policy.max_backoff,
        jitter=policy.jitter,
        priority=_priority(given.get("priority", 0)),
        key=_key(given.get("key")),
        fresh=bool(given.get("fresh", False)),
        kill_leftovers=leftovers == "kill",
    )
