"""Functions that jobs run: well-behaved ones, and those that misbehave on purpose. Importable by workers."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn


def double(number: int) -> int:
    return 2 * number


def add(one: int, other: int = 0) -> int:
    return one + other


def echo(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def fail(text: str = "no such thing") -> NoReturn:
    raise ValueError(text)


def exit_with(code: Any) -> NoReturn:
    os._exit(code)


def sys_exit(code: Any) -> NoReturn:
    sys.exit(code)


def die_by(number: int) -> NoReturn:
    signal.signal(number, signal.SIG_DFL) if number not in (signal.SIGKILL, signal.SIGSTOP) else None
    os.kill(os.getpid(), number)
    raise AssertionError("still alive")


def hang() -> None:
    time.sleep(3600)


def hang_holding_the_gil() -> None:
    sum(range(10**18))


def mark_and_hang(path: str) -> None:
    """Writes its pid, then hangs."""
    temporary = Path(f"{path}.new")
    temporary.write_text(str(os.getpid()))
    temporary.rename(path)
    hang()


def append_line(path: str, line: str) -> None:
    with Path(path).open("a") as file:
        file.write(line + "\n")


def wait_for_file(path: str) -> str:
    """Blocks until the file is there (a test's gate)."""
    while not Path(path).exists():
        time.sleep(0.002)
    return path


def announce_and_wait(started: str, gate: str) -> str:
    """Makes one file, then waits for the other."""
    Path(started).touch()
    return wait_for_file(gate)


def random_number(kind: str = "random") -> float:
    if kind == "random":
        return random.random()
    import numpy.random

    return float(numpy.random.random())


def fail_until(path: str, times: int) -> int:
    """Fails until it has been tried that often; returns the number of tries."""
    append_line(path, "try")
    tries = len(Path(path).read_text().splitlines())
    if tries <= times:
        raise ValueError(f"try {tries}")
    return tries


def pid() -> int:
    return os.getpid()


def thread_names() -> list[str]:
    return [thread.name for thread in threading.enumerate()]


class NeedsArguments(Exception):
    """An exception that pickles but does not unpickle."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


def raise_needs_arguments() -> NoReturn:
    raise NeedsArguments(1, 2)


class Unpicklable:
    """Refuses to be pickled."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("not for travelling")


class UnpicklableError(Exception):
    """An exception that refuses to be pickled."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("not for travelling")


def return_unpicklable() -> Unpicklable:
    return Unpicklable()


def raise_unpicklable() -> NoReturn:
    raise UnpicklableError("I stay here")


class BadLoad:
    """Pickles, but raises where it is unpickled."""

    def __reduce__(self) -> Any:
        return refuse, ()


def refuse() -> NoReturn:
    raise RuntimeError("refused to be loaded")


def return_bad_load() -> BadLoad:
    return BadLoad()


STATE: list[Any] = []


def remember(value: Any) -> None:
    STATE.append(value)


def remembered() -> list[Any]:
    return list(STATE)


def fail_to_initialize() -> NoReturn:
    raise RuntimeError("no connection")
