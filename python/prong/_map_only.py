"""``prong map --only``: one call in the foreground, as a plain script would make it."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from types import TracebackType
from typing import Any

from prong._map_calls import Calls, CannotLoad, without_machinery
from prong._map_values import ENCODERS, split
from prong._map_worker import calls_from_environment, setting

_TROUBLE = 255  #: as the command line's exit status
_OUTPUT_CLOSED = 141
_HEAD_SIZE = 8


def main() -> None:
    calls = calls_from_environment()
    form = setting("RESULT")
    debug = bool(setting("PDB"))
    with os.fdopen(int(setting("ONLY")), "rb") as file:
        columns, values = map(_split, _split(file.read()))
    sys.argv[:] = [calls.name]
    sys.excepthook = _show_exception
    _load(calls, columns)
    began = time.monotonic()
    try:
        value = _call(calls, values)
        result = ENCODERS[form](value)
    except Exception as error:
        if form == "json":
            _write(_object(calls, values, began, "raised", "exception", json.dumps(_texts_of(error))))
        sys.stdout.flush()
        sys.excepthook(type(error), error, error.__traceback__)
        if debug:
            _debug(error)
        sys.exit(1)
    _write(_object(calls, values, began, "returned", "value", result.decode()) if form == "json" else result)


def _show_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    trace = without_machinery(trace)
    sys.__excepthook__(kind, error.with_traceback(trace), trace)


def _split(payload: bytes) -> list[bytes]:
    """See ``encode_map_input`` in src/cli/map_result.h."""
    return split(payload[4], payload[_HEAD_SIZE:])


def _load(calls: Calls, columns: list[bytes]) -> None:
    try:
        calls.load()
        calls.take_by_name(columns)
    except CannotLoad as error:
        print(f"prong: {error}", file=sys.stderr)
        cause = error.__cause__
        if cause is not None:
            trace = without_machinery(cause.__traceback__)
            if trace is not None or isinstance(cause, SyntaxError):
                traceback.print_exception(type(cause), cause, trace)
        sys.exit(_TROUBLE)


def _call(calls: Calls, values: list[bytes]) -> Any:
    calls.begin()
    try:
        return calls.call(values)
    finally:
        calls.end()


def _debug(error: BaseException) -> None:
    """At the frame that raised it, if it is one of the function's own."""
    import pdb

    trace = without_machinery(error.__traceback__)
    if trace is not None:
        pdb.post_mortem(trace)


def _object(calls: Calls, values: list[bytes], began: float, outcome: str, key: str, text: str) -> bytes:
    """As ``map_json`` in src/cli/map_result.h."""
    seconds = time.monotonic() - began
    shown = json.dumps(_shown(calls, values), default=str)
    head = f'{{"input":{shown},"outcome":"{outcome}","{key}":{text}'
    return f'{head},"attempts":1,"seconds":{seconds:.9f}}}\n'.encode()


def _shown(calls: Calls, values: list[bytes]) -> Any:
    try:
        args, kwargs = calls.arguments(values)
    except ValueError:
        args, kwargs = [os.fsdecode(value) for value in values], {}
    if kwargs:
        return kwargs
    return args[0] if len(args) == 1 else list(args)


def _texts_of(error: BaseException) -> dict[str, str]:
    lines = traceback.format_exception(type(error), error, without_machinery(error.__traceback__))
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    return {"type": kind, "message": str(error), "traceback": "".join(lines)}


def _write(result: bytes) -> None:
    """Behind what the function has printed."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(result)
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(_OUTPUT_CLOSED)
