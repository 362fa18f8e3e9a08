"""The worker's side: what a worker or template process of a Python pool does."""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
from _signal import SIGINT, signal  # type: ignore[import-not-found]  # not from signal, which imports enum

from prong import _core, _inherited, _received
from prong._exceptions import DecodingError, type_name
from prong._pickling import (
    PROTOCOL,
    Buffers,
    brief,
    cannot_pickle,
    decode,
    dump_by_value,
    dumps,
    name_of,
    names_main,
)
from prong._shapes import ARGUMENTS, ARGUMENTS_AND_KEYWORDS, BUNDLE, CALL, INHERITED, SINGLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_received_function = _received.received
exits_are_raised = False


def main(state: dict[str, Any]) -> NoReturn:
    """Runs a process that was started for a pool of kind "fresh" or "spawn", or as a nursery."""
    _clear_main()
    role = _core.role_from_environment()
    for name in [name for name in os.environ if name.startswith("PRONG_")]:
        if name not in KEPT_VARIABLES:
            del os.environ[name]
    if role == "nursery":
        _flush()  # else each copy would write what is buffered
        gc.freeze()
        _core.serve_nursery(_run_template)
    _adopt(state)
    if role == "template":
        _preload(state["preload"])
        serve_template(-1)
    settle()
    _core.serve_worker(Runner())


def _run_template(control_fd: int, environment: list[str]) -> NoReturn:
    """In a forked copy of a nursery: becomes the template of one pool."""
    variables = dict(entry.split("=", 1) for entry in environment)
    count = int(variables.pop("PRONG_PYTHON_STATE"))
    text = "".join(variables.pop(f"PRONG_PYTHON_STATE_{number}") for number in range(count))
    state = eval(text, {"__builtins__": {}})
    os.environ.update(variables)
    sys.path[:] = state["path"]
    sys.path_importer_cache.clear()  # what files there were when the nursery started
    _adopt(state)
    _preload(state["preload"])
    serve_template(control_fd)


def _adopt(state: dict[str, Any]) -> None:
    """What the program has, this process has, too."""
    vars(sys.modules["__main__"])["__package__"] = state["package"]  # for relative imports under python -m
    sys.argv[:] = state["argv"]
    if state["authkey"]:
        from prong._authkey import set_authkey

        set_authkey(bytes.fromhex(state["authkey"]))
    set_exits_are_raised(state["exits_are_raised"])


# What jobs may know of themselves, and what pools in jobs must know.
KEPT_VARIABLES = ("PRONG_WORKER", "PRONG_SHARE", "PRONG_LAUNCHER", "PRONG_QUEUE")


def set_exits_are_raised(raised: bool) -> None:
    """Whether sys.exit() in a job is an exception like any other (as in concurrent.futures) or ends the worker."""
    global exits_are_raised
    exits_are_raised = raised


def serve_template(control_fd: int) -> NoReturn:
    """Forks workers until the launcher is gone."""
    # A worker's first collection shall not copy what it inherited. (To collect garbage before that would copy it here.)
    gc.freeze()
    _core.serve_template(_make_runner, control_fd)


def _make_runner() -> Runner:
    settle()
    return Runner()


def settle() -> None:
    """Makes a new process a worker."""
    # A handler that does nothing, not SIG_IGN: what jobs start shall have the default again.
    signal(SIGINT, _do_nothing)
    random = sys.modules.get("random")  # else it is seeded when it is imported
    if random is not None and hasattr(random, "SystemRandom"):  # a program may have a module of this name
        random.seed()
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        except (AttributeError, ValueError):
            continue


def _do_nothing(_number: int, _frame: Any) -> None:
    pass


def _clear_main() -> None:
    """Functions of the program's ``__main__`` will have this module as theirs."""
    variables = vars(sys.modules["__main__"])
    for name in [name for name in variables if not name.startswith("__")]:
        del variables[name]


def _preload(modules: list[str]) -> None:
    for name in modules:
        import importlib  # takes as long as all else here

        try:
            importlib.import_module(name)
        except Exception:
            import traceback

            traceback.print_exc()  # the first job that needs it says so too


class Runner:
    """Runs calls. Answers with bytes (a pickled value), a tuple (pickle, buffers) or a list (an exception)."""

    def __init__(self) -> None:
        self._tokens: dict[int, int] = {}  #: of definitions, by the engine's number for them

    def define(self, number: int, token: int, data: Any, buffers: list[memoryview] | None) -> None:
        self._tokens[number] = token
        _received.define(token, data, buffers)

    def forget(self, number: int) -> None:
        """No later job needs a definition."""
        _received.forget(self._tokens.pop(number))

    def run(self, job: int, attempt: int, token: int, shape: int, data: Any, buffers: list[Any] | None) -> Any:
        """Decodes a call, calls, encodes the result."""
        function = None
        try:
            try:
                function, args, kwargs = _decode_call(token, shape, data, buffers)
            except (Exception, SystemExit) as error:
                raise _cannot_decode(token, error) from error
            del data, buffers
            value = function(*args, **kwargs) if kwargs else function(*args)
            del args, kwargs
            return _encode_value(value, function)
        except SystemExit as error:
            if not exits_are_raised:
                leave(error)
            return encode_exception(error, function)
        except BaseException as error:
            return encode_exception(error, function)

    # A batch: what C++ asks for, item by item, when it does not do it itself (python/bindings/worker.cc).

    def callee(self, token: int) -> Any:
        """The function that is called for each item."""
        return _received_function(token)

    def encode(self, value: Any, function: Any) -> Any:
        """A value as run() answers."""
        return _encode_value(value, function)

    def failed(self, error: BaseException, trace: Any, token: int, function: Any, called: bool) -> list[Any]:
        """What was raised by the call, or before it, as run() answers."""
        error.__traceback__ = trace
        if not called and isinstance(error, (Exception, SystemExit)):
            refusal = _cannot_decode(token, error)
            refusal.__cause__ = error
            return encode_exception(refusal, function)
        if isinstance(error, SystemExit) and not exits_are_raised:
            leave(error)
        return encode_exception(error, function)

    def no_room(self, size: int, error_number: int) -> list[Any]:
        """There is no shared memory for a result."""
        text = f"cannot reserve {size} bytes of shared memory for the result: {os.strerror(error_number)}"
        return encode_exception(MemoryError(text), None)

    def pack(self, answer: list[Any]) -> bytes:
        """An exception as a record of a batch."""
        return dumps(answer, PROTOCOL)

    def initialize(self, *call: Any) -> Any:
        return self.run(*call)

    def finalize(self, *call: Any) -> Any:
        return self.run(*call)

    def report_stacks(self, signal_number: int, file: int) -> None:
        """Adds the frames of all threads to what the engine writes when it asks for stacks."""
        faulthandler.register(signal_number, file=file, all_threads=True, chain=True)

    def before_exit(self) -> None:
        """The worker ends in order."""
        import atexit

        from prong import _exit

        try:
            _exit.end_all()
        except Exception:
            pass
        atexit._run_exitfuncs()
        _flush()


def _decode_call(token: int, shape: int, data: Any, buffers: list[Any] | None) -> tuple[Any, Any, Any]:
    if shape == ARGUMENTS:
        return _received_function(token) if token else None, decode(data, buffers), None
    if shape == SINGLE:
        return _received_function(token), (decode(data, buffers),), None
    if shape == ARGUMENTS_AND_KEYWORDS:
        function = _received_function(token)
        return function, *decode(data, buffers)
    value = decode(data, buffers)
    if shape == BUNDLE:
        definitions, call, beside = value
        for definition in definitions:
            _received.define(*definition)
        value = decode(call, beside)
    elif shape == INHERITED:
        value = *_inherited.call(value), {}
    else:
        assert shape == CALL, f"unknown shape {shape}"
    function, args, kwargs = value
    return function, args, kwargs


def _cannot_decode(token: int, error: BaseException) -> DecodingError:
    what = "function" if token else "call"
    return DecodingError(f"the {what} or its arguments cannot be unpickled: {type(error).__name__}: {error}")


def _encode_value(value: Any, function: Any) -> Any:
    buffers = Buffers()
    try:
        try:
            data = dumps(value, PROTOCOL, buffer_callback=buffers.add)
        except Exception:
            data = b"__main__"
        if names_main(data):
            buffers.clear()
            data = dump_by_value(value, _reference, buffers.add)
    except Exception as error:
        failure = cannot_pickle(f"the result ({brief(value)}) of {name_of(function)}", error)
        return encode_exception(failure, function)
    return (data, buffers) if buffers else data


def _reference(obj: Any) -> Any:
    return _received.reference(obj) or _inherited.reduce_any(obj)


def encode_exception(error: BaseException, function: Any) -> list[Any]:
    kind, *bases = map(type_name, type(error).__mro__)
    import traceback  # takes a while, and not all workers need it

    text = "".join(traceback.format_exception(type(error), error, _own_traceback(error)))
    try:
        message = str(error)
    except Exception:
        message = "(its text cannot be had)"
    answer = _encode_value_or_none(error)
    return [kind, message, text, bases, *answer]


def _encode_value_or_none(error: BaseException) -> tuple[bytes | None, Any]:
    """Pickle and buffers of an exception; (None, None) if it does not pickle: then its texts have to do."""
    error.__traceback__ = None
    encoded = _encode_value(error, None)
    if isinstance(encoded, bytes):
        return encoded, None
    return encoded if isinstance(encoded, tuple) else (None, None)


def _own_traceback(error: BaseException) -> Any:
    """The traceback without the frames of this module, if there are others."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals is globals():
        trace = trace.tb_next
    return trace


def leave(error: SystemExit) -> NoReturn:
    """A job called sys.exit(): the process ends, as it would have anywhere else."""
    if error.code is not None and not isinstance(error.code, int):
        print(error.code, file=sys.stderr)
    _flush()
    code = error.code if isinstance(error.code, int) else int(error.code is not None)
    os._exit(code & 0xFF)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            continue
