"""What a forked worker has in its memory already: the ``__main__`` of the program as it was when the pool was made.

With ``start="fork"`` such functions, classes and values are not sent, in either direction, but named. So a function of
``__main__`` sees large data of ``__main__`` without a copy.
"""

from __future__ import annotations

import itertools
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_numbers = itertools.count(1)
_snapshots: dict[int, dict[str, Any]] = {}
_calls: dict[int, tuple[Any, tuple[Any, ...]]] = {}


def inherited(number: int, path: str) -> Any:
    """The object of a snapshot. Called by unpickling, in worker and program alike."""
    first, *rest = path.split(".")
    value = _snapshots[number][first]
    for name in rest:
        value = getattr(value, name)
    return value


class Inherited:
    """The snapshot of one pool."""

    def __init__(self) -> None:
        self.number = next(_numbers)
        self._variables = _snapshots[self.number] = dict(vars(sys.modules["__main__"]))

    def forget(self) -> None:
        """The pool has ended. What is left of its results may still name the snapshot; only large data is let go."""
        for name, value in list(self._variables.items()):
            if not isinstance(value, (type, types.FunctionType)):
                del self._variables[name]

    def has(self, namespace: str, name: str, value: Any) -> bool:
        """True if a global has the value that workers have."""
        return namespace == "__main__" and self._variables.get(name, self) is value

    def path_of(self, obj: Any) -> str | None:
        """The qualified name under which workers find a function or class, or None."""
        if getattr(obj, "__module__", None) != "__main__":
            return None
        path: str = getattr(obj, "__qualname__", "")
        try:
            return path if inherited(self.number, path) is obj else None
        except (KeyError, AttributeError):
            return None

    def reduce(self, obj: Any) -> tuple[Any, ...] | None:
        """How to pickle a function or class that workers have, or None."""
        path = self.path_of(obj)
        return None if path is None else (inherited, (self.number, path))


def keep_call(function: Any, arguments: tuple[Any, ...]) -> int:
    """Keeps a call (an initializer) for workers to find after the fork."""
    number = next(_numbers)
    _calls[number] = function, arguments
    return number


def call(number: int) -> tuple[Any, tuple[Any, ...]]:
    """The call that was kept."""
    return _calls[number]


def drop_call(number: int) -> None:
    """The fork is made: the program itself needs it no more."""
    _calls.pop(number, None)


def reduce_any(obj: Any) -> tuple[Any, ...] | None:
    """As Inherited.reduce, in a worker: it has one snapshot of its own pool, or none."""
    return None if ours is None else ours.reduce(obj)


ours: Inherited | None = None  #: in a forked worker: what its pool has
