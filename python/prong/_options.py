"""Options of jobs and pools: checked here, at the call, with texts that say what would be right."""

from __future__ import annotations

import math
from _signal import NSIG  # type: ignore[import-not-found]  # not from signal, which imports enum

from prong import _core
from prong._exceptions import UsageError, type_name
from prong._record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Literal

    StartKind = Literal["fresh", "fork", "spawn"]
#: What :meth:`Pool.options` takes.
JOB_OPTIONS = (
    "timeout",
    "cpu_time",
    "memory",
    "queue_time",
    "output",
    "retries",
    "priority",
    "key",
    "fresh",
    "leftovers",
)
START_KINDS = ("fresh", "fork", "spawn")
LONGEST_SECONDS = 1e9
SHORTEST_SECONDS = 1e-9  #: less would be none in the engine's nanoseconds: no limit


class RetryPolicy(Record):
    """When and how often a failed attempt is followed by another. Durations in seconds.

    Each cause is True or False, or says more exactly which: ``on_exception`` an exception class or several (subclasses
    too), ``on_exit`` exit codes, ``on_signal`` signals. A function that has ended its worker (by exit, signal, or lost)
    ``quarantine_after`` times is not tried again, whatever retries are left; 0: never.

    >>> RetryPolicy(3, on_exception=(ConnectionError, TimeoutError), on_timeout=False, backoff=0.5).retries
    3
    """

    retries: int = 0
    on_exception: bool | type[BaseException] | tuple[type[BaseException], ...] = True
    on_exit: bool | int | tuple[int, ...] = True
    on_signal: bool | int | tuple[int, ...] = True
    on_timeout: bool = True
    on_lost: bool = True
    backoff: float = 0.0
    max_backoff: float = 60.0
    jitter: float = 0.1
    quarantine_after: int = 3

    def __post_init__(self) -> None:
        whole_number("retries", self.retries, least=0)
        whole_number("quarantine_after", self.quarantine_after, least=0)
        seconds("backoff", self.backoff, zero=True)
        seconds("max_backoff", self.max_backoff, zero=True)
        if isinstance(self.jitter, bool) or not isinstance(self.jitter, (int, float)):
            raise TypeError(f"jitter must be a number, not {self.jitter!r}")
        if not 0 <= self.jitter <= 1:
            raise UsageError(f"jitter must be between 0 and 1, not {self.jitter!r}")
        _exception_types(self.on_exception)
        _numbers("on_exit", self.on_exit, 255)
        _numbers("on_signal", self.on_signal, NSIG - 1)

    @property
    def core(self) -> _core.RetryPolicy:
        """The policy as the engine takes it."""
        causes = [self.on_exception, self.on_exit, self.on_signal, self.on_timeout, self.on_lost]
        return _core.RetryPolicy(
            retries=self.retries,
            causes=[cause is not False and cause != () for cause in causes],
            exceptions=[type_name(kind) for kind in _exception_types(self.on_exception)],
            exit_codes=_numbers("on_exit", self.on_exit, 255),
            signals=_numbers("on_signal", self.on_signal, NSIG - 1),
            quarantine_after=self.quarantine_after,
            backoff=self.backoff,
            max_backoff=self.max_backoff,
            jitter=self.jitter,
        )


def _exception_types(wanted: Any) -> tuple[type[BaseException], ...]:
    """The classes that ``on_exception`` names; () for True and False."""
    if isinstance(wanted, bool):
        return ()
    kinds = tuple(wanted) if isinstance(wanted, (tuple, list, set, frozenset)) else (wanted,)
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise TypeError(f"on_exception must be True, False, or classes of exceptions, not {kind!r}")
    return kinds


def _numbers(name: str, wanted: Any, most: int) -> list[int]:
    """The numbers that a cause names; [] for True and False."""
    if isinstance(wanted, bool):
        return []
    values = list(wanted) if isinstance(wanted, (tuple, list, set, frozenset, range)) else [wanted]
    numbers = [whole_number(name, value, least=0) for value in values]
    for number in numbers:
        if number > most:
            raise UsageError(f"{name} must be between 0 and {most}, not {number}")
    return numbers


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
    return min(max(float(value), SHORTEST_SECONDS), LONGEST_SECONDS) if value else 0.0


def optional_seconds(name: str, value: Any) -> float | None:
    """Checks a duration where None means: without limit."""
    return None if value is None else seconds(name, value)


def optional_bytes(name: str, value: Any) -> int:
    """Checks an amount of bytes where None means: without limit (0)."""
    if value is None:
        return 0
    if isinstance(value, bool) or not hasattr(type(value), "__index__"):
        raise TypeError(f"{name} must be a whole number of bytes, not {value!r}")
    number: int = value.__index__()
    if not 0 < number < 2**63:
        raise UsageError(f"{name} must be between 1 and 2**63 - 1 bytes, not {number}")
    return number


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
            import difflib

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
    reject_unknown(given, JOB_OPTIONS, "a job")
    policy = _policy(given.get("retries", 0))
    leftovers = given.get("leftovers", "keep")
    if leftovers not in ("keep", "kill"):
        raise UsageError(f"leftovers must be 'keep' or 'kill', not {leftovers!r}")
    return _core.JobOptions(
        timeout=optional_seconds("timeout", given.get("timeout")) or 0.0,
        cpu_time=optional_seconds("cpu_time", given.get("cpu_time")) or 0.0,
        memory=optional_bytes("memory", given.get("memory")),
        queue_time=optional_seconds("queue_time", given.get("queue_time")) or 0.0,
        output=optional_bytes("output", given.get("output")),
        retry=policy.core,
        priority=_priority(given.get("priority", 0)),
        key=_key(given.get("key")),
        fresh=bool(given.get("fresh", False)),
        kill_leftovers=leftovers == "kill",
    )
