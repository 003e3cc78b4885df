"""Scopes: what a name means where it stands."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from typing import cast

from vedette.kql import syntax
from vedette.kql.bound import Column, ColumnRef, Expr, Relation, children
from vedette.kql.host import ContentHost, Host, Items, SavedFunction, TableSchema
from vedette.kql.node import fact, node
from vedette.kql.types import Type


@node
class LetValue:
    """`let name = value`: bound anew at each use, in the scope where it was written (rule 78)."""

    value: syntax.Expression
    scope: Scope
    used: bool = False


@node
class ScalarValue:
    """A scalar that is already bound: an argument of a function, a query parameter."""

    value: Expr


@node
class TableValue:
    """A relation that is already bound: a tabular argument, the name of `as`, a materialized let."""

    relation: Relation
    once: bool = True


@node
class PatternValue:
    """`declare pattern`."""

    pattern: syntax.PatternStatement
    scope: Scope


@node
class PlaceValue:
    """A place that macro-expand goes through: a workspace; None where the text names one that is not there."""

    host: Host | None


@fact
class Restriction:
    """Names and name patterns of the tables and functions that a query may still see, by workspace."""

    patterns: frozenset[tuple[str, str]]

    def allows(self, host: str, name: str) -> bool:
        """Whether a table or function is among them."""
        return any(owner == host and fnmatch.fnmatchcase(name, pattern) for owner, pattern in self.patterns)


class RestrictedHost:
    """A workspace of which `restrict access to` shows a part."""

    def __init__(self, host: Host, restriction: Restriction) -> None:
        self.name = host.name
        self._host = host
        self._restriction = restriction

    def table(self, name: str) -> TableSchema | None:
        """The table of that name, or None where it may not be seen."""
        return self._host.table(name) if self._restriction.allows(self.name, name) else None

    def table_names(self) -> Iterable[str]:
        """The tables that may be seen."""
        return [name for name in self._host.table_names() if self._restriction.allows(self.name, name)]

    def function(self, name: str) -> SavedFunction | None:
        """The saved function of that name, or None where it may not be seen."""
        return self._host.function(name) if self._restriction.allows(self.name, name) else None

    def function_names(self) -> Iterable[str]:
        """The saved functions that may be seen."""
        names = cast("ContentHost", self._host).function_names() if hasattr(self._host, "function_names") else ()
        return [name for name in names if self._restriction.allows(self.name, name)]

    def watchlist(self, alias: str, keys: Sequence[str] | None) -> Items | None:
        """A watchlist, where watchlists may be seen."""
        allowed = self._restriction.allows(self.name, "_GetWatchlist") and hasattr(self._host, "watchlist")
        return cast("ContentHost", self._host).watchlist(alias, keys) if allowed else None

    def watchlist_aliases(self) -> Sequence[str]:
        """The alias of every watchlist that may be seen."""
        allowed = self._restriction.allows(self.name, "_GetWatchlist") and hasattr(self._host, "watchlist_aliases")
        return cast("ContentHost", self._host).watchlist_aliases() if allowed else ()

    def workspace(self, name: str) -> Host | None:
        """Another workspace, as much of it as may be seen."""
        other = self._host.workspace(name)
        return None if other is None else RestrictedHost(other, self._restriction)


Binding = LetValue | ScalarValue | TableValue | PatternValue | PlaceValue


@node
class Scope:
    """The names that statements define, innermost first."""

    parent: Scope | None = None
    names: dict[str, Binding] = field(default_factory=dict)
    call: int = 0
    """Which call of a function the names belong to: what is computed once is so for each call, since arguments differ."""
    restriction: Restriction | None = None
    """What `restrict access to` leaves of the workspace; None: see the scope around."""

    def restricted(self) -> Restriction | None:
        """The restriction that holds here."""
        scope: Scope | None = self
        while scope is not None:
            if scope.restriction is not None:
                return scope.restriction
            scope = scope.parent
        return None

    def find(self, name: str) -> Binding | None:
        """What a name stands for, or None."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def has_arguments(self) -> bool:
        """Whether some name means what a call of a function or a parameter of the query gives it."""
        own = any(isinstance(binding, ScalarValue | TableValue) for binding in self.names.values())
        return own or (self.parent is not None and self.parent.has_arguments())

    def all_names(self) -> Iterator[str]:
        """Every name in reach."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            scope = scope.parent

    def child(self) -> Scope:
        """A scope inside this one."""
        return Scope(self, call=self.call)


@node
class Row:
    """The columns that an expression may name."""

    columns: dict[str, Column]
    hidden: list[Column]
    open: bool = False
    sides: dict[str, Row] = field(default_factory=dict)
    """`$left` and `$right` in the conditions of a join."""
    relation: Relation | None = None
    """Whose columns these are; one that is open is given the columns that expressions name."""

    @classmethod
    def of(cls, relation: Relation) -> Row:
        """The row of a relation."""
        return cls(
            {column.name: column for column in relation.columns if not column.hidden},
            [column for column in relation.columns if column.hidden],
            relation.open,
            relation=relation,
        )

    def has(self, value: Expr) -> bool:
        """Whether all columns that a value is made of are columns of this row."""
        if isinstance(value, ColumnRef):
            known = [*self.columns.values(), *self.hidden]
            return value.column in known or any(side.has(value) for side in self.sides.values())
        return all(map(self.has, children(value)))

    def extra(self, name: str) -> tuple[Column, Type] | None:
        """The hidden column that holds a field beyond the schema, with the field's type."""
        for column in self.hidden:
            if column.extra and name in column.extra:
                return column, column.extra[name]
        return None

    def holder(self, name: str) -> Column | None:
        """The hidden column of that name, if it is one that holds what has no column of its own."""
        return next((column for column in self.hidden if column.name == name and column.extra is not None), None)

    def absent(self, name: str) -> Type | None:
        """The type of a column that no row has, though the tables of a wildcard know it."""
        found = (column.absent.type_of(name) for column in self.hidden if column.absent is not None)
        return next((type_ for type_ in found if type_ is not None), None)
