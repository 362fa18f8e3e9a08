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


def _twin(cls: Any) -> Any:
    """A dataclass of the same fields; made when somebody asks for it."""
    twin = vars(cls).get("_made_twin")
    if twin is None:
        import dataclasses

        defaults = ((cls._defaults[name],) if name in cls._defaults else () for name in cls._kinds)
        fields = [(name, kind, *default) for (name, kind), default in zip(cls._kinds.items(), defaults, strict=True)]
        twin = cls._made_twin = dataclasses.make_dataclass(cls.__name__, fields, frozen=True)
    return twin


class _OfTwin:
    """What a dataclass of the same fields has under this name."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, record: Any, cls: Any) -> Any:
        return getattr(_twin(cls), self._name)


class _Signature:
    """That of the dataclass; a subclass with an ``__init__`` of its own has another."""

    def __get__(self, record: Any, cls: Any) -> Any:
        if cls.__init__ is not Record.__init__:
            raise AttributeError("__signature__")
        import inspect

        return inspect.signature(_twin(cls))


@dataclass_transform(frozen_default=True)
class Record:
    """The annotations of a direct subclass are its fields, in that order; what they are set to is their default.

    Subclasses of that are to it what undecorated ones are to a dataclass, and may be decorated.
    """

    if TYPE_CHECKING:  # at run time they would be in typing.get_type_hints() of each record
        _kinds: ClassVar[dict[str, Any]]  #: the annotations of the fields
        _defaults: ClassVar[dict[str, Any]]
        __match_args__: ClassVar[tuple[str, ...]]
        __dataclass_fields__: ClassVar[Any]
    else:
        _kinds = {}
        _defaults = {}
        __match_args__ = ()
        __dataclass_fields__ = _OfTwin()
        __dataclass_params__ = _OfTwin()
        __signature__ = _Signature()

    def __init_subclass__(cls) -> None:
        if Record not in cls.__bases__:
            return
        cls._kinds = dict(cls.__annotations__)
        cls._defaults = {name: vars(cls)[name] for name in cls._kinds if name in vars(cls)}
        cls.__match_args__ = tuple(cls._kinds)  # type: ignore[misc]

    def __init__(self, *values: Any, **named: Any) -> None:
        cls = type(self)
        names = cls.__match_args__
        given = dict(zip(names, values, strict=False))
        fields = {**cls._defaults, **given, **named}
        if len(values) > len(given) or fields.keys() != cls._kinds.keys() or not given.keys().isdisjoint(named):
            _refuse(cls, values, named)
        vars(self).update({name: fields[name] for name in names})
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
        if _is_frozen(self, name):
            _refuse_change(f"cannot assign to field {name!r}")
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if _is_frozen(self, name):
            _refuse_change(f"cannot delete field {name!r}")
        object.__delattr__(self, name)

    def __replace__(self, **changes: Any) -> Any:
        return type(self)(**{**vars(self), **changes})


def _is_frozen(record: Any, name: str) -> bool:
    return Record in type(record).__bases__ or name in record.__match_args__


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
