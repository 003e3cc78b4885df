"""take (limit), count, distinct: fewer rows."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.naming import Names
from vedette.kql.binder.operators.items import bind_items, require_scalar
from vedette.kql.binder.operators.project import name_items
from vedette.kql.binder.operators.sort import row_count
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import AggregateCall, Relation
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.count import CountOperator
from vedette.kql.operators.distinct import DistinctOperator
from vedette.kql.operators.take import TakeOperator
from vedette.kql.types import Type


@node
class Take(Relation):
    """The first rows of the input, in its order if it has one."""

    input: Relation
    count: int


@binds(TakeOperator)
def bind_take(binder: Binder, node: TakeOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `take n`."""
    count = row_count(binder, node.count, scope, Row.of(input_))
    return Take(input_.columns, input_, count, serialized=input_.serialized, open=input_.open)


@binds(CountOperator)
def bind_count(binder: Binder, node: CountOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `count`: one row, column Count (rule 75)."""
    unit = binder.catalog.aggregates["count"]
    column = binder.column(node.name.name if node.name else "Count", Type.LONG)
    return Summarize((column,), input_, [], [(column, AggregateCall(Type.LONG, unit, []))])


@binds(DistinctOperator)
def bind_distinct(binder: Binder, node: DistinctOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `distinct`: each combination once; nulls are one value (rule 85)."""
    at = Expressions(binder, scope, Row.of(input_))
    nodes: list[syntax.Expression] = []
    for item in node.columns:
        if isinstance(item, syntax.Star):
            nodes += [syntax.Name(column.name, True, start=item.start, end=item.end) for column in input_.visible]
        else:
            nodes.append(item)
    items = bind_items(at, nodes)
    if not any(isinstance(item, syntax.Star) for item in node.columns):
        for bound in items:
            require_scalar(at, bound, f"The column '{bound.name or ''}'")
    names = name_items(binder, items, Names())
    keys = [(binder.column(name, item.value.type), item.value) for name, item in zip(names, items, strict=True)]
    return Summarize(tuple(column for column, _ in keys), input_, keys, [])
