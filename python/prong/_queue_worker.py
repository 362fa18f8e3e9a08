"""What the server of a queue starts for Python calls (see ``prong.Client``): forks workers that run pickled calls."""

from __future__ import annotations

import os
from typing import Any

from prong import _core
from prong._pickling import PROTOCOL, dump_by_value, dumps, loads, name_of, names_main
from prong._worker import KEPT_VARIABLES, Runner, encode_exception, leave, settle


def main() -> None:
    most = int(os.environ.pop("PRONG_QUEUE_MOST_OUTPUT", "0"))
    folder = os.environ.pop("PRONG_QUEUE_FOLDER", "")
    _core.role_from_environment()
    for name in [name for name in os.environ if name.startswith("PRONG_") and name not in KEPT_VARIABLES]:
        del os.environ[name]
    os.chdir(folder)  # a folder that is gone is told by the template's end
    os.dup2(2, 1)  # what functions print is for the server's log

    def make_runner() -> QueueRunner:
        settle()
        return QueueRunner(most)

    _core.serve_template(make_runner, -1)


def pickled(value: Any) -> bytes:
    """In one piece, and by value what only this program has."""
    try:
        data = dumps(value, PROTOCOL)
        if not names_main(data):
            return data
    except Exception:
        pass  # by value works for more, and says best what it does not work for
    return dump_by_value(value, lambda _: None, None)


class QueueRunner(Runner):
    """Runs calls: a payload is the job's number and a pickle of function, arguments and keywords, after their sizes."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def run(self, job: int, attempt: int, token: int, shape: int, data: Any, buffers: list[Any] | None) -> Any:
        try:
            number, call = _values(bytes(data))
            os.environ["PRONG_QUEUE_JOB"] = number.decode()
            function, args, kwargs = loads(call)
            value = pickled(function(*args, **kwargs))
            if self._most and len(value) > self._most:
                much = f"the result of {name_of(function)} takes {len(value)} bytes"
                raise ValueError(f"{much}; the queue keeps {self._most} (prong serve --keep)")
            return value
        except SystemExit as error:
            leave(error)
        except BaseException as error:
            return _failure(error)


def _values(data: bytes) -> list[bytes]:
    values = []
    while data:
        size = int.from_bytes(data[:4], "little")
        values.append(data[4 : 4 + size])
        data = data[4 + size :]
    return values


def _failure(error: BaseException) -> list[Any]:
    """As the engine wants it; the value is the exception with its traceback, if that can be pickled."""
    answer = encode_exception(error, None)
    kind, message, text, bases, *_ = answer
    error.__traceback__ = None
    try:
        data = pickled((error, text))
    except Exception:
        data = None
    return [kind, message, text, bases, data, None]
