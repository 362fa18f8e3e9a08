"""Definitions on the worker's side: bytes until a job needs them, then the function or class itself.

See ``_definitions`` for what they are. A worker runs one job at a time, on its main thread.
"""

from __future__ import annotations

import functools
import sys
import types
from collections import OrderedDict

from prong._pickling import Reduced, decode, is_large, size_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

#: A definition as it comes: its token, the pickle of its parts, and buffers that go beside that.
Parts = tuple[int, "bytes | memoryview", "Sequence[Any] | None"]
#: (namespace, name, serial, pickle, buffers) of each global.
_Variables = list[tuple[str, str, int, bytes, "list[memoryview]"]]
_MISSING = object()


class _Definition:
    """One that came: bytes, then the object."""

    __slots__ = ("data", "flat", "memory", "references", "size", "value", "variables")

    def __init__(self, data: Any, buffers: Any) -> None:
        self.references: list[int]
        self.variables: _Variables  #: globals that it refers to
        self.references, self.variables, self.data, self.memory = decode(data, buffers)
        self.flat: _Variables | None = None  #: the same, with those of all that it refers to
        self.value: Any = _MISSING
        self.size = size_of(data, buffers)


_definitions: dict[int, _Definition] = {}
_carried: OrderedDict[int, int] = OrderedDict()  #: bytes of those that came inside payloads
_MOST_CARRIED_BYTES = 4 * 1024 * 1024
_OVERHEAD_BYTES = 16 * 1024  #: at most 256 of them are kept
_tokens: dict[int, int] = {}  #: id of an object that goes back by token
_namespaces: dict[str, dict[str, Any]] = {}
_set: dict[tuple[str, str], int] = {}  #: serial of the value that a global was set to last
_setting: set[tuple[str, str]] = set()


def define(token: int, data: Any, buffers: Any) -> None:
    """A definition has come, to stay until forget(). It is not decoded before a job needs it: that runs code."""
    _carried.pop(token, None)
    if token not in _definitions:
        _definitions[token] = _Definition(data, buffers)


def forget(token: int) -> None:
    """What came back as a token goes back by value from now on."""
    known = _definitions.pop(token)
    if _tokens.get(id(known.value)) == token:
        del _tokens[id(known.value)]


def carried(token: int, definitions: Iterable[Parts]) -> Any:
    """The function or class of a token, of which the payload has the definitions. The last ones are kept."""
    _drop_old()
    tokens = [one for one, *_ in definitions]
    for one, data, buffers in definitions:
        if one not in _definitions:
            _definitions[one] = _Definition(data, buffers)
            _carried[one] = _definitions[one].size + _OVERHEAD_BYTES
        elif one in _carried:
            _carried.move_to_end(one)
    value = received(token)
    for known in [_definitions[one] for one in tokens]:
        if is_large(known.size) and isinstance(known.value, types.FunctionType):
            _tokens.pop(id(known.value), None)  # the program does not keep it: it goes back by value
    return value


def _drop_old() -> None:
    excess = sum(_carried.values()) - _MOST_CARRIED_BYTES
    while excess > 0:
        token, size = _carried.popitem(last=False)
        excess -= size
        forget(token)


def received(token: int) -> Any:
    """The function or class of a token, with its globals as they were when it was sent."""
    known = _definitions[token]
    if known.value is _MISSING:
        try:
            known.value = decode(known.data, known.memory)
        except BaseException:
            known.value = _MISSING  # not half an object
            raise
        known.data, known.memory = b"", []
    _set_globals(known)
    return known.value


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


def make_code(data: bytes) -> types.CodeType:
    """The code of a function."""
    from marshal import loads as load_code

    code: types.CodeType = load_code(data)
    return code


def imported(name: str) -> types.ModuleType:
    """A module that the program has by this name."""
    __import__(name)
    return sys.modules[name]


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
    named: Any = sys.modules.get(getattr(function, "__module__", None) or "")
    for name in getattr(function, "__qualname__", "").split("."):
        named = getattr(named, name, None)
    if getattr(named, "__wrapped__", None) is function:
        return named
    return functools.lru_cache(maxsize, typed)(function)


def view(data: Any, form: str, shape: tuple[int, ...]) -> memoryview:
    """A memoryview, over this memory."""
    flat = memoryview(data).cast("B")
    return flat.cast(form) if len(shape) == 1 else flat.cast(form, shape)  # type: ignore[call-overload]


def namespace_of(name: str) -> dict[str, Any]:
    """The globals of functions that came by value: one dictionary for each module of the program."""
    if name == "__main__":
        return vars(sys.modules["__main__"])
    if name not in _namespaces:
        _namespaces[name] = {"__name__": name.partition("#")[0], "__builtins__": __builtins__}
    return _namespaces[name]


def _register(token: int, value: Any) -> Any:
    if token:
        _definitions[token].value = value
        _tokens[id(value)] = token
    return value


def _set_globals(known: _Definition) -> None:
    if known.flat is None:
        known.flat = _flatten(known)
    for namespace, name, serial, data, memory in known.flat:
        place = namespace, name
        if _set.get(place) != serial and place not in _setting:
            _setting.add(place)
            try:
                namespace_of(namespace)[name] = decode(data, memory)
                _set[place] = serial
            finally:
                _setting.discard(place)


def _flatten(known: _Definition) -> _Variables:
    flat = list(known.variables)
    seen: set[int] = set()
    waiting = list(known.references)
    while waiting:
        token = waiting.pop()
        if token not in seen:
            seen.add(token)
            flat += _definitions[token].variables
            waiting += _definitions[token].references
    return flat
