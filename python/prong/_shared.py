"""Objects that are put once into shared memory, and handles to them that are small to pass."""

from __future__ import annotations

import os
from _pickle import PickleBuffer
from _weakref import ref

from prong import _core
from prong._exceptions import UsageError
from prong._pickling import brief, cannot_pickle, decode, dump_by_value, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generic, TypeVar

    T = TypeVar("T")
else:
    T = "T"
    Generic = {T: object}

#: So many objects stay decoded in a worker although no job has their handles.
MOST_RECENT = 8
_LONGEST_WAIT_SECONDS = 1_000_000


class Shared(Generic[T]):
    """A handle to an object in shared memory, made by ``prong.share``. Goes to jobs of any pool, and into containers.

    The memory is free again when the program has dropped the handle and no worker looks at the object.
    """

    __slots__ = ("__weakref__", "_value", "buffer", "identity")

    def __init__(self, identity: bytes, buffer: _core.Buffer) -> None:
        self.identity = identity
        self.buffer = buffer
        _alive[identity] = ref(self, _forget(identity))

    @property
    def value(self) -> T:
        """The object: decoded where it is asked for first (in a worker again when eight others were looked at since).

        Arrays and buffers in it are read-only views of the shared memory. What else one process changes, the others do
        not see.
        """
        try:
            return self._value
        except AttributeError:
            pickle, buffers = _core.open_buffer(self.buffer)
            views = None if buffers is None else [view.toreadonly() for view in buffers]
            self._value: T = decode(pickle, views)
        if _core.in_worker():
            _keep(self)
        return self._value

    @property
    def nbytes(self) -> int:
        """Bytes of shared memory (of memory, below 256 KiB) that it takes."""
        return memoryview(self.buffer).nbytes

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        if protocol < 5:
            return received, (self.identity, bytes(memoryview(self.buffer)))
        return received, (self.identity, PickleBuffer(self.buffer))

    def __repr__(self) -> str:
        return f"<Shared {self.identity.hex()[:8]}: {self.nbytes:,} bytes>"


_alive: dict[bytes, ref[Shared[Any]]] = {}
_recent: list[Shared[Any]] = []


def _forget(identity: bytes) -> Any:
    def forget(reference: Any) -> None:
        if _alive.get(identity) is reference:
            del _alive[identity]

    return forget


def _keep(shared: Shared[Any]) -> None:
    _recent.append(shared)
    del _recent[:-MOST_RECENT]


def received(identity: bytes, data: Any) -> Shared[Any]:
    known = _alive.get(identity)
    shared = known() if known is not None else None
    if shared is not None:
        return shared
    owner = getattr(data, "obj", None)  # of the memoryview of a whole payload
    if type(owner) is _core.Buffer and memoryview(owner).nbytes == len(data):
        return Shared(identity, owner)
    return Shared(identity, _core.buffer_of(bytes(data)))


def share(value: T) -> Shared[T]:
    """Puts an object into shared memory, once, and gives a handle to it.

    >>> table = prong.share(big_table)                      # doctest: +SKIP
    >>> pool.map(lambda row: table.value[row], range(1000)) # doctest: +SKIP

    Raises EncodingError if it cannot be pickled, SystemRefused if there is no memory for it.
    """
    try:
        pickle, buffers = encode(value, lambda obj, callback: dump_by_value(obj, lambda _: None, callback))
    except Exception as error:
        raise cannot_pickle(f"an object to share ({brief(value)})", error) from error
    return Shared(os.urandom(16), _core.seal_buffer(pickle, buffers))


def limit_shared_memory(
    limit: int | None = None, *, wait: float = 10.0, spill: str | os.PathLike[str] | None = None
) -> None:
    """Says how much shared memory the large arguments of this process may take, for all its pools, from now on.

    ``limit``: bytes; None: half of what the machine and its memory cgroups have. Beyond it a submission waits for room,
    ``wait`` seconds at most. Then its large buffers go to files without names in the folder ``spill``, or, where that
    is None, it raises SystemRefused. Results are counted, but not held back: their work is done. ``Pool.stats`` tells
    what is in use. Raises UsageError.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit must be a number of bytes from 1 on, or None, not {limit!r}")
    if not 0 <= wait <= _LONGEST_WAIT_SECONDS:
        raise UsageError(f"wait must be seconds from 0 to {_LONGEST_WAIT_SECONDS:,}, not {wait!r}")
    _core.limit_shared_memory(limit or 0, wait, None if spill is None else os.fspath(spill))
