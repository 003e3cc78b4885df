"""How the nodes of both trees are made: dataclasses whose comparison and text are written once, not once for each class.

There are more than a hundred and fifty of them, and what a dataclass generates is compiled anew in every process.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(eq_default=False, field_specifiers=(field,))
def node(cls: type[T]) -> type[T]:
    """Makes a class a dataclass with slots, which takes `__eq__` and `__repr__` from its base.

    Its `__init__` is compiled when the first object is made: a query has a few kinds of nodes, and an import all of them.
    """
    made = dataclass(slots=True, eq=False, repr=False, init=False)(cls)

    def first(self: Any, *args: Any, **named: Any) -> None:
        init = _initialiser(made)
        made.__init__ = init  # type: ignore[misc]
        init(self, *args, **named)

    made.__init__ = first  # type: ignore[misc]
    return made


def _initialiser(cls: type) -> Any:
    """What a dataclass would have for `__init__`."""
    known: dict[str, Any] = {"MISSING": MISSING}
    parts: list[str] = []
    lines = [" pass"]
    taken = [item for item in fields(cls) if item.init]
    for item in sorted(taken, key=lambda item: item.kw_only is True):  # those given by name alone come last
        name, given, value = item.name, item.name, item.name
        if item.default is not MISSING:
            known[f"default_{name}"] = item.default
            given = f"{name}=default_{name}"
        elif item.default_factory is not MISSING:
            known[f"make_{name}"] = item.default_factory
            given = f"{name}=MISSING"
            value = f"make_{name}() if {name} is MISSING else {name}"
        if item.kw_only is True and "*" not in parts:
            parts.append("*")
        parts.append(given)
        lines.append(f" self.{name} = {value}")
    exec(f"def __init__({', '.join(['self', *parts])}):\n" + "\n".join(lines), known)
    return known["__init__"]


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
