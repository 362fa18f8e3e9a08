"""Definitions on the worker's side: bytes until a job needs them, then the function or class itself.

See ``_definitions`` for what they are. A worker runs one job at a time, on its main thread.
"""

from __future__ import annotations

import functools
import sys
import types
from typing import Any

from prong._pickling import Reduced, loads

_blobs: dict[int, bytes] = {}  #: told, not needed yet
_objects: dict[int, Any] = {}
_tokens: dict[int, int] = {}  #: id of an object that goes back by token
_references: dict[int, list[int]] = {}
_variables: dict[int, list[tuple[str, str, int, bytes]]] = {}  #: globals that a definition refers to
_flat: dict[int, list[tuple[str, str, int, bytes]]] = {}  #: the same, with those of all that it refers to
_namespaces: dict[str, dict[str, Any]] = {}
_set: dict[tuple[str, str], int] = {}  #: serial of the value that a global was set to last
_setting: set[tuple[str, str]] = set()
_MISSING = object()


def define(definition: bytes) -> None:
    """A definition has come. It is not decoded before a job needs it: that runs code."""
    token = int.from_bytes(definition[:4], sys.byteorder)
    if token not in _references:
        _references[token], _variables[token], _blobs[token] = loads(definition[4:])


def received(token: int) -> Any:
    """The function or class of a token, with its globals as they were when it was sent."""
    value = _objects.get(token, _MISSING)
    if value is _MISSING:
        value = loads(_blobs[token])
        _objects[token] = value
        del _blobs[token]
    _set_globals(token)
    return value


def reference(obj: Any) -> Reduced | None:
    """How a result names a function or class that came from the program; None for any other."""
    token = _tokens.get(id(obj))
    if token is None:
        return None
    from prong._definitions import sent

    return sent, (token,)


def make_class(token: int, make: Any, arguments: tuple[Any, ...]) -> type:
    """An empty class; what refers back to it finds it from now on. (Called by unpickling, as the next two.)"""
    cls: type = make(*arguments)
    return _register(token, cls)


def make_function(token: int, code: types.CodeType, namespace: str, name: str, cells: int) -> Any:
    """A function without its state."""
    closure = tuple(types.CellType() for _ in range(cells)) or None
    function = types.FunctionType(code, namespace_of(namespace), name, None, closure)
    return _register(token, function)


def fill_function(function: Any, state: dict[str, Any]) -> None:
    """Gives a function its state."""
    for name, value in state["slots"].items():
        setattr(function, name, value)
    function.__dict__.update(state["attributes"])
    for cell, contents in zip(function.__closure__ or (), state["cells"], strict=True):
        if contents:
            cell.cell_contents = contents[0]


def make_dispatcher(token: int, name: str) -> Any:
    """A function of ``functools.singledispatch`` that knows no types yet."""

    def nothing(*_arguments: Any) -> None:
        pass

    nothing.__name__ = name
    return _register(token, functools.singledispatch(nothing))


def fill_dispatcher(dispatcher: Any, registry: dict[type, Any]) -> None:
    """Gives a dispatcher its functions. That of ``object`` is the one that was decorated."""
    functools.update_wrapper(dispatcher, registry[object])
    for kind, function in registry.items():
        dispatcher.register(kind, function)


@functools.lru_cache(maxsize=32)  # so that what one job has cached is there for the next one
def make_cached(function: Any, maxsize: int | None, typed: bool) -> Any:
    """The function with a ``functools.lru_cache`` of this process."""
    named: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        named = getattr(named, name, None)
    if getattr(named, "__wrapped__", None) is function:
        return named
    return functools.lru_cache(maxsize, typed)(function)


def namespace_of(name: str) -> dict[str, Any]:
    """The globals of functions that came by value: one dictionary for each module of the program."""
    if name == "__main__":
        return vars(sys.modules["__main__"])
    if name not in _namespaces:
        _namespaces[name] = {"__name__": name.partition("#")[0], "__builtins__": __builtins__}
    return _namespaces[name]


def _register(token: int, value: Any) -> Any:
    if token:
        _objects[token] = value
        _tokens[id(value)] = token
    return value


def _set_globals(token: int) -> None:
    for namespace, name, serial, blob in _flat_variables(token):
        place = namespace, name
        if _set.get(place) != serial and place not in _setting:
            _setting.add(place)
            try:
                namespace_of(namespace)[name] = loads(blob)
                _set[place] = serial
            finally:
                _setting.discard(place)


def _flat_variables(token: int) -> list[tuple[str, str, int, bytes]]:
    flat = _flat.get(token)
    if flat is None:
        flat = _flat[token] = []
        seen: set[int] = set()
        waiting = [token]
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                flat += _variables[one]
                waiting += _references[one]
    return flat
