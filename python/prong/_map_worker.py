"""What ``prong map`` starts: imports the function, then forks workers that call it with each input."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
from collections.abc import Callable
from typing import Any

from prong import _core
from prong._map_calls import Calls, CannotLoad, without_machinery
from prong._map_values import ENCODERS, split
from prong._worker import Runner, encode_exception, leave, settle


def main() -> None:
    calls = calls_from_environment()
    encode = ENCODERS[setting("RESULT")]
    _core.role_from_environment()
    _keep_standard_output_for_results()
    _keep_debuggers_out()
    runner = MapRunner(calls, encode)
    runner.load_early()

    def make_runner() -> MapRunner:
        settle()
        return runner

    _core.serve_template(make_runner, -1)


def setting(name: str) -> str:
    """What ``map_environment`` in src/cli/python.h has put into the environment, for this program alone."""
    return os.environ.pop(f"PRONG_MAP_{name}", "")


def calls_from_environment() -> Calls:
    return Calls(setting("FUNCTION"), form=setting("INPUT"), first=setting("INIT"), last=setting("EXIT"))


def _keep_standard_output_for_results() -> None:
    """What functions print, and what they start, goes to standard error."""
    os.dup2(2, 1)
    sys.stdout = sys.stderr


def _keep_debuggers_out() -> None:
    """Workers have no terminal: a debugger would read the end of the file, and leave by an exception of its own."""
    if sys.breakpointhook is sys.__breakpointhook__ and "PYTHONBREAKPOINT" not in os.environ:
        sys.breakpointhook = _refuse_to_break


def _refuse_to_break(*_args: Any, **_kwargs: Any) -> None:
    raise RuntimeError("breakpoint() has no terminal in a worker; prong map --only runs one input in the foreground")


class MapRunner(Runner):
    """Calls one function."""

    def __init__(self, calls: Calls, encode: Callable[[Any], bytes]) -> None:
        self._calls = calls
        self._encode = encode
        self._why_not: list[Any] | None = None

    def load_early(self) -> None:
        """In the template, so that workers have it when they are forked. A failure is told by the first worker."""
        try:
            self._calls.load()
        except CannotLoad as error:
            self._why_not = _cannot_load(error)
        _flush_files()  # else each worker would write what waits

    def initialize(self, job: int, attempt: int, token: int, shape: int, data: Any, buffers: list[Any] | None) -> Any:
        """The payload holds the names of columns."""
        if self._why_not is not None:
            return self._why_not
        try:
            self._calls.take_by_name(split(shape, bytes(data)))
            self._calls.begin()
        except CannotLoad as error:
            return _cannot_load(error)
        except BaseException as error:
            return _failure(error)
        return b""

    def run(self, job: int, attempt: int, token: int, shape: int, data: Any, buffers: list[Any] | None) -> Any:
        try:
            return self._encode(self._calls.call(split(shape, bytes(data))))
        except SystemExit as error:
            leave(error)
        except BaseException as error:
            return _failure(error)

    def finalize(self, *_call: Any) -> Any:
        try:
            self._calls.end()
        except BaseException as error:
            return _failure(error)
        return b""

    def before_exit(self) -> None:
        super().before_exit()
        _flush_files()


def _flush_files() -> None:
    """As an interpreter does at its end, which a worker has not: its threads may hang."""
    for thing in gc.get_objects():
        if type(thing) in (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom):
            with contextlib.suppress(Exception):
                thing.flush()


def _cannot_load(error: CannotLoad) -> list[Any]:
    if error.__cause__ is None:
        return _failure(TypeError(str(error)))
    _, _, text, *rest = _failure(error.__cause__)
    return ["builtins.ImportError", str(error), text, *rest]


def _failure(error: BaseException) -> list[Any]:
    """As the engine wants it, with the traceback of the function's own code only."""
    trace = without_machinery(error.__traceback__)
    kind, message, text, bases, *_ = encode_exception(error.with_traceback(trace), None)
    no_traceback = trace is None and not isinstance(error, SyntaxError)
    return [kind, message, "" if no_traceback else text, bases, None, None]
