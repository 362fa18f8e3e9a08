"""Definitions: functions and classes that a pool's workers are told by value. The program's side.

Everything of ``__main__``, lambdas, closures and notebook cells cannot be imported by a worker. Such a function or
class is pickled once, registered with the pool under a *token*, and named by that token from then on; it comes back as
the token, so the program's own object is the one used (``isinstance`` and the identity of enum members hold).

A definition is used again only while it is *current*: same code, defaults, cells and referenced globals, all of them
immutable, importable or current definitions themselves. Else it is pickled again, and the bytes are compared.

Referenced globals are a snapshot at submit. Each value has a serial number; a worker sets a global only when the serial
is another than the one that it has set last. So what an initializer put into a global stays, until the program changes
that global itself.
"""

from __future__ import annotations

import itertools
import struct
import sys
import threading
import types
import weakref
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prong import _core, _received
from prong._inherited import Inherited
from prong._pickling import PROTOCOL, Reduced, brief, cannot_pickle, dump_by_value, dumps, name_of, names_main
from prong._snapshots import (
    Snapshot,
    class_functions,
    is_dispatcher,
    is_importable,
    is_stable,
    referenced_names,
    snapshot_of,
)

_tokens = itertools.count(1)
_serials = itertools.count(1)
_sent: dict[int, Any] = {}  #: the program's own object of each token
_MISSING = object()


def sent(token: int) -> Any:
    """The program's own function or class that was sent under a token. Called by unpickling results."""
    return _sent[token]


class Definition:
    """One function or class, as workers are told it."""

    __slots__ = ("blob", "engine_id", "handle", "making", "object", "references", "snapshot", "token")

    def __init__(self, value: Any, token: int) -> None:
        self.object = value
        self.token = token
        self.blob = b""
        self.references: dict[int, Definition] = {}
        self.making = False
        self.snapshot: Snapshot | None = None
        self.engine_id: int | None = None
        self.handle: _core.Function | None = None

    def is_current(self) -> bool:
        """True while it is being made (what refers back to it may), then for as long as nothing of it has changed.

        One whose making failed is not: what refers to it is made again.
        """
        return self.making or (self.snapshot is not None and self.snapshot.is_current())


class _Global:
    """The value of a global as it was sent last."""

    __slots__ = ("blob", "references", "serial", "stable", "value")

    def __init__(self, value: Any, blob: bytes, references: dict[int, Definition], stable: bool) -> None:
        self.value = value
        self.blob = blob
        self.references = references
        self.stable = stable
        self.serial = next(_serials)


class Definitions:
    """What the workers of one pool have been told. ``publish(bytes)`` registers a definition with the engine."""

    def __init__(self, inherited: Inherited | None = None) -> None:
        self._publish: Callable[[bytes], int] | None = None
        self._inherited = inherited
        self._by_id: dict[int, Definition] = {}
        self._functions: dict[int, tuple[Any, _core.Function]] = {}
        self._by_blob: dict[bytes, Definition] = {}
        self._globals: dict[tuple[str, str], _Global] = {}
        self._namespaces: dict[int, tuple[str, dict[str, Any]]] = {}
        self._lock = threading.RLock()
        self._sent_tokens: list[int] = []
        weakref.finalize(self, _forget, self._sent_tokens, inherited).atexit = False

    def publish_with(self, publish: Callable[[bytes], int]) -> None:
        """The pool exists now."""
        self._publish = publish

    # What the encoder asks for.

    def function(self, function: Any) -> _core.Function | None:
        """The token of a function or class that is called; None for what is pickled with each call."""
        known = self._functions.get(id(function))
        if known is not None:
            return known[1]
        if not isinstance(function, (types.FunctionType, type)) and not _is_builtin_function(function):
            return None
        with self._lock:
            definition = None if _is_builtin_function(function) else self.refer(function)
            if definition is not None:
                return self._handle(definition)
            handle = self._handle(self._named(function))
            self._functions[id(function)] = function, handle
            return handle

    def callee(self, function: Any) -> _core.Function:
        """As function(), also for methods, partials and other objects: their bytes become a definition."""
        known = self.function(function)
        if known is not None:
            return known
        with self._lock:
            references: dict[int, Definition] = {}
            return self._handle(self._anonymous(function, self.dump(function, references), references))

    def dump(self, value: Any, references: dict[int, Definition], callback: Any = None) -> bytes:
        """Pickles by value; what it refers to is added to ``references``."""
        with self._lock:
            return dump_by_value(value, lambda obj: self._reference(obj, references), callback)

    def engine_ids(self, references: Iterable[Definition]) -> list[int]:
        """What a job needs that refers to these definitions, directly or not."""
        assert self._publish is not None
        with self._lock:
            closure = list(_closure(references))
            for definition in closure:
                if definition.engine_id is None:
                    definition.engine_id = self._publish(definition.blob)
            return [definition.engine_id for definition in closure if definition.engine_id is not None]

    def blobs(self, references: Iterable[Definition]) -> list[bytes]:
        """The bytes of these definitions and of what they need."""
        with self._lock:
            return [definition.blob for definition in _closure(references)]

    # By token or by name.

    def refer(self, obj: Any) -> Definition | None:
        """The current definition of a function or class; None if workers find it by name."""
        known = self._by_id.get(id(obj))
        if known is not None and known.is_current():
            return known
        if known is None and not self._goes_by_value(obj):
            return None
        return self._redefine(obj, known)

    def _goes_by_value(self, obj: Any) -> bool:
        if self._inherited is not None and self._inherited.path_of(obj) is not None:
            return False
        # Types of builtins that have no name there, such as that of None, are known to cloudpickle.
        return obj.__module__ != "builtins" and not is_importable(obj)

    def _reference(self, obj: Any, references: dict[int, Definition]) -> Reduced | None:
        """How a by-value pickle names a function or class."""
        if self._inherited is not None:
            reduced = self._inherited.reduce(obj)
            if reduced is not None:
                return reduced
        if not isinstance(obj, (type, types.FunctionType)):
            return None
        definition = self.refer(obj)
        if definition is None:
            return None
        references[definition.token] = definition
        return _received.received, (definition.token,)

    def _handle(self, definition: Definition) -> _core.Function:
        if definition.handle is None:
            definition.handle = _core.Function(definition.token, self.engine_ids([definition]))
        return definition.handle

    # Making definitions.

    def _redefine(self, obj: Any, known: Definition | None) -> Definition:
        """Pickles a function or class (again). The old definition stays if its bytes are the same."""
        if known is None:
            return self._define(obj, next(_tokens))
        fresh = self._define(obj, known.token)
        if fresh.blob == known.blob:
            known.snapshot = fresh.snapshot
            self._by_id[id(obj)] = known
            return known
        self._by_id.pop(id(obj))
        return self._define(obj, next(_tokens))

    def _define(self, obj: Any, token: int) -> Definition:
        definition = Definition(obj, token)
        before = self._by_id.get(id(obj))
        try:
            definition.making = True
            self._by_id[id(obj)] = definition  # what refers back to it finds it
            definition.blob = _DefinitionPickler(self, definition).blob()
            definition.snapshot = snapshot_of(obj, self._by_id.get)
        except BaseException as error:  # Ctrl-C too must not leave half a definition behind
            self._restore(obj, before)
            if not isinstance(error, Exception):
                raise
            raise cannot_pickle(f"{'class' if isinstance(obj, type) else 'function'} {name_of(obj)}", error) from error
        finally:
            definition.making = False
        self._remember(obj, token)
        return definition

    def _restore(self, obj: Any, before: Definition | None) -> None:
        self._by_id.pop(id(obj), None)
        if before is not None:
            self._by_id[id(obj)] = before

    def _remember(self, obj: Any, token: int) -> None:
        _sent[token] = obj
        self._sent_tokens.append(token)

    def _named(self, function: Any) -> Definition:
        """The definition of a function that workers import by name."""
        references: dict[int, Definition] = {}
        try:
            blob = dumps(function, PROTOCOL)
            if names_main(blob):
                blob = self.dump(function, references)
        except Exception:
            blob = self.dump(function, references)
        return self._anonymous(function, blob, references)

    def _anonymous(self, function: Any, blob: bytes, references: dict[int, Definition]) -> Definition:
        known = self._by_blob.get(blob)
        if known is None:
            known = Definition(function, next(_tokens))
            known.references = references
            known.blob = pack(known.token, references, [], blob)
            self._by_blob[blob] = known
        return known

    # Globals.

    def namespace(self, function: types.FunctionType) -> str:
        """The name under which workers keep the globals of a function."""
        variables = function.__globals__
        known = self._namespaces.get(id(variables))
        if known is None:
            module = sys.modules.get(function.__module__ or "")
            own = module is not None and vars(module) is variables
            name = function.__module__ if own else f"{function.__module__}#{next(_serials)}"
            known = self._namespaces[id(variables)] = name, variables
        return known[0]

    def globals_of(
        self, function: types.FunctionType, references: dict[int, Definition]
    ) -> list[tuple[str, str, int, bytes]]:
        """(namespace, name, serial, pickle) of each global that a function refers to and that has a value."""
        namespace = self.namespace(function)
        variables = function.__globals__
        found = []
        for name in referenced_names(function.__code__):
            value = variables.get(name, _MISSING)
            if value is _MISSING or (self._inherited is not None and self._inherited.has(namespace, name, value)):
                continue
            sent_global = self._global(namespace, name, value)
            references.update(sent_global.references)
            found.append((namespace, name, sent_global.serial, sent_global.blob))
        return found

    def _global(self, namespace: str, name: str, value: Any) -> _Global:
        known = self._globals.get((namespace, name))
        if known is not None and known.value is value and known.stable:
            return known
        references: dict[int, Definition] = {}
        try:
            blob = self.dump(value, references)
        except Exception as error:
            raise cannot_pickle(f"global {name!r} ({brief(value)})", error) from error
        if known is None or known.blob != blob:
            known = self._globals[namespace, name] = _Global(value, blob, references, is_stable(value))
        return known


class _DefinitionPickler:
    """Makes the bytes of one definition."""

    def __init__(self, definitions: Definitions, definition: Definition) -> None:
        self._definitions = definitions
        self._definition = definition
        self._globals: list[tuple[str, str, int, bytes]] = []
        # Methods travel inside their class.
        root = definition.object
        self._inside = {id(function) for function in class_functions(root)} if isinstance(root, type) else set()

    def blob(self) -> bytes:
        definition = self._definition
        data = dump_by_value(definition.object, self._refer)
        return pack(definition.token, definition.references, self._globals, data)

    def _refer(self, obj: Any) -> Reduced | None:
        if obj is self._definition.object:
            return self._reduce_root(obj)
        if id(obj) in self._inside:
            return self._reduce_function(obj, 0)
        return self._definitions._reference(obj, self._definition.references)

    def _reduce_root(self, obj: Any) -> Reduced:
        token = self._definition.token
        if isinstance(obj, types.FunctionType):
            return self._reduce_function(obj, token)
        make, arguments, state, *rest = _reduce_class(obj)
        return _received.make_class, (token, make, arguments), state, *rest

    def _reduce_function(self, function: types.FunctionType, token: int) -> Reduced:
        if is_dispatcher(function):
            registry = dict(function.registry)  # type: ignore[attr-defined]
            make_empty = _received.make_dispatcher, (token, function.__name__)
            return *make_empty, registry, None, None, _received.fill_dispatcher
        definitions = self._definitions
        self._globals += definitions.globals_of(function, self._definition.references)
        cells = function.__closure__ or ()
        make = (token, function.__code__, definitions.namespace(function), function.__name__, len(cells))
        return _received.make_function, make, _state_of(function), None, None, _received.fill_function


def _reduce_class(cls: type) -> Reduced:
    """As cloudpickle, but the copy has the same slots: a class can be given them only while it is made."""
    from cloudpickle import cloudpickle

    make, arguments, (members, slots_state), *rest = cloudpickle._class_reduce(cls)
    if make is cloudpickle._make_skeleton_class and "__slots__" in vars(cls):
        arguments[3]["__slots__"] = vars(cls)["__slots__"]
        descriptors = [name for name, member in members.items() if _is_slot(member, cls)]
        for name in descriptors:  # private names are mangled: cloudpickle does not find theirs
            del members[name]
    return make, arguments, (members, slots_state), *rest


def _is_slot(member: Any, cls: type) -> bool:
    return isinstance(member, types.MemberDescriptorType) and member.__objclass__ is cls


def _is_builtin_function(function: Any) -> bool:
    """True for a function of an extension module; false for a method of an object."""
    return isinstance(function, types.BuiltinFunctionType) and isinstance(function.__self__, types.ModuleType)


def _state_of(function: types.FunctionType) -> dict[str, Any]:
    return {
        "modules": _submodules(function),
        "attributes": function.__dict__,
        "cells": [_cell_contents(cell) for cell in function.__closure__ or ()],
        "slots": {
            "__module__": function.__module__,
            "__qualname__": function.__qualname__,
            "__doc__": function.__doc__,
            "__defaults__": function.__defaults__,
            "__kwdefaults__": function.__kwdefaults__,
            "__annotations__": function.__annotations__,
        },
    }


def _submodules(function: types.FunctionType) -> list[types.ModuleType]:
    """Modules such as ``os.path`` that code reaches through their package: they must be imported in the worker too."""
    from cloudpickle import cloudpickle

    values = [function.__globals__.get(name) for name in referenced_names(function.__code__)]
    values += [contents for cell in function.__closure__ or () for contents in _cell_contents(cell)]
    modules: list[types.ModuleType] = cloudpickle._find_imported_submodules(function.__code__, values)
    return modules


def _cell_contents(cell: Any) -> tuple[Any, ...]:
    try:
        return (cell.cell_contents,)
    except ValueError:  # not filled yet
        return ()


def pack(token: int, references: Iterable[int], variables: list[tuple[str, str, int, bytes]], blob: bytes) -> bytes:
    """The bytes of a definition: its token, then the rest as a pickle."""
    return struct.pack("=I", token) + dumps((list(references), variables, blob), PROTOCOL)


def _closure(references: Iterable[Definition]) -> Iterator[Definition]:
    seen: set[int] = set()
    waiting = list(references)
    while waiting:
        definition = waiting.pop()
        if definition.token not in seen:
            seen.add(definition.token)
            waiting += definition.references.values()
            yield definition


def _forget(tokens: list[int], inherited: Inherited | None) -> None:
    if inherited is not None:
        inherited.forget()
    for token in tokens:
        _sent.pop(token, None)
