"""The bound tree: every name resolved, every value typed, every column numbered.

Relations of tabular operators live beside their parser in `kql/operators/`; they derive from `Relation`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Protocol

from vedette.kql.catalog import AggregateUnit, ScalarUnit, WindowUnit
from vedette.kql.diagnostics import Diagnostic
from vedette.kql.host import TableSchema
from vedette.kql.node import node, shown
from vedette.kql.types import Type


class AbsentColumns(Protocol):
    """Columns that are known by name and type though no row has them."""

    def type_of(self, name: str) -> Type | None:
        """The type of such a column, or None."""


@node
class Column:
    """A column of one relation; its identity, not its name, is what later operators refer to."""

    id: int
    name: str
    type: Type
    hidden: bool = False
    """Carried along for `column_ifexists()` but part of no result."""
    extra: dict[str, Type] | None = None
    """For the hidden column of a table: the fields seen in it."""
    constant: object | None = None
    absent: AbsentColumns | None = None
    """For the hidden column of a wildcard's rows: what further columns its tables without rows have."""

    __repr__ = shown


# --- scalar expressions --------------------------------------------------------------------------


@node
class Expr:
    """A typed scalar expression; `start` and `end` are its place in the text, for messages."""

    type: Type
    start: int = field(default=0, kw_only=True)
    end: int = field(default=0, kw_only=True)

    __repr__ = shown


@node
class Constant(Expr):
    """A value known before the query runs; same value forms as `syntax.Literal`."""

    value: object


@node
class ColumnRef(Expr):
    """The value of a column of the input."""

    column: Column


@node
class ParameterRef(Expr):
    """A value bound when the query runs (`now`, query parameters)."""

    name: str


@node
class Apply(Expr):
    """A scalar function or operator of the catalogue on its arguments."""

    unit: ScalarUnit
    args: list[Expr]


@node
class Path(Expr):
    """A property or element of a dynamic value; a step is a key, an index, or a computed expression."""

    target: Expr
    steps: list[str | int | Expr]


@node
class Cast(Expr):
    """A conversion that the language makes by itself, such as int to long in `coalesce`."""

    operand: Expr


@node
class AggregateCall(Expr):
    """An aggregate function inside summarize; with a condition only over the rows that meet it."""

    unit: AggregateUnit
    args: list[Expr]
    condition: Expr | None = None


@node
class Several(Expr):
    """An expression that gives several columns (`arg_max()`, `percentiles()`, `series_stats()`).

    Where one value is wanted it stands for its first output, whose type it has.
    """

    outputs: list[tuple[str, Expr]]
    """Each column's own name and value."""


@node
class RowChoice:
    """One row of each group: the one with the greatest (`max`) or least (`min`) value, or `any` row."""

    kind: str
    by: Expr | None = None


@node
class Chosen(Expr):
    """A value of the row that a choice takes; all values of one choice come from the same row."""

    choice: RowChoice
    value: Expr


@node
class WindowCall(Expr):
    """A function of the neighbouring rows of a serialized input."""

    unit: WindowUnit
    args: list[Expr]


@node
class ScalarQuery(Expr):
    """`toscalar()`: the first column of the first row."""

    relation: Relation
    column: Column


@node
class Membership(Expr):
    """`left op (tabular)`: op is one of in, !in, in~, !in~, has_any, has_all."""

    op: str
    left: Expr
    relation: Relation
    column: Column


# --- relations -----------------------------------------------------------------------------------


@node
class Relation:
    """A bound tabular expression."""

    columns: tuple[Column, ...]
    serialized: bool = field(default=False, kw_only=True)
    """Rows have an order that window functions may rely on."""
    open: bool = field(default=False, kw_only=True)
    """Only the data tells which further columns there are (binding without data)."""
    unknown: bool = field(default=False, kw_only=True)
    """What it comes from is not known at all: any name may be used, and none of them is taken for a column of it."""
    label: str = field(default="", kw_only=True)
    """The name that `as`, or a view, gives the rows."""

    __repr__ = shown

    @property
    def visible(self) -> tuple[Column, ...]:
        """The columns that a result shows."""
        return tuple(column for column in self.columns if not column.hidden)


@node
class Scan(Relation):
    """The rows of a table."""

    table: TableSchema


@node
class Values(Relation):
    """Rows written in the text (`datatable`)."""

    rows: list[list[Expr]]


@node
class External(Relation):
    """Rows that another host holds (`externaldata`)."""

    uris: list[str]
    properties: dict[str, object] = field(default_factory=dict)


@node
class Known(Relation):
    """Rows that the binder was given by the host: one tuple a row, in the order of the columns."""

    rows: Sequence[tuple[object, ...]]


@node
class Shared(Relation):
    """One use of a relation computed once (`materialize`, `as`, a tabular argument); columns are its own."""

    origin: Relation
    origin_columns: tuple[Column, ...]
    once: bool


@node
class Tables(Relation):
    """Several tables (`fork`, `facet`); each is a result of its own, under its `label`."""

    tables: list[Relation]


@node
class BoundQuery:
    """A whole query: its result relations (more than one only in a batch) and what was noticed."""

    results: list[Relation]
    options: dict[str, object] = field(default_factory=dict)
    warnings: list[Diagnostic] = field(default_factory=list)


@node
class InList(Expr):
    """`left op (items)` over values: op is one of in, !in, in~, !in~, has_any, has_all.

    `arrays` are items that hold dynamic arrays whose elements take part one by one.
    """

    op: str
    left: Expr
    items: list[Expr]
    arrays: list[Expr]


@node
class OpenColumn(Expr):
    """A column that an open schema may hold; it is never run."""

    name: str


@node
class Faulty(Expr):
    """Stands where a mistake was reported, so that what is around it can be looked at too; it is never run."""


def children(node: Expr) -> Iterator[Expr]:
    """The expressions that an expression is made of."""
    match node:
        case Apply() | WindowCall():
            yield from node.args
        case AggregateCall():
            yield from node.args
            if node.condition is not None:
                yield node.condition
        case Cast():
            yield node.operand
        case Path():
            yield node.target
            yield from (step for step in node.steps if isinstance(step, Expr))
        case InList():
            yield node.left
            yield from node.items
            yield from node.arrays
        case Membership():
            yield node.left
        case Several():
            yield from (value for _, value in node.outputs)
        case Chosen():
            if node.choice.by is not None:
                yield node.choice.by
            yield node.value


def is_fixed(node: Expr) -> bool:
    """Whether an expression has one value for all rows."""
    if isinstance(node, ColumnRef | OpenColumn | WindowCall | AggregateCall | Chosen):
        return False
    return all(is_fixed(child) for child in children(node))


def has_window(node: Expr) -> bool:
    """Whether an expression looks at neighbouring rows."""
    return isinstance(node, WindowCall) or any(has_window(child) for child in children(node))
