"""How results are named: the name an expression carries, and what happens when two are the same.

Source: result-name rules of Kusto's analyzer (rules 69 to 72).
"""

from __future__ import annotations

from collections.abc import Container

from vedette.kql import syntax
from vedette.kql.catalog import Catalog, Unit


def carried_name(node: syntax.Expression, catalog: Catalog) -> str | None:
    """The name that an unnamed expression brings along, or None where it has none."""
    match node:
        case syntax.Name():
            return node.name
        case syntax.Member():
            base = inner_name(node.target, catalog)
            return node.name.name if base in (None, "$left", "$right") else f"{base}_{node.name.name}"
        case syntax.Index():
            base = inner_name(node.target, catalog)
            if not isinstance(node.index, syntax.Literal):
                return base
            return str(node.index.value) if base is None else f"{base}_{node.index.value}"
        case syntax.Call():
            name = node.name.name
            unit: Unit | None = catalog.aggregates.get(name) or catalog.scalars.get(name)
            return unit_name(unit, name, node.args, catalog) if unit else None
        case syntax.Assignment():
            return node.names[0].name
        case syntax.Ordered():
            return carried_name(node.value, catalog)
        case _:
            return None


def inner_name(node: syntax.Expression, catalog: Catalog) -> str | None:
    """The name that an expression brings along inside another one: a column that is asked for by its name brings none there."""
    if isinstance(node, syntax.Call):
        unit = catalog.scalars.get(node.name.name)
        if unit is not None and unit.naming == "value":
            return None
    return carried_name(node, catalog)


def unit_name(unit: Unit, called: str, args: list[syntax.Expression], catalog: Catalog) -> str | None:
    """The name of a call by its unit's rule."""
    rule = unit.naming
    if rule is None:
        return None
    first = inner_name(args[0], catalog) if args else None
    if rule == "first":
        return first
    if rule == "only":
        return first if len(args) == 1 else None
    kind, _, prefix = rule.partition(":")
    if kind == "only":
        return prefix
    if kind == "pair":
        return "_".join([prefix or called, *(carried_name(arg, catalog) or "" for arg in args[:2])])
    if kind == "value":
        value = args[0] if args else None
        return str(value.value) if isinstance(value, syntax.Literal) else None
    return f"{prefix or called}_{first or ''}"


class Names:
    """Hands out column names so that no two are the same."""

    def __init__(self, taken: list[str] | None = None) -> None:
        self.taken = set(taken or ())
        self._unnamed = 0

    def explicit(self, name: str) -> str:
        """A name as written; the caller has checked that it is free."""
        self.taken.add(name)
        return name

    def implied(self, name: str) -> str:
        """A name that an expression carries; a number is added while it is taken (rule 72)."""
        candidate, count = name, 0
        while candidate in self.taken:
            count += 1
            candidate = f"{name}{count}"
        self.taken.add(candidate)
        return candidate

    def numbered(self, prefix: str = "Column", passed: Container[str] = ()) -> str:
        """The next ColumnN (rule 70): only unnamed expressions count, and names of `passed` are stepped over."""
        while True:
            self._unnamed += 1
            candidate = f"{prefix}{self._unnamed}"
            if candidate not in passed:
                return self.implied(candidate)
