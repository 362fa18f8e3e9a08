"""Record: a frozen class of named values, as ``@dataclass(frozen=True)`` makes it.

``dataclasses`` imports ``inspect`` and compiles functions for each class: a program's first pool would wait longer for
that than for its processes. Who looks at a record as at a dataclass (``dataclasses.replace``, ``fields``, ``asdict``,
``inspect.signature``) finds what a dataclass of the same fields has.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar, NoReturn

    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_options):
        return lambda cls: cls


class _OfTwin:
    """What a dataclass of the same fields has under this name; made when somebody asks for it."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, record: Any, cls: Any) -> Any:
        import dataclasses
        import inspect

        defaults = ((cls._defaults[name],) if name in cls._defaults else () for name in cls._kinds)
        fields = [(name, kind, *default) for (name, kind), default in zip(cls._kinds.items(), defaults, strict=True)]
        twin = dataclasses.make_dataclass(cls.__name__, fields, frozen=True)
        return inspect.signature(twin) if self._name == "__signature__" else getattr(twin, self._name)


@dataclass_transform(frozen_default=True)
class Record:
    """The annotations of a subclass are its fields, in that order; what they are set to is their default."""

    _kinds: ClassVar[dict[str, Any]] = {}  #: the annotations of the fields
    _defaults: ClassVar[dict[str, Any]] = {}

    __match_args__: ClassVar[tuple[str, ...]] = ()
    __dataclass_fields__: ClassVar[Any] = _OfTwin()
    __dataclass_params__: ClassVar[Any] = _OfTwin()
    __signature__: ClassVar[Any] = _OfTwin()

    def __init_subclass__(cls) -> None:
        own = vars(cls).get("__annotations__", {})
        cls._kinds = {**cls._kinds, **own}
        cls._defaults = {**cls._defaults, **{name: vars(cls)[name] for name in own if name in vars(cls)}}
        cls.__match_args__ = tuple(cls._kinds)  # type: ignore[misc]

    def __init__(self, *values: Any, **named: Any) -> None:
        cls = type(self)
        given = dict(zip(cls.__match_args__, values, strict=False))
        fields = {**cls._defaults, **given, **named}
        if len(values) > len(given) or fields.keys() != cls._kinds.keys() or not given.keys().isdisjoint(named):
            _refuse(cls, values, named)
        vars(self).update(fields)
        self.__post_init__()

    def __post_init__(self) -> None:
        pass

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__match_args__)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        values = (f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
        return f"{type(self).__qualname__}({', '.join(values)})"

    def __setattr__(self, name: str, value: Any) -> None:
        _refuse_change(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        _refuse_change(f"cannot delete field {name!r}")

    def __replace__(self, **changes: Any) -> Any:
        return type(self)(**{**vars(self), **changes})


def _refuse(cls: Any, values: tuple[Any, ...], named: dict[str, Any]) -> NoReturn:
    import inspect

    try:
        inspect.signature(cls).bind(*values, **named)
    except TypeError as error:
        raise TypeError(f"{cls.__name__}(): {error}") from None
    raise AssertionError(f"{cls.__name__} has other fields than its signature")


def _refuse_change(what: str) -> NoReturn:
    import dataclasses

    raise dataclasses.FrozenInstanceError(what)
