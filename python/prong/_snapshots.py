"""Snapshots: whether a function or class is still what it was when it was pickled, told by identities alone."""

from __future__ import annotations

import functools
import types
import weakref

from prong._shared import Shared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol
else:
    Protocol = object

_ATOMS = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    range,
    type(Ellipsis),
    types.ModuleType,
    types.BuiltinFunctionType,
    Shared,
)
_MISSING = object()


class Snapshot(Protocol):
    """Of one function or class."""

    def is_current(self) -> bool: ...


class _Holder(Protocol):
    """A definition: it is current too while it is being made."""

    def is_current(self) -> bool: ...


def is_stable(value: Any) -> bool:
    """True for what cannot change while its identity stays. (Definitions are watched by their own snapshots.)"""
    if type(value) in _ATOMS:
        return True
    return type(value) in (tuple, frozenset) and all(map(is_stable, value))


@functools.lru_cache(maxsize=4096)
def referenced_names(code: types.CodeType) -> tuple[str, ...]:
    """Globals that a function's code names, with those of functions inside it."""
    from cloudpickle import cloudpickle

    return tuple(cloudpickle._extract_code_globals(code))


class _FunctionSnapshot:
    """``is_current``: same parts, all of which are stable, importable, or have a snapshot that is current.

    ``lenient``: of its defaults and cells, the identity is enough. (Those of dataclasses' methods look mutable.)
    """

    __slots__ = ("_checking", "_function", "_linked", "_names", "_parts", "_stable")

    def __init__(
        self, function: types.FunctionType, find: Callable[[int], _Holder | None], lenient: bool = False
    ) -> None:
        self._function = weakref.ref(function)
        self._names = referenced_names(function.__code__)
        self._parts = [_held(part) for part in self._outer_parts(function) + _inner_parts(function)]
        self._checking = False
        self._linked: list[_Holder] = []
        watched = self._outer_parts(function)
        if not lenient:
            watched += _inner_parts(function)
        self._stable = True
        for part in watched:
            self._stable &= self._classify(part, find)

    def _outer_parts(self, function: types.FunctionType) -> list[Any]:
        variables = function.__globals__
        return [function.__code__, *[variables.get(name, _MISSING) for name in self._names]]

    def _classify(self, part: Any, find: Callable[[int], _Holder | None]) -> bool:
        part = unwrapped(part)
        if is_stable(part) or part is _MISSING or isinstance(part, types.CodeType):
            return True
        if not isinstance(part, (type, types.FunctionType)):
            return False
        holder = find(id(part))
        if holder is not None:
            self._linked.append(holder)
        return True

    def is_current(self) -> bool:
        function = self._function()
        if function is None or not self._stable:
            return False
        if self._checking:  # a cycle: whoever began decides
            return True
        self._checking = True
        try:
            parts = self._outer_parts(function) + _inner_parts(function)
            same = len(parts) == len(self._parts) and all(map(_is, self._parts, parts))
            return same and all(link.is_current() for link in self._linked)
        finally:
            self._checking = False


class _ClassSnapshot:
    """``is_current``: same members, none of which can change in place, and methods that are current."""

    __slots__ = ("_checking", "_class", "_members", "_methods", "_stable")

    def __init__(self, cls: type, find: Callable[[int], _Holder | None]) -> None:
        self._class = cls
        self._members = dict(vars(cls))
        self._methods = [_FunctionSnapshot(function, find, lenient=True) for function in class_functions(cls)]
        self._stable = all(_is_stable_member(cls, name, member) for name, member in self._members.items())
        self._checking = False

    def is_current(self) -> bool:
        if not self._stable:
            return False
        if self._checking:
            return True
        self._checking = True
        try:
            members = vars(self._class)
            if len(members) != len(self._members):
                return False
            same = all(members.get(name, _MISSING) is value for name, value in self._members.items())
            return same and all(method.is_current() for method in self._methods)
        finally:
            self._checking = False


def snapshot_of(obj: Any, find: Callable[[int], Any]) -> Snapshot:
    """The snapshot of a function or class. ``find(id)`` gives the definition of another one, or None."""
    if isinstance(obj, types.FunctionType):
        return _FunctionSnapshot(obj, find)
    return _ClassSnapshot(obj, find)


def _is_stable_member(cls: type, name: str, member: Any) -> bool:
    """False for values that may change in place. What makes classes keeps its dictionaries under names of its own."""
    if (name.startswith("_") and name.endswith("_")) or name in ("_abc_impl", "_field_defaults"):
        return True
    # Descriptors (methods among them), and members of an Enum.
    return is_stable(member) or isinstance(member, (type, cls)) or hasattr(type(member), "__get__")


def unwrapped(value: Any) -> Any:
    """The function inside ``functools.lru_cache``; any other value itself."""
    return value.__wrapped__ if type(value) is functools._lru_cache_wrapper else value


def is_dispatcher(function: types.FunctionType) -> bool:
    """True for what ``functools.singledispatch`` has made."""
    return function.__globals__ is vars(functools) and hasattr(function, "registry") and hasattr(function, "dispatch")


def class_functions(cls: type) -> Iterator[types.FunctionType]:
    """The functions that a class was defined with: methods, and what stands behind properties and class methods."""
    for member in vars(cls).values():
        if isinstance(member, (staticmethod, classmethod)):
            member = member.__func__
        elif isinstance(member, functools.cached_property):
            member = member.func
        member = unwrapped(member)
        candidates = (member.fget, member.fset, member.fdel) if isinstance(member, property) else (member,)
        for function in candidates:
            if isinstance(function, types.FunctionType) and function.__module__ == cls.__module__:
                yield function


def _contents(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


def _inner_parts(function: types.FunctionType) -> list[Any]:
    parts = list(function.__defaults__ or ())
    for attributes in (function.__kwdefaults__, function.__dict__):
        parts += (attributes or {}).values()
    parts += [_contents(cell) for cell in function.__closure__ or ()]
    return parts


def _held(part: Any) -> Any:
    """A part to compare with later. Functions are held weakly: they may hold the one that the snapshot is of."""
    return weakref.ref(part) if isinstance(part, types.FunctionType) else part


def _is(held: Any, part: Any) -> bool:
    return held is part or (type(held) is weakref.ref and held() is part)
