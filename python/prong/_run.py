"""prong.run: one command. prong.call: one function in a process of its own."""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from prong import _core
from prong._definitions import Definitions
from prong._engine import Engine
from prong._exceptions import CommandFailed
from prong._job import Job
from prong._options import job_options
from prong._outcome import Exited, Outcome, Signalled
from prong._pool import Pool
from prong._start import StartOptions, core_pool

T = TypeVar("T")
Capture = bool | Literal["merge", "discard"]

# Callers in threads do not wait for each other (one may need what the other does): there is a worker for each.
_ON_DEMAND: Any = {"workers": 256, "start_early": False, "idle_timeout": 60.0}


@dataclass(frozen=True)
class CommandResult:
    """What a command came to.

    ``outcome``: :class:`Exited`, :class:`Signalled`, :class:`TimedOut`, ...; ``stdout`` and ``stderr``: what it wrote,
    None where that was not captured; ``seconds``: how long it ran.
    """

    command: tuple[str, ...]
    outcome: Outcome
    stdout: Any
    stderr: Any
    seconds: float

    @property
    def returncode(self) -> int | None:
        """The exit code; minus the number of the signal that ended it; None if a limit or something else did."""
        match self.outcome:
            case Exited(code=code):
                return code
            case Signalled(number=number):
                return -number
        return None

    @property
    def ok(self) -> bool:
        """True if it exited with code 0."""
        return self.returncode == 0


def run(
    command: str | os.PathLike[str] | Sequence[str | bytes | os.PathLike[str]],
    *,
    timeout: float | None = None,
    cpu_time: float | None = None,
    memory: int | None = None,
    max_output: int | None = None,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    input: str | bytes | None = None,
    capture: Capture = True,
    check: bool = False,
    text: bool = True,
    shell: bool = False,
) -> CommandResult:
    """Runs one command and returns when its whole process tree is gone.

    ``command``: a list of program and arguments, or a text that is split as a shell would, but not run by one;
    ``shell=True`` gives the text to ``/bin/sh``. ``timeout`` and ``cpu_time`` (seconds), ``memory`` and ``max_output``
    (bytes) are limits of the whole tree: then it is killed and the outcome is :class:`TimedOut`. ``cwd``: folder;
    ``env``: the whole environment; ``input``: standard input (else it is empty).
    ``capture``: True keeps standard output and error, of any size; "merge" puts errors into the output; False leaves
    both to the terminal; "discard" drops them. ``text``: decode as UTF-8, else bytes.

    What a command does is never an exception, unless ``check``: then :class:`CommandFailed`. Raises TypeError or
    :class:`UsageError` for bad arguments.

    >>> prong.run(["echo", "hello"]).stdout         # doctest: +SKIP
    'hello\\n'
    """
    arguments = words_of(command, shell)
    output, error_output = _capture(capture)
    sealed = _core.seal_command(
        arguments=[os.fsencode(argument) for argument in arguments],
        directory=os.fsencode(Path.cwd() if cwd is None else cwd),
        environment=_environment(os.environ if env is None else env),
        input=_input(input),
        output=output,
        error_output=error_output,
    )
    limits = {"timeout": timeout, "cpu_time": cpu_time, "memory": memory, "output": max_output}
    options = job_options({**limits, "fresh": True, "leftovers": "kill"})
    job = _commands().submit_sealed(options, sealed)
    _wait_or_kill(job)
    return _finish(job, arguments, capture, text, check)


def call(
    function: Callable[..., T],
    /,
    *args: Any,
    timeout: float | None = None,
    cpu_time: float | None = None,
    memory: int | None = None,
    **kwargs: Any,
) -> T:
    """Calls one function in a process of its own and returns its value when its whole process tree is gone.

    ``timeout`` and ``cpu_time`` (seconds), ``memory`` (bytes): limits of the whole tree; then it is killed and
    :class:`JobTimeout` raised. Raises what the function raised, or a :class:`JobError` that says what happened.

    >>> prong.call(pow, 2, 10, timeout=5)           # doctest: +SKIP
    1024
    """
    limits: dict[str, Any] = {"timeout": timeout, "cpu_time": cpu_time, "memory": memory}
    job_options(limits)
    view = _functions().options(**limits, fresh=True, leftovers="kill")
    job: Job[T] = view.submit(function, *args, **kwargs)
    _wait_or_kill(job)
    return job.result()


def _wait_or_kill(job: Job[Any]) -> None:
    """Waits for a job. If the wait is broken off (Ctrl-C), the job and all that it started ends first."""
    try:
        job._wait(None)
    except BaseException:
        job.kill()
        job._wait(None)
        raise


class _CommandEngine:
    """A hidden pool of processes that run commands."""

    def __init__(self) -> None:
        self._engine = Engine(Definitions())
        self._engine.start(
            core_pool(
                StartOptions(kind="command", **_ON_DEMAND),
                [None, None],
                [],
                [],
                None,
            )
        )

    def submit_sealed(self, options: Any, sealed: Any) -> Job[Any]:
        job: Job[Any] = self._engine.core.submit_sealed(Job, self._engine, options, sealed)
        return job

    def belongs_here(self) -> bool:
        return self._engine.belongs_here()


class _Hidden:
    """One pool for the whole program, made at first use, and anew in a forked child."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._pool: Any = None
        self._pid = 0

    def __call__(self) -> Any:
        with self._lock:
            if self._pool is None or self._pid != os.getpid():
                self._pool = self._make()
                self._pid = os.getpid()
            return self._pool


_commands = _Hidden(_CommandEngine)
_functions = _Hidden(lambda: Pool(**_ON_DEMAND))


def words_of(command: Any, shell: bool) -> list[str]:
    if shell:
        if not isinstance(command, str):
            raise TypeError(f"with shell=True the command must be a text, not {command!r}")
        return ["/bin/sh", "-c", command]
    if isinstance(command, str):
        arguments = shlex.split(command)
    elif isinstance(command, os.PathLike):
        arguments = [os.fspath(command)]
    else:
        arguments = [os.fsdecode(argument) for argument in command]
    if not arguments or not arguments[0]:
        raise ValueError("the command is empty")
    return arguments


def _capture(capture: Capture) -> tuple[str, str]:
    choices = {True: ("keep", "keep"), False: ("inherit", "inherit"), "merge": ("keep", "merge")}
    choices["discard"] = ("discard", "discard")
    if capture not in choices:
        raise ValueError(f"capture must be True, False, 'merge' or 'discard', not {capture!r}")
    return choices[capture]


def _environment(variables: Mapping[str, str]) -> list[bytes]:
    return [os.fsencode(name) + b"=" + os.fsencode(value) for name, value in variables.items()]


def _input(given: str | bytes | None) -> bytes | None:
    return given.encode() if isinstance(given, str) else given


def _finish(job: Job[Any], arguments: list[str], capture: Capture, text: bool, check: bool) -> CommandResult:
    outputs = [_text(output) if text else output for output in job._outputs()]
    kept = capture in (True, "merge")
    result = CommandResult(
        tuple(arguments),
        job.outcome,  # type: ignore[arg-type]
        outputs[0] if kept else None,
        outputs[1] if capture is True else None,
        job.times.ran or 0.0,
    )
    if check and not result.ok:
        error = CommandFailed(f"{shlex.join(arguments)}: {job._describe()}")
        error.result = result
        error.outcome, error.attempts, error.job_id = job.outcome, job.attempts, job.id
        raise error
    return result


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")
