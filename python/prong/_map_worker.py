"""What ``prong map`` starts: imports one function, then forks workers that call it with each input.

An input comes as the bytes of a file name or line, or several of them, one for each parameter; a result goes back as
text (``str(value)``, or JSON). The command line, which is not a Python program, needs no pickle for that.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from prong import _core
from prong._worker import Runner, _encode_exception, _leave, settle

_FUNCTION_VARIABLE = "PRONG_MAP_FUNCTION"
_RESULT_VARIABLE = "PRONG_MAP_RESULT"
_SEVERAL_VALUES = 1  #: a shape of calls


def main() -> None:
    name = os.environ.pop(_FUNCTION_VARIABLE)
    as_json = os.environ.pop(_RESULT_VARIABLE, "str") == "json"
    _core.role_from_environment()
    sys.stdout = sys.stderr  # standard output is for the results
    runner = MapRunner(name, _to_json if as_json else _to_text)
    runner.load_early()

    def make_runner() -> MapRunner:
        settle()
        return runner

    _core.serve_template(make_runner, -1)


class MapRunner(Runner):
    """Calls one function."""

    def __init__(self, name: str, encode: Callable[[Any], bytes]) -> None:
        self._name = name
        self._encode = encode
        self._function: Callable[..., Any] | None = None
        self._why_not: list[Any] | None = None

    def load_early(self) -> None:
        """In the template, so that workers have it when they are forked. A failure is told by the first worker."""
        try:
            self._function = load(self._name)
        except (Exception, SystemExit) as error:
            self._why_not = _cannot_load(self._name, error)

    def initialize(self, *_call: Any) -> Any:
        return self._why_not or b""

    def run(self, job: int, attempt: int, token: int, shape: int, data: Any, buffers: list[Any] | None) -> Any:
        try:
            assert self._function is not None
            return self._encode(self._function(*_values(shape, bytes(data))))
        except SystemExit as error:
            _leave(error)
        except BaseException as error:
            return _failure(error)


def _values(shape: int, data: bytes) -> list[str]:
    """See ``encode_map_input`` in src/cli/map_result.h."""
    if shape != _SEVERAL_VALUES:
        return [os.fsdecode(data)]
    values, position = [], 0
    while position < len(data):
        begin = position + 4
        position = begin + int.from_bytes(data[position:begin], sys.byteorder)
        values.append(os.fsdecode(data[begin:position]))
    return values


def _cannot_load(name: str, error: BaseException) -> list[Any]:
    kind, message, text, *rest = _failure(error)
    return ["builtins.ImportError", f"cannot load {name}: {kind.removeprefix('builtins.')}: {message}", text, *rest]


def _failure(error: BaseException) -> list[Any]:
    """As the engine wants it, with the traceback of the function's own code only."""
    trace = error.__traceback__
    while trace is not None and _is_machinery(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    kind, message, text, bases, *_ = _encode_exception(error.with_traceback(trace), None)
    no_traceback = trace is None and not isinstance(error, SyntaxError)
    return [kind, message, "" if no_traceback else text, bases, None, None]


def _is_machinery(file: str) -> bool:
    return file in (__file__, importlib.__file__) or file.startswith("<frozen importlib")


def load(name: str) -> Callable[..., Any]:
    """The function that ``file.py:name`` or ``module:name`` stands for."""
    where, _, path = name.rpartition(":")
    value: Any = _load_file(Path(where)) if where.endswith(".py") else _load_module(where)
    for part in path.split("."):
        value = getattr(value, part)
    if not callable(value):
        raise TypeError(f"{name} is not callable but {type(value).__name__}")
    return value


def _load_module(name: str) -> Any:
    _find_modules_in(Path.cwd())
    return importlib.import_module(name)


def _find_modules_in(folder: Path) -> None:
    """As if a program of that folder were run. (Everything that this program needs has been imported.)"""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _load_file(path: Path) -> Any:
    _find_modules_in(path.resolve().parent)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module


def _to_text(value: Any) -> bytes:
    return str(value).encode("utf-8", "backslashreplace")


def _to_json(value: Any) -> bytes:
    try:
        text = json.dumps(value, default=str, allow_nan=False)
    except ValueError:  # NaN, infinity, or a structure that contains itself
        text = json.dumps(str(value))
    return text.encode()


if __name__ == "__main__":
    main()
