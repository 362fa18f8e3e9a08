"""How the workers of a pool come to be: what they are told of the program, and the three kinds of start."""

from __future__ import annotations

import os
import sys
import weakref

from prong import _core
from prong._exceptions import PoolError
from prong._record import Record
from prong._shapes import INHERITED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal

    from prong._engine import Engine
    from prong._options import StartKind

    Call = tuple[Any, tuple[Any, ...]]

# Sets sys.path before anything is imported, so that the program's prong is the one found. What is told is a literal of
# Python: to import json takes longer than all else here.
_BOOT = """\
import os, sys
count = int(os.environ.pop("PRONG_PYTHON_STATE"))
text = "".join(os.environ.pop(f"PRONG_PYTHON_STATE_{number}") for number in range(count))
state = eval(text, {"__builtins__": {}})
sys.path[:] = state["path"]
from prong._worker import main
main(state)
"""

# Linux takes no variable above 128 KiB, and by default 2 MiB of arguments and environment altogether.
_LONGEST_VARIABLE = 100_000
_LONGEST_ARGV = 1_000_000

_NO_NURSERY: tuple[list[str], list[str]] = ([], [])


class StartOptions(Record):
    """What a pool is made of, checked. Durations in seconds."""

    workers: int
    kind: StartKind | Literal["command"]
    initializer: Call | None = None
    finalizer: Call | None = None
    max_jobs_per_worker: int = 0
    max_worker_memory: int = 0
    max_worker_age: float = 0.0
    idle_timeout: float = 0.0
    min_workers: int = 0
    budget: float = 0.0
    stall: float = 0.0
    start_timeout: float = 60.0
    on_worker_lost: Any = None  #: called with (worker, pid, outcome as a tuple)
    initializer_timeout: float = 0.0
    finalizer_timeout: float = 10.0
    grace: float = 0.5
    start_early: bool = True
    preload: tuple[str, ...] = ()
    inherit_fds: frozenset[int] = frozenset()
    track_jobs: bool = False  #: for Engine.cancel_queued
    exits_are_raised: bool = False  #: sys.exit() in a job is an exception like any other

    @staticmethod
    def module_names(preload: str | Iterable[str]) -> tuple[str, ...]:
        """What ``preload=`` names: modules, or one module."""
        names = (preload,) if isinstance(preload, str) else tuple(preload)
        for name in names:
            if not isinstance(name, str):
                raise TypeError(f"preload must hold names of modules, not {type(name).__name__}")
        return names


def start_engine(options: StartOptions) -> Engine:
    """Starts a pool's processes."""
    if options.kind == "fork":
        return _start_forked(options)
    # First of all: what is imported after that is imported while the interpreter starts.
    program = [*program_arguments(), "-c", _BOOT]
    nursery = _prepare_nursery(program) if options.kind == "fresh" else _NO_NURSERY
    from prong._definitions import Definitions
    from prong._engine import Engine

    engine = Engine(Definitions())
    options = _told_weakly(engine, options)
    calls = [None if call is None else engine.bundle(*call) for call in (options.initializer, options.finalizer)]
    engine.start(core_pool(options, calls, program, _state(options), None, nursery))
    return engine


def _prepare_nursery(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The interpreter that pools of kind "fresh" are branched off from starts while this one does something else."""
    nursery = arguments, _as_variables({"path": list(map(_as_text, sys.path))})
    _core.prepare_nursery(*nursery)
    return nursery


def _told_weakly(engine: Engine, options: StartOptions) -> StartOptions:
    """A pool to which its own ``on_worker_lost`` refers can be collected."""
    if options.on_worker_lost is None:
        return options
    engine.on_worker_lost = options.on_worker_lost
    reference = weakref.ref(engine)

    def tell(*loss: Any) -> None:
        owner = reference()
        if owner is not None:
            owner.on_worker_lost(*loss)

    return options.__replace__(on_worker_lost=tell)


def core_pool(
    options: StartOptions,
    calls: list[Any],
    arguments: list[str],
    environment: list[str],
    fork_template: Any,
    nursery: tuple[list[str], list[str]] = _NO_NURSERY,
) -> _core.Pool:
    """The engine's pool. ``calls``: initializer and finalizer, encoded; the rest says how to start a worker."""
    return _core.Pool(
        workers=options.workers,
        start=options.kind,
        arguments=arguments,
        environment=environment,
        nursery_arguments=nursery[0],
        nursery_environment=nursery[1],
        max_jobs_per_worker=options.max_jobs_per_worker,
        max_worker_memory=options.max_worker_memory,
        max_worker_age=options.max_worker_age,
        idle_timeout=options.idle_timeout,
        min_workers=options.min_workers,
        budget=options.budget,
        stall=options.stall,
        start_timeout=options.start_timeout,
        on_worker_lost=options.on_worker_lost,
        start_early=options.start_early,
        grace=options.grace,
        initializer=calls[0],
        finalizer=calls[1],
        initializer_timeout=options.initializer_timeout,
        finalizer_timeout=options.finalizer_timeout,
        fork_template=fork_template,
        track_jobs=options.track_jobs,
    )


def program_arguments() -> list[str]:
    """The interpreter that runs this program, with its options (flags, -X, -W)."""
    if getattr(sys, "frozen", False) or not sys.executable:
        raise PoolError("there is no interpreter to start (a frozen program?): use start='fork'")
    flags = {name for name in type(sys.flags).__match_args__ if getattr(sys.flags, name)} - _NOT_OPTIONS
    if not (sys.warnoptions or sys._xoptions or flags - {"dont_write_bytecode"}):
        return [sys.executable, *(["-B"] if flags else [])]
    import subprocess  # takes longer than to start a process, so not in the usual cases

    return [sys.executable, *subprocess._args_from_interpreter_flags()]  # type: ignore[attr-defined]


# What is not zero in an interpreter that was started without options, or says nothing that is handed on.
_NOT_OPTIONS = {"hash_randomization", "utf8_mode", "int_max_str_digits", "inspect", "interactive"}


def _state(options: StartOptions) -> list[str]:
    """What workers are told of the program, as variables of their environment."""
    package = getattr(sys.modules["__main__"], "__package__", None)
    state = {
        "path": list(map(_as_text, sys.path)),
        "argv": _arguments(),
        "package": package if package is None else _as_text(package),
        "preload": tuple(map(_as_text, options.preload)),
        "authkey": _authkey(),
        "exits_are_raised": options.exits_are_raised,
    }
    return _as_variables(state)


def _as_variables(state: dict[str, Any]) -> list[str]:
    text = ascii(state)
    parts = [text[start : start + _LONGEST_VARIABLE] for start in range(0, len(text), _LONGEST_VARIABLE)]
    variables = [f"PRONG_PYTHON_STATE_{number}={part}" for number, part in enumerate(parts)]
    return [f"PRONG_PYTHON_STATE={len(parts)}", *variables]


def _arguments() -> list[str]:
    """``sys.argv``, without its end if it is longer than an environment can be."""
    arguments = []
    length = 0
    for argument in map(_as_text, getattr(sys, "argv", [""])):
        length += len(ascii(argument)) + 2
        if length > _LONGEST_ARGV:
            break
        arguments.append(argument)
    return arguments


def _as_text(entry: Any) -> str:
    """An entry of ``sys.path`` or ``sys.argv``, which programs also fill with paths."""
    text = os.fsdecode(entry) if isinstance(entry, (str, bytes, os.PathLike)) else str(entry)
    return str.__str__(text)  # a subclass of str may have another literal, or none


def _authkey() -> str:
    """The key by which multiprocessing's managers and queues know each other, if the program uses them."""
    process = sys.modules.get("multiprocessing.process")
    return bytes(process.current_process().authkey).hex() if process is not None else ""


def _start_forked(options: StartOptions) -> Engine:
    from prong import _forked, _inherited  # here, once, rather than in each template
    from prong._definitions import Definitions
    from prong._engine import Engine

    inherited = _inherited.Inherited()
    engine = Engine(Definitions(inherited))
    options = _told_weakly(engine, options)
    numbers = [
        None if call is None else _inherited.keep_call(*call) for call in (options.initializer, options.finalizer)
    ]
    calls = [None if number is None else _seal_inherited(number) for number in numbers]

    def run_template(control_fd: int) -> None:
        _forked.run_template(control_fd, inherited, options)

    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()  # else both processes would write what is buffered
    try:
        engine.start(core_pool(options, calls, [], [], run_template))
    finally:
        for number in numbers:
            if number is not None:
                _inherited.drop_call(number)
    return engine


def _seal_inherited(number: int) -> _core.Sealed:
    from prong._pickling import PROTOCOL, dumps

    return _core.seal(0, INHERITED, dumps(number, PROTOCOL), None)
