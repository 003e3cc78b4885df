"""summarize: aggregates by group (rules 71, 72, 74, 85 and 86)."""

from __future__ import annotations

from collections.abc import Iterable

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.naming import Names
from vedette.kql.binder.operators.items import Item, bind_items, require_scalar
from vedette.kql.binder.operators.project import name_items
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import (
    AggregateCall,
    Chosen,
    Column,
    ColumnRef,
    Expr,
    Relation,
    children,
)
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.summarize import SummarizeOperator


@node
class Summarize(Relation):
    """Groups of the input: the keys, then the aggregates."""

    input: Relation
    keys: list[tuple[Column, Expr]]
    aggregates: list[tuple[Column, Expr]]


@binds(SummarizeOperator)
def bind_summarize(binder: Binder, node: SummarizeOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `summarize`."""
    keys, at = bind_keys(binder, node.keys, input_, scope)
    aggregates = bind_items(at, list(node.aggregates))
    for item in aggregates:
        require_aggregate(binder, item.value, item.node)
    names = Names()
    # keys take their names first: they stand first in the result
    named = name_items(binder, [*keys, *aggregates], names)
    key_columns = [(binder.column(name, item.value.type), item.value) for name, item in zip(named, keys, strict=False)]
    aggregate_columns = [
        (binder.column(name, item.value.type), item.value)
        for name, item in zip(named[len(keys) :], aggregates, strict=True)
    ]
    columns = tuple(column for column, _ in [*key_columns, *aggregate_columns])
    # `*` takes on every column of an open input, those too that are not known
    is_open = input_.open and any(_takes_all(item) for item in node.aggregates)
    return Summarize(columns, input_, key_columns, aggregate_columns, open=is_open)


def _takes_all(node: syntax.Expression) -> bool:
    call = node.value if isinstance(node, syntax.Assignment) else node
    return isinstance(call, syntax.Call) and any(isinstance(argument, syntax.Star) for argument in call.args)


def bind_keys(
    binder: Binder, nodes: Iterable[syntax.Expression], input_: Relation, scope: Scope
) -> tuple[list[Item], Expressions]:
    """The keys of groups, and what binds the aggregates of these groups."""
    row = Row.of(input_)
    keys = bind_items(Expressions(binder, scope, row, serialized=input_.serialized), list(nodes))
    at = Expressions(binder, scope, row, aggregates=True)
    at.grouped = frozenset(item.value.column.id for item in keys if isinstance(item.value, ColumnRef))
    for item in keys:
        require_scalar(at, item, f"The group key '{item.name or ''}'")
    return keys, at


def require_aggregate(binder: Binder, value: Expr, node: syntax.Node) -> None:
    """Refuses columns outside of an aggregate: they have no one value in a group."""
    match value:
        case ColumnRef():
            raise binder.stop(
                "KS236",
                f"The column '{value.column.name}' may only be used inside an aggregate function or after 'by'",
                syntax.Node(start=value.start, end=value.end) if value.end else node,
            )
        case AggregateCall() | Chosen():
            return
        case _:
            for child in children(value):
                require_aggregate(binder, child, node)
