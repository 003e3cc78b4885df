"""Scopes: what a name means where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from vedette.kql import syntax
from vedette.kql.bound import Column, Expr, Relation
from vedette.kql.types import Type


@dataclass(slots=True)
class LetValue:
    """`let name = value`: bound anew at each use, in the scope where it was written (rule 78)."""

    value: syntax.Expression
    scope: Scope
    used: bool = False


@dataclass(slots=True)
class ScalarValue:
    """A scalar that is already bound: an argument of a function, a query parameter."""

    value: Expr


@dataclass(slots=True)
class TableValue:
    """A relation that is already bound: a tabular argument, the name of `as`, a materialized let."""

    relation: Relation
    once: bool = True


@dataclass(slots=True)
class PatternValue:
    """`declare pattern`."""

    pattern: syntax.PatternStatement
    scope: Scope


Binding = LetValue | ScalarValue | TableValue | PatternValue


@dataclass(slots=True)
class Scope:
    """The names that statements define, innermost first."""

    parent: Scope | None = None
    names: dict[str, Binding] = field(default_factory=dict)
    call: int = 0
    """Which call of a function the names belong to: what is computed once is so for each call, since arguments differ."""

    def find(self, name: str) -> Binding | None:
        """What a name stands for, or None."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def all_names(self) -> Iterator[str]:
        """Every name in reach."""
        scope: Scope | None = self
        while scope is not None:
            yield from scope.names
            scope = scope.parent

    def child(self) -> Scope:
        """A scope inside this one."""
        return Scope(self, call=self.call)


@dataclass(slots=True)
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

    def extra(self, name: str) -> tuple[Column, Type] | None:
        """The hidden column that holds a field beyond the schema, with the field's type."""
        for column in self.hidden:
            if column.extra and name in column.extra:
                return column, column.extra[name]
        return None
