"""Definitions: functions and classes that a pool's workers are told by value. The program's side.

Everything of ``__main__``, lambdas, closures and notebook cells cannot be imported by a worker. Such a function or
class is pickled under a *token*. At first its definition is *carried* by the job that needs it, and nobody keeps it.
One that comes again unchanged is *told* to the pool, and named by its token from then on. It comes back as the token,
so the program's own object is the one used (``isinstance`` and the identity of enum members hold). See decision 0011.

A told definition is used again only while it is *current*: same code, defaults, cells and referenced globals, all of
them immutable, importable or current definitions themselves. Else it is pickled again, and the bytes are compared.

Large buffers that functions hold (their *memory*) go beside the bytes: each is put into shared memory once, while the
function lives, and every job and worker that needs the function has that. To see that one is as it was, it is compared.

Referenced globals are a snapshot at submit. Each value has a serial number; a worker sets a global only when the serial
is another than the one that it has set last. So what an initializer put into a global stays, until the program changes
that global itself.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import threading
import types
import weakref
from _blake2 import blake2b  # not from hashlib, which loads OpenSSL
from _pickle import PickleBuffer
from collections import OrderedDict
from functools import partial

from prong import _core, _received
from prong._exceptions import SystemRefused
from prong._importable import is_importable, is_registered_by_value
from prong._inherited import Inherited
from prong._pickling import (
    PROTOCOL,
    Reduced,
    brief,
    cannot_pickle,
    dump_by_value,
    dumps,
    is_large,
    name_of,
    names_main,
    size_of,
)
from prong._snapshots import (
    Snapshot,
    class_functions,
    is_dispatcher,
    is_stable,
    referenced_names,
    snapshot_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

_tokens = itertools.count(1)
_serials = itertools.count(1)
_sent: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()  #: the program's own object of each token
_MISSING = object()

# The engine and the workers keep what they are told while the function is there and as it is. Who makes more and more
# functions has them carried, from here on.
_MOST_TOLD_BYTES = 64 * 1024 * 1024
_OVERHEAD_BYTES = 4 * 1024  #: of a definition beside its bytes, roughly
_MOST_COPIED = 4  #: buffers of a function; each has a descriptor open
_MOST_KEPT = 1000
_MOST_VERSIONS = 10_000


def sent(token: int) -> Any:
    """The program's own function or class that was sent under a token. Called by unpickling results."""
    obj = _sent.get(token)
    if obj is None:
        raise LookupError("a function or class came back that the program has dropped long since")
    return obj


class Memory(list[_core.Buffer]):
    """Large buffers of what is pickled, in shared memory."""

    def add(self, buffer: PickleBuffer) -> bool:
        """For ``buffer_callback``: true keeps a buffer inside the pickle."""
        held = _core.hold(buffer, len(self) < _MOST_COPIED)
        if held is None:
            return True
        self.append(held)
        return False

    def identities(self) -> list[int]:
        """Equal for the same buffers with the same contents, while one of the two lives."""
        return list(map(_core.identity_of, self))

    def beside(self) -> list[PickleBuffer]:
        """The buffers, to be pickled."""
        return list(map(PickleBuffer, self))


#: What is pickled for a definition.
Dumped = tuple[bytes, Memory]
#: A global that a function refers to: its namespace, name, and value.
Variable = tuple[str, str, "_Global"]


class Definition:
    """One function or class, as workers are told it."""

    __slots__ = (
        "__weakref__",
        "_all_told_bytes",
        "buffers",
        "data",
        "digest",
        "handle",
        "made",
        "making",
        "memory",
        "references",
        "snapshot",
        "token",
        "told",
        "told_as_large",
        "told_bytes",
        "weak",
    )

    def __init__(self, token: int, all_told_bytes: dict[bool, int]) -> None:
        self.token = token
        self._all_told_bytes = all_told_bytes
        self.data = b""  #: only while a payload is made; and so the buffers
        self.buffers: list[PickleBuffer] = []
        self.memory = Memory()  #: while the function is there, as it is
        self.digest = b""
        self.references: dict[int, Definition] = {}
        self.making = False
        self.made = 0  #: number of the payload that it was made for first
        self.snapshot: Snapshot | None = None
        self.told: _core.Told | None = None  #: workers know it, or will, while this is there
        self.told_bytes = 0
        self.told_as_large = False
        self.handle: _core.Function | None = None
        self.weak: weakref.ref[Any] | None = None

    def is_current(self) -> bool:
        """True while it is being made (what refers back to it may), then for as long as nothing of it has changed.

        One whose making failed is not: what refers to it is made again.
        """
        return self.making or (self.snapshot is not None and self.snapshot.is_current())

    @property
    def size(self) -> int:
        return size_of(self.data, self.buffers)

    def parts(self) -> _received.Parts:
        """What workers are told."""
        return self.token, self.data, self.buffers

    def tell(self, publish: Callable[..., _core.Told]) -> None:
        assert self.data
        self.told = publish(*self.parts())
        self.told_bytes = self.size + _OVERHEAD_BYTES
        self.told_as_large = is_large(self.size)
        self._all_told_bytes[self.told_as_large] += self.told_bytes

    def __del__(self) -> None:  # uses no globals: they may be gone
        self._all_told_bytes[self.told_as_large] -= self.told_bytes

    def retire(self) -> None:
        """The function is gone, or has become another. (Others may still refer to what it was.)"""
        self.snapshot = self.handle = None
        self.memory = Memory()

    def pack(self, dumped: Dumped, variables: list[Variable]) -> None:
        """Makes its bytes, and the buffers that go beside them."""
        data, memory = dumped
        self.memory = Memory([*memory, *(buffer for *_, value in variables for buffer in value.memory)])
        values = [(space, name, value.serial, value.data, value.memory.beside()) for space, name, value in variables]
        self.buffers = []
        parts = list(self.references), values, data, memory.beside()
        self.data = dumps(parts, PROTOCOL, buffer_callback=self.buffers.append)
        self.digest = digest(self.data, self.memory)


class _Global:
    """The value of a global as it was sent last."""

    __slots__ = ("data", "memory", "references", "serial", "stable", "value")

    def __init__(self, value: Any, dumped: Dumped, references: dict[int, Definition], stable: bool) -> None:
        self.value = value
        self.data, self.memory = dumped
        self.references = references
        self.stable = stable
        self.serial = next(_serials)

    def is_same(self, dumped: Dumped) -> bool:
        data, memory = dumped
        return self.data == data and self.memory.identities() == memory.identities()


class Definitions:
    """What the workers of one pool have been told.

    ``publish(token, bytes, buffers)`` registers a definition with the engine.
    """

    def __init__(self, inherited: Inherited | None = None) -> None:
        self._publish: Callable[..., _core.Told] | None = None
        self._inherited = inherited
        self._by_id: dict[int, Definition] = {}
        self._functions: dict[int, tuple[Any, _core.Function]] = {}
        self._by_digest: OrderedDict[bytes, tuple[Definition, int]] = OrderedDict()  #: with what it keeps, in bytes
        self._globals: dict[tuple[str, str], _Global] = {}
        self._namespaces: dict[int, tuple[str, dict[str, Any]]] = {}
        self._lock = threading.RLock()
        self._payload = 0
        self._depth = 0
        self._fresh: list[Definition] = []  #: made for this payload
        self._told_bytes = {False: 0, True: 0}  #: of small and of large definitions
        self._kept: OrderedDict[int, Any] = OrderedDict()  #: what may come back although the program has dropped it
        self._versions: OrderedDict[int, weakref.ref[Definition]] = OrderedDict()  #: what may come back, by token
        self._tokens: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        weakref.finalize(self, _forget, self._tokens, inherited).atexit = False

    def publish_with(self, publish: Callable[..., _core.Told]) -> None:
        """The pool exists now."""
        self._publish = publish

    # What the encoder asks for.

    def function(self, function: Any) -> _core.Function | None:
        """The token of a function or class that is called; None for what is pickled with each call."""
        known = self._functions.get(id(function))
        if known is not None:
            return known[1]
        with self._lock:  # the common case: it was told before, and is as it was
            told = self._by_id.get(id(function))
            if told is not None and told.handle is not None and told.is_current():
                return told.handle
        if not isinstance(function, (types.FunctionType, type)) and not _is_builtin_function(function):
            return None
        with self._making_payload():
            if _is_builtin_function(function) or not self._is_defined(function):
                return self._function_by_name(function)
            # Plain pickle would name what is registered to go by value.
            if is_registered_by_value(function.__module__):
                return self._handle(self._definition(function))
            told = self._by_id.get(id(function))
            if told is None or told.told is None:
                return None
            definition = self._definition(function)
            if definition.told is not None:
                return self._handle(definition)
            definition.made += 1  # the payload that comes now is the first one
            return None

    def callee(self, function: Any) -> _core.Function:
        """As function(), but always a token: also for methods, partials and other objects."""
        with self._making_payload():
            if isinstance(function, (types.FunctionType, type)) and self._is_defined(function):
                return self._handle(self._definition(function))
            known = self.function(function)
            if known is not None:
                return known
            references: dict[int, Definition] = {}
            return self._handle(self._anonymous(self._dump(function, references), references))

    def dump(self, value: Any, references: dict[int, Definition], callback: Any) -> bytes:
        """Pickles by value for a payload; the told definitions that it refers to are added to ``references``."""
        with self._making_payload():
            return dump_by_value(value, lambda obj: self._carry(obj, references), callback)

    def tell(self, references: Iterable[Definition]) -> list[_core.Told]:
        """What a job needs that refers to these definitions, directly or not."""
        with self._lock:
            return [self._tell(definition) for definition in list(_closure(references))]

    def parts(self, references: Iterable[Definition]) -> list[_received.Parts]:
        """These definitions and what they need, as workers are told them."""
        with self._lock:
            return [definition.parts() for definition in _closure(references)]

    @contextlib.contextmanager
    def _making_payload(self) -> Iterator[None]:
        """What is made for a payload is kept only if it was told."""
        with self._lock:
            self._payload += self._depth == 0
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if self._depth == 0:
                    for definition in self._fresh:
                        definition.data, definition.buffers = b"", []
                        if definition.told is None:
                            definition.snapshot = None
                    self._fresh.clear()

    # Told or carried.

    def _carry(self, obj: Any, references: dict[int, Definition]) -> Reduced | None:
        """How a payload names a function or class."""
        found: dict[int, Definition] = {}
        reduced = self._reference(obj, found)
        if not found:
            return reduced
        (definition,) = found.values()
        if self._is_told(definition):
            references.update(found)
            return reduced
        closure = list(_closure([definition]))
        references.update({one.token: one for one in closure if one.told is not None})
        return _received.carried, (definition.token, tuple(one.parts() for one in closure if one.told is None))

    def _is_told(self, definition: Definition) -> bool:
        """Tells a definition that comes again, if there is room."""
        if definition.told is not None:
            return True
        if self._publish is None or definition.made >= self._payload:
            return False
        closure = [one for one in _closure([definition]) if one.told is None]
        if any(self._told_bytes[is_large(one.size)] >= _MOST_TOLD_BYTES for one in closure):
            return False
        for one in closure:
            self._tell(one)
        return True

    def _tell(self, definition: Definition) -> _core.Told:
        if definition.told is None:
            assert self._publish is not None
            definition.tell(self._publish)
        assert definition.told is not None
        return definition.told

    def _handle(self, definition: Definition) -> _core.Function:
        if definition.handle is None:
            definition.handle = _core.Function(definition.token, self.tell([definition]))
        return definition.handle

    # By token or by name.

    def _is_defined(self, obj: Any) -> bool:
        """True if a function or class goes by value; false if workers find it by name."""
        if id(obj) in self._by_id:
            return True
        if self._inherited is not None and self._inherited.path_of(obj) is not None:
            return False
        # Types of builtins that have no name there, such as that of None, are known to cloudpickle.
        return obj.__module__ != "builtins" and not is_importable(obj)

    def _definition(self, obj: Any) -> Definition:
        """The current definition of a function or class that goes by value."""
        known = self._by_id.get(id(obj))
        if known is None:
            return self._define(obj)
        return known if known.is_current() else self._redefine(obj, known)

    def _dump(self, value: Any, references: dict[int, Definition]) -> Dumped:
        memory = Memory()
        return dump_by_value(value, lambda obj: self._reference(obj, references), memory.add), memory

    def _reference(self, obj: Any, references: dict[int, Definition]) -> Reduced | None:
        """How a definition names a function or class."""
        if self._inherited is not None:
            reduced = self._inherited.reduce(obj)
            if reduced is not None:
                return reduced
        if not isinstance(obj, (type, types.FunctionType)) or not self._is_defined(obj):
            return None
        definition = self._definition(obj)
        references[definition.token] = definition
        return _received.received, (definition.token,)

    # Making definitions.

    def _define(self, obj: Any) -> Definition:
        definition = Definition(next(_tokens), self._told_bytes)
        definition.made = self._payload
        before = self._by_id.get(id(obj))
        try:
            definition.weak = weakref.ref(obj, partial(_drop, self._by_id, id(obj)))
            self._by_id[id(obj)] = definition  # what refers back to it finds it
            self._make(obj, definition)
        except BaseException:
            self._by_id.pop(id(obj), None)
            if before is not None:
                self._by_id[id(obj)] = before
            raise
        _sent[definition.token] = self._tokens[definition.token] = obj
        self._keep(obj, definition)
        return definition

    def _redefine(self, obj: Any, known: Definition) -> Definition:
        """Pickles a function or class again. The definition stays if its bytes are the same."""
        before = known.digest, known.references, known.snapshot, known.memory
        same = False
        try:
            self._make(obj, known)
            same = known.digest == before[0]
        finally:
            if not same:
                known.digest, known.references, known.snapshot, known.memory = before
        if not same:
            definition = self._define(obj)
            known.retire()
            return definition
        self._keep(obj, known)
        return known

    def _make(self, obj: Any, definition: Definition) -> None:
        """Makes its bytes. Ctrl-C too must not leave half a definition behind."""
        definition.making = True
        definition.references = {}
        self._fresh.append(definition)
        try:
            definition.pack(*_DefinitionPickler(self, definition, obj).dump())
            definition.snapshot = snapshot_of(obj, self._by_id.get)
        except SystemRefused:
            raise
        except Exception as error:
            raise cannot_pickle(f"{'class' if isinstance(obj, type) else 'function'} {name_of(obj)}", error) from error
        finally:
            definition.making = False

    def _keep(self, obj: Any, definition: Definition) -> None:
        """Keeps an object for a while. Large functions come back by value: what they hold is not kept."""
        if isinstance(obj, type) or not is_large(definition.size):
            _add_recent(self._kept, id(obj), obj, _MOST_KEPT)
        oldest = _add_recent(self._versions, definition.token, weakref.ref(definition), _MOST_VERSIONS)
        if oldest is not None:
            self._drop_version(*oldest)

    def _drop_version(self, token: int, version: weakref.ref[Definition]) -> None:
        definition = version()
        if definition is not None and definition.told is not None:
            self._versions[token] = version  # workers have it still
        else:
            _sent.pop(token, None)
            self._tokens.pop(token, None)

    def _function_by_name(self, function: Any) -> _core.Function:
        """The token of a function that workers import."""
        references: dict[int, Definition] = {}
        try:
            dumped = dumps(function, PROTOCOL), Memory()
            if names_main(dumped[0]):
                dumped = self._dump(function, references)
        except Exception:
            dumped = self._dump(function, references)
        handle = self._handle(self._anonymous(dumped, references))
        self._functions[id(function)] = function, handle
        return handle

    def _anonymous(self, dumped: Dumped, references: dict[int, Definition]) -> Definition:
        """The definition of what is only called, and never comes back."""
        key = digest(*dumped)
        if key not in self._by_digest:
            definition = Definition(next(_tokens), self._told_bytes)
            definition.references = references
            definition.pack(dumped, [])
            self._fresh.append(definition)
            self.tell([definition])
            self._by_digest[key] = definition, sum(one.told_bytes for one in _closure([definition]))
            self._drop_anonymous()
        self._by_digest.move_to_end(key)
        return self._by_digest[key][0]

    def _drop_anonymous(self) -> None:
        """Those that were not called for longest, but never the last one."""
        total = sum(size for _, size in self._by_digest.values())
        while len(self._by_digest) > 1 and (len(self._by_digest) > _MOST_KEPT or total > _MOST_TOLD_BYTES):
            _, (_, size) = self._by_digest.popitem(last=False)
            total -= size

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

    def globals_of(self, function: types.FunctionType, references: dict[int, Definition]) -> list[Variable]:
        """Each global that a function refers to and that has a value."""
        namespace = self.namespace(function)
        variables = function.__globals__
        found = []
        for name in referenced_names(function.__code__):
            value = variables.get(name, _MISSING)
            if value is _MISSING or (self._inherited is not None and self._inherited.has(namespace, name, value)):
                continue
            sent_global = self._global(namespace, name, value)
            references.update(sent_global.references)
            found.append((namespace, name, sent_global))
        return found

    def _global(self, namespace: str, name: str, value: Any) -> _Global:
        known = self._globals.get((namespace, name))
        if known is not None and known.value is value and known.stable:
            return known
        references: dict[int, Definition] = {}
        try:
            dumped = self._dump(value, references)
        except SystemRefused:
            raise
        except Exception as error:
            raise cannot_pickle(f"global {name!r} ({brief(value)})", error) from error
        if known is None or not known.is_same(dumped):
            known = self._globals[namespace, name] = _Global(value, dumped, references, is_stable(value))
        return known


class _DefinitionPickler:
    """Makes the bytes of one definition."""

    def __init__(self, definitions: Definitions, definition: Definition, root: Any) -> None:
        self._definitions = definitions
        self._definition = definition
        self._root = root
        self._globals: list[Variable] = []
        # Methods travel inside their class.
        self._inside = {id(function) for function in class_functions(root)} if isinstance(root, type) else set()

    def dump(self) -> tuple[Dumped, list[Variable]]:
        memory = Memory()
        data = dump_by_value(self._root, self._refer, memory.add)
        return (data, memory), self._globals

    def _refer(self, obj: Any) -> Reduced | None:
        if obj is self._root:
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


def _closure(references: Iterable[Definition]) -> Iterator[Definition]:
    seen: set[int] = set()
    waiting = list(references)
    while waiting:
        definition = waiting.pop()
        if definition.token not in seen:
            seen.add(definition.token)
            waiting += definition.references.values()
            yield definition


def digest(data: bytes, memory: Memory) -> bytes:
    """Stands for bytes that are not kept, and for memory that is."""
    hashed = blake2b(data, digest_size=16)
    hashed.update(repr(memory.identities()).encode())
    return hashed.digest()


def _add_recent(recent: OrderedDict[int, Any], key: int, value: Any, most: int) -> tuple[int, Any] | None:
    """Makes an entry the newest; takes the oldest one out if there are too many now."""
    recent[key] = value
    recent.move_to_end(key)
    return recent.popitem(last=False) if len(recent) > most else None


def _drop(by_id: dict[int, Definition], key: int, weak: weakref.ref[Any]) -> None:
    """A function or class is gone."""
    definition = by_id.get(key)
    if definition is not None and definition.weak is weak:
        definition.retire()
        del by_id[key]


def _forget(tokens: weakref.WeakValueDictionary[int, Any], inherited: Inherited | None) -> None:
    if inherited is not None:
        inherited.forget()
    for token in list(tokens):
        _sent.pop(token, None)
