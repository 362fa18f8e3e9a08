"""Pickling of what travels: plain pickle first, by value only what cannot be imported on the other side.

Plain pickle succeeds for things of ``__main__``, by name, wrongly: so its bytes are searched for that name. By value
go functions and classes only; each is a *definition* that a worker is told once (see ``_definitions``).
"""

from __future__ import annotations

import functools
import io
import types
from _pickle import PickleBuffer, Pickler  # not from pickle, which imports re
from _pickle import dumps as dumps
from _pickle import loads as loads

from prong._exceptions import EncodingError
from prong._importable import is_importable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PROTOCOL = 5
SMALL_BUFFER_BYTES = 16 * 1024
MOST_BUFFERS = 60_000
LARGE_BYTES = 64 * 1024
_FORMATS = frozenset("?bBcdfhHiIlLnNqQP")  #: of memoryviews whose items are plain values

#: A pickle and the buffers that go beside it (None if there are none).
Encoded = tuple[bytes, "list[PickleBuffer] | None"]
Reduced = tuple[object, ...]


class Buffers(list[PickleBuffer]):
    """Collects the buffers that are worth going beside the pickle."""

    def add(self, buffer: PickleBuffer) -> bool:
        """For ``buffer_callback``: true keeps a buffer inside the pickle."""
        if len(self) == MOST_BUFFERS or memoryview(buffer).nbytes < SMALL_BUFFER_BYTES:
            return True
        self.append(buffer)
        return False


def names_main(data: bytes) -> bool:
    """True if a pickle may refer to something of ``__main__``."""
    return b"__main__" in data


def size_of(data: Any, buffers: Any) -> int:
    """Bytes of a pickle and of the buffers beside it."""
    return len(data) + sum(memoryview(buffer).nbytes for buffer in buffers or ())


def is_large(size: int) -> bool:
    """True for the size of a definition that neither side keeps without need."""
    return size > LARGE_BYTES


def decode(data: Any, buffers: list[memoryview] | None) -> Any:
    """The object that was encoded. Out-of-band buffers are used where they are, writable."""
    return loads(data) if buffers is None else loads(data, buffers=buffers)


def by_value_pickler() -> type[Pickler]:
    """The pickler for what plain pickle cannot do. Made at first use: importing cloudpickle takes a while."""
    global _by_value_pickler
    if _by_value_pickler is None:
        _by_value_pickler = _make_by_value_pickler()
    return _by_value_pickler


_by_value_pickler: Any = None


def _make_by_value_pickler() -> type[Pickler]:
    import marshal

    import cloudpickle

    from prong import _received

    class ByValuePickler(cloudpickle.Pickler):  # type: ignore[misc]
        """cloudpickle, but functions and classes are asked for at ``refer`` first.

        ``refer(object)`` gives how to reduce one, or None to leave it to cloudpickle. (``persistent_id`` would be asked
        for every object; ``reducer_override`` costs nothing for lists of numbers.)
        """

        def __init__(self, file: io.BytesIO, refer: Callable[[Any], Reduced | None], callback: Any) -> None:
            super().__init__(file, PROTOCOL, buffer_callback=callback)
            self._refer = refer

        def reducer_override(self, obj: Any) -> Any:
            if isinstance(obj, (type, types.FunctionType)):
                reduced = self._refer(obj)
                if reduced is not None:
                    return reduced
            # Code and modules in our own form: most workers then need no cloudpickle. To import it takes
            # longer than to start one.
            elif type(obj) is types.CodeType:
                try:
                    return _received.make_code, (marshal.dumps(obj, 2),)  # 3 and up: not the same bytes each time
                except ValueError:  # it has been given constants that no compiler makes
                    pass
            elif type(obj) is types.ModuleType:
                make, arguments, *state = cloudpickle.cloudpickle._module_reduce(obj)
                return _received.imported if make is cloudpickle.cloudpickle.subimport else make, arguments, *state
            elif type(obj) is functools._lru_cache_wrapper and not is_importable(obj):
                parameters = obj.cache_parameters()
                make = obj.__wrapped__, parameters["maxsize"], parameters["typed"]
                return self._refer(obj) or (_received.make_cached, make)
            elif type(obj) is functools.cached_property:  # its lock, before Python 3.12, does not pickle
                return functools.cached_property, (obj.func,), {"attrname": obj.attrname, "__doc__": obj.__doc__}
            elif type(obj) is memoryview and obj.format in _FORMATS and (obj.ndim == 1 or obj.nbytes):
                return _received.view, (_whole(obj), obj.format, obj.shape)
            return super().reducer_override(obj)

    return ByValuePickler


def _whole(view: memoryview) -> PickleBuffer:
    """The memory of a view, without gaps."""
    if view.c_contiguous:
        return PickleBuffer(view)
    data = view.tobytes()
    return PickleBuffer(data if view.readonly else bytearray(data))


def dump_by_value(value: Any, refer: Callable[[Any], Reduced | None], callback: Any) -> bytes:
    """Pickles by value: see ``ByValuePickler``."""
    file = io.BytesIO()
    by_value_pickler()(file, refer, callback).dump(value)  # type: ignore[arg-type]
    return file.getvalue()


def encode(value: Any, by_value: Callable[[Any, Any], bytes]) -> Encoded:
    """Pickles ``value``: plainly, or with ``by_value(value, buffer_callback)`` where that would be wrong or fails."""
    buffers = Buffers()
    try:
        data = dumps(value, PROTOCOL, buffer_callback=buffers.add)
        if not names_main(data):
            return data, buffers or None
    except Exception:
        pass  # cloudpickle can do more; what it cannot do either is reported
    buffers.clear()
    data = by_value(value, buffers.add)
    return data, buffers or None


def brief(value: Any) -> str:
    """What a value is, for error texts."""
    if isinstance(value, type):
        return f"class {value.__qualname__}"
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def name_of(function: Any) -> str:
    """A function's name, for error texts."""
    return getattr(function, "__qualname__", None) or brief(function)


def cannot_pickle(what: str, error: BaseException) -> EncodingError:
    """The error for something that does not pickle."""
    reason = str(error) if isinstance(error, EncodingError) else f"{type(error).__name__}: {error}"
    failure = EncodingError(f"{what} cannot be pickled: {reason}")
    failure.__cause__ = error
    return failure
