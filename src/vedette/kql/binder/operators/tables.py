"""Lists of tables, as union, search and find have them: names, wildcards, pipelines."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator
from functools import cached_property

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import LetValue, Scope
from vedette.kql.bound import Column, Relation, Scan
from vedette.kql.host import Host
from vedette.kql.node import node
from vedette.kql.types import Type

_MANY_COLUMNS = 1000
"""Columns of tables without rows that a wildcard shows; of more it knows only names and types."""


@node
class Leg:
    """One of the inputs; `name` where it is a table, a view, or has a name by `as`."""

    relation: Relation
    name: str | None

    def tag(self, prefix: str, index: int) -> str:
        """What the source column says of it: a table's name, else its place (rule 95)."""
        return self.name or f"{prefix}_arg{index}"


class TableColumns:
    """The columns of tables, looked up by name only when one is asked for."""

    def __init__(self, host: Host, names: Iterable[str]) -> None:
        self._host = host
        self._names = tuple(names)
        self._types: dict[str, Type] | None = None

    def type_of(self, name: str) -> Type | None:
        """The type of a column in the first of the tables that has it."""
        if self._types is None:
            self._types = {}
            for table in map(self._host.table, self._names):
                for field in table.fields if table is not None else ():
                    if not field.hidden:
                        self._types.setdefault(field.name, field.type)
        return self._types.get(name)


class LegColumns:
    """The columns that some of several inputs have."""

    def __init__(self, legs: Iterable[Leg], beyond: list[TableColumns]) -> None:
        self._legs = legs
        self._beyond = beyond

    @cached_property
    def _types(self) -> dict[str, Type]:
        return {column.name: column.type for leg in self._legs for column in leg.relation.visible}

    def type_of(self, name: str) -> Type | None:
        """The type of a column in one of the inputs, or in a table without rows."""
        found = self._types.get(name)
        return found or next((type_ for known in self._beyond if (type_ := known.type_of(name))), None)

    def names(self) -> list[str]:
        """The columns of the inputs."""
        return list(self._types)


@node
class Legs:
    """Several inputs, and what is known of the columns of tables without rows."""

    legs: list[Leg]
    beyond: list[TableColumns]

    def absent(self, binder: Binder) -> Column | None:
        """The hidden column by which names resolve that only tables without rows have."""
        if not self.beyond:
            return None
        column = binder.column("$Absent", Type.DYNAMIC, hidden=True)
        column.absent = LegColumns([], self.beyond)
        return column


def piped(relation: Relation) -> Leg:
    """The leg of the rows that come through the pipe."""
    return Leg(relation, label_of(relation))


def label_of(relation: Relation) -> str | None:
    """The name of a table, or the one that `as` gave."""
    return relation.table.name if isinstance(relation, Scan) else relation.label or None


def gather(binder: Binder, items: list[syntax.Expression], scope: Scope) -> Legs:
    """The inputs of a list."""
    found = Legs([], [])
    for item in items:
        _gather(binder, item, scope, found)
    return found


def everything(binder: Binder, node: syntax.Node, scope: Scope) -> Legs:
    """Every table and view that the query may see."""
    found = Legs([], [])
    _matching(binder, "*", binder.visible_host(scope), scope, found, node)
    return found


def _gather(binder: Binder, item: syntax.Expression, scope: Scope, found: Legs) -> None:
    match item:
        case syntax.Star():
            _matching(binder, "*", binder.visible_host(scope), scope, found, item)
        case syntax.Wildcard():
            _matching(binder, item.pattern, binder.visible_host(scope), scope, found, item)
        case syntax.Member(name=syntax.Name(bracketed=False)) if "*" in item.name.name:
            for host in binder.databases(item.target, scope):
                _matching(binder, item.name.name, host, None, found, item)
        case syntax.Name():
            relation = binder.tabular(item, scope)
            value = scope.find(item.name)
            view = isinstance(value, LetValue) and isinstance(value.value, syntax.FunctionLiteral) and value.value.view
            found.legs.append(Leg(relation, item.name if view else label_of(relation)))
        case _:
            relation = binder.tabular(item, scope)
            found.legs.append(Leg(relation, label_of(relation)))


def _matching(binder: Binder, pattern: str, host: Host, scope: Scope | None, found: Legs, node: syntax.Node) -> None:
    """The tables and views that a pattern means: tables with rows, and, where they are few, those without."""
    views = [] if scope is None else [name for name in binder.views(scope) if fnmatch.fnmatchcase(name, pattern)]
    for name in views:
        relation = binder.tabular(syntax.Name(name, start=node.start, end=node.end), scope or Scope())
        found.legs.append(Leg(relation, name))
    names = [name for name in host.table_names() if name not in views and fnmatch.fnmatchcase(name, pattern)]
    if not names and not views:
        raise binder.stop("KS142", f"The name '{pattern}' does not refer to any known table", node)
    tables = [table for name in names if (table := host.table(name)) is not None]
    if pattern == "*":
        tables = [table for table in tables if not table.internal]
    # a check without any rows takes the tables that are known
    few = sum(len(table.fields) for table in tables) <= _MANY_COLUMNS or (
        binder.evaluator is None and all(table.source is None for table in tables)
    )
    for table in tables:
        if few or table.source is not None:
            found.legs.append(Leg(binder.scan(table), table.name))
    if not few:
        found.beyond.append(TableColumns(host, [table.name for table in tables if table.source is None]))


def names_in(node: object) -> Iterator[str]:
    """The names in a predicate, in order."""
    match node:
        case syntax.Name():
            yield node.name
        case syntax.Member() | syntax.Index():
            yield from names_in(node.target)
        case syntax.Binary():
            yield from names_in(node.left)
            yield from names_in(node.right)
        case syntax.Unary():
            yield from names_in(node.operand)
        case syntax.In():
            yield from names_in(node.left)
            for item in node.items:
                yield from names_in(item)
        case syntax.Between():
            for part in (node.left, node.low, node.high):
                yield from names_in(part)
        case syntax.Call():
            for arg in node.args:
                yield from names_in(arg)
        case syntax.Assignment():
            yield from names_in(node.value)
