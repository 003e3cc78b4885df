"""How the nodes of both trees are made: dataclasses whose comparison and text are written once, not once for each class.

There are more than a hundred and fifty of them, and what a dataclass generates is compiled anew in every process.
"""

from __future__ import annotations

from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields, make_dataclass
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(eq_default=False, field_specifiers=(field,))
def node(cls: type[T]) -> type[T]:
    """Makes a class a dataclass with slots, which takes `__eq__` and `__repr__` from its base.

    Its `__init__` is compiled when the first object is made: a query has a few kinds of nodes, and an import all of them.
    """
    made = dataclass(slots=True, eq=False, repr=False, init=False)(cls)

    def first(self: Any, *args: Any, **named: Any) -> None:
        init = _initialiser(made)
        made.__init__ = init  # type: ignore[method-assign]
        init(self, *args, **named)

    made.__init__ = first  # type: ignore[method-assign]
    return made


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def fact(cls: type[T]) -> type[T]:
    """Makes a class a frozen dataclass with slots: equal, and of one hash, where all fields are.

    Like that of a node its `__init__` is compiled when the first object is made; what compares is written once for all.
    """
    made: Any = dataclass(slots=True, eq=False, repr=False, init=False)(cls)

    def first(self: Any, *args: Any, **named: Any) -> None:
        init = _initialiser(made, frozen=True)
        made.__init__ = init
        init(self, *args, **named)

    made.__init__ = first
    made.__setattr__ = made.__delattr__ = _refused
    for name, function in (("__repr__", shown), ("__eq__", _equal), ("__hash__", _hash)):
        if name not in vars(cls):
            setattr(made, name, function)
    return made  # type: ignore[no-any-return]


def _refused(self: object, name: str, _value: object = None) -> NoReturn:
    raise FrozenInstanceError(f"the field {name!r} of a {type(self).__name__} cannot be changed")


_NAMES: dict[type, tuple[str, ...]] = {}


def _names(value: Any) -> tuple[str, ...]:
    kind = type(value)
    if kind not in _NAMES:
        _NAMES[kind] = tuple(item.name for item in fields(kind))
    return _NAMES[kind]


def _equal(self: Any, other: Any) -> object:
    if type(self) is not type(other):
        return NotImplemented
    return all(getattr(self, name) == getattr(other, name) for name in _names(self))


def _hash(self: Any) -> int:
    return hash(tuple(getattr(self, name) for name in _names(self)))


def _initialiser(cls: type, *, frozen: bool = False) -> Any:
    """What a dataclass would have for `__init__`."""
    taken = []
    for item in fields(cls):
        given: dict[str, Any] = {"kw_only": item.kw_only is True}
        if item.default is not MISSING:
            given["default"] = item.default
        if item.default_factory is not MISSING:
            given["default_factory"] = item.default_factory
        taken.append((item.name, Any, field(**given)))
    return vars(make_dataclass(cls.__name__, taken, eq=False, repr=False, frozen=frozen))["__init__"]


def shown(value: object) -> str:
    """A node as text, for whoever looks at it."""
    parts = (f"{item.name}={getattr(value, item.name)!r}" for item in fields(value))  # type: ignore[arg-type]
    return f"{type(value).__name__}({', '.join(parts)})"


def alike(left: object, right: object) -> bool:
    """Whether two nodes are of one class and equal in every field."""
    return type(left) is type(right) and all(
        getattr(left, item.name) == getattr(right, item.name)
        for item in fields(left)  # type: ignore[arg-type]
    )
