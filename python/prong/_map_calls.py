"""The functions that ``prong map`` calls: found, loaded, and called with inputs."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, GeneratorType, ModuleType, TracebackType
from typing import Any

from prong._map_values import DECODERS, Arguments, Items, Keywords


class CannotLoad(Exception):
    """A function cannot be had, or not be called with what there is; ``__cause__`` says more."""


class Calls:
    """The function, and those that are called before and after all of its calls in a process."""

    def __init__(self, function: str, *, form: str = "", first: str = "", last: str = "") -> None:
        self.name = function
        self._first_name = _beside(function, first)
        self._last_name = _beside(function, last)
        self._decode = DECODERS[form]
        self._function: Callable[..., Any] | None = None
        self._first: Callable[..., Any] | None = None
        self._last: Callable[..., Any] | None = None
        self._columns: list[str] = []
        self._loop: Any = None
        self._begun = False

    def load(self) -> None:
        """Raises CannotLoad."""
        self._function = _loaded(self.name)
        self._first = _loaded(self._first_name) if self._first_name else None
        self._last = _loaded(self._last_name) if self._last_name else None

    def take_by_name(self, columns: list[bytes]) -> None:
        """The values of inputs are for the parameters of these names, if there are any. Raises CannotLoad."""
        self._columns = [os.fsdecode(name) for name in columns]
        if not columns:
            return
        import inspect

        assert self._function is not None
        try:
            inspect.signature(self._function).bind(**dict.fromkeys(self._columns))
        except ValueError:  # a function of C, whose parameters are not known
            return
        except TypeError as error:
            raise CannotLoad(f"cannot call {self.name} with the columns {self._column_names()}: {error}") from None

    def begin(self) -> None:
        if self._first is not None:
            self._finish(self._first())
        self._begun = True

    def call(self, values: list[bytes]) -> Any:
        assert self._function is not None
        args, kwargs = self.arguments(values)
        return self._finish(self._function(*args, **kwargs))

    def end(self) -> None:
        """Only of what has begun."""
        if self._begun and self._last is not None:
            self._finish(self._last())

    def arguments(self, values: list[bytes]) -> tuple[Arguments, Keywords]:
        args, kwargs = self._decode(values)
        if not self._columns:
            return args, kwargs
        if len(args) != len(self._columns):
            raise ValueError(
                f"the row has {len(args)} values for {len(self._columns)} columns ({self._column_names()})"
            )
        return (), dict(zip(self._columns, args, strict=True))

    def _column_names(self) -> str:
        return ", ".join(map(repr, self._columns))

    def _finish(self, value: Any) -> Any:
        """What an asynchronous function or a generator comes to; any other value as it is."""
        if isinstance(value, CoroutineType):
            value = self._run(value)
        if isinstance(value, AsyncGeneratorType):
            value = self._run(_items_of(value))
        return Items(value) if isinstance(value, GeneratorType) else value

    def _run(self, coroutine: Any) -> Any:
        """In one event loop for all calls: what one call has opened may be of use to the next."""
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
        return self._loop.run_until_complete(coroutine)


async def _items_of(values: Any) -> Items:
    return Items([value async for value in values])


def without_machinery(trace: TracebackType | None) -> TracebackType | None:
    """The traceback of the functions' own code."""
    while trace is not None and _is_machinery(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


_OWN_FILES = {str(Path(__file__).with_name(f"_map_{name}.py")) for name in ("calls", "values", "worker", "only")}
_ASYNCIO = f"{Path(os.__file__).parent}/asyncio/"


def _is_machinery(file: str) -> bool:
    own = file in _OWN_FILES or file == "<string>"  # as the command line starts them
    return own or file == importlib.__file__ or file.startswith(("<frozen importlib", _ASYNCIO))


# --- where functions are found ---


def _beside(function: str, name: str) -> str:
    """A name alone stands for what is beside the function."""
    if not name or ":" in name:
        return name
    return f"{function.rpartition(':')[0]}:{name}"


def _loaded(name: str) -> Callable[..., Any]:
    try:
        return load(name)
    except (Exception, SystemExit) as error:
        kind = type(error)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        raise CannotLoad(f"cannot load {name}: {module}{kind.__qualname__}: {error}") from error


def load(name: str) -> Callable[..., Any]:
    """The function that ``file.py:name`` or ``module:name`` stands for."""
    where, _, path = name.rpartition(":")
    value: Any = _load_file(Path(where)) if where.endswith(".py") else _load_module(where)
    for part in path.split("."):
        value = getattr(value, part)
    if not callable(value):
        raise TypeError(f"{name} is not callable but {type(value).__name__}")
    return value


def _load_module(name: str) -> ModuleType:
    _find_modules_in(Path.cwd())
    return importlib.import_module(name)


def _find_modules_in(folder: Path) -> None:
    """As if a program of that folder were run. (Everything that this program needs has been imported.)"""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _load_file(path: Path) -> ModuleType:
    path = path.resolve()
    if (path.parent / "__init__.py").exists():
        return _load_from_package(path)
    name = path.stem if path.stem != __package__ else f"{path.stem}_"  # this package is still needed
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known
    _find_modules_in(path.parent)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _load_from_package(path: Path) -> ModuleType:
    """A file that is part of a package may import what is beside it by relative names."""
    names = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").exists():
        names.insert(0, folder.name)
        folder = folder.parent
    _find_modules_in(folder)
    name = ".".join(names)
    module = importlib.import_module(name)
    if getattr(module, "__file__", None) != str(path):
        raise ImportError(f"{path} is {name} by its folders, but another module of this name is imported")
    return module
