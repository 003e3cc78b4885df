"""How the nodes of both trees are made: dataclasses whose comparison and text are written once, not once for each class.

There are more than a hundred and fifty of them, and what a dataclass generates is compiled anew in every process.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(eq_default=False, field_specifiers=(field,))
def node(cls: type[T]) -> type[T]:
    """Makes a class a dataclass with slots, which takes `__eq__` and `__repr__` from its base."""
    return dataclass(slots=True, eq=False, repr=False)(cls)


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
