"""sort (order) and top: rows in an order (rule 80)."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Expr, Relation
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.sort import SortOperator
from vedette.kql.operators.top import TopOperator
from vedette.kql.types import Type


@node
class SortKey:
    """One key: the value, and where its nulls go."""

    value: Expr
    descending: bool
    nulls_first: bool


@node
class Sort(Relation):
    """The input in an order; with `count` only its first rows."""

    input: Relation
    keys: list[SortKey]
    count: int | None = None


def sort_key(at: Expressions, node: syntax.Expression) -> SortKey:
    """A key; descending unless said otherwise, nulls first when ascending and last when descending."""
    ordered = node if isinstance(node, syntax.Ordered) else syntax.Ordered(node, start=node.start, end=node.end)
    value = at.bind(ordered.value.value if isinstance(ordered.value, syntax.Assignment) else ordered.value)
    if value.type is Type.DYNAMIC:
        raise at.binder.stop("KS116", "A dynamic value cannot be sorted; cast it first", node)
    descending = True if ordered.descending is None else ordered.descending
    nulls_first = (not descending) if ordered.nulls_first is None else ordered.nulls_first
    return SortKey(value, descending, nulls_first)


@binds(SortOperator)
def bind_sort(binder: Binder, node: SortOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `sort by`."""
    at = Expressions(binder, scope, Row.of(input_), serialized=input_.serialized)
    return Sort(input_.columns, input_, [sort_key(at, key) for key in node.keys], serialized=True, open=input_.open)


@binds(TopOperator)
def bind_top(binder: Binder, node: TopOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `top n by key`."""
    count = row_count(binder, node.count, scope, Row.of(input_))
    at = Expressions(binder, scope, Row.of(input_), serialized=input_.serialized)
    keys = [sort_key(at, node.key)]
    return Sort(input_.columns, input_, keys, count, serialized=True, open=input_.open)


def row_count(binder: Binder, node: syntax.Expression, scope: Scope, row: Row | None = None) -> int:
    """The number of rows that take, top or sample is given; none of them where it is negative."""
    if isinstance(node, syntax.Assignment):
        raise binder.stop("KS134", "A number of rows is expected; a name may not be assigned here", node)
    if row is not None:
        # what is wrong with its type is told before that it is no constant
        typed = binder.scalar(node, scope, row)
        if typed.type not in (Type.INT, Type.LONG, Type.UNKNOWN):
            raise binder.stop("KS134", f"A number of rows is expected, not {typed.type}", node)
    bound = binder.scalar(node, scope)
    if bound.type not in (Type.INT, Type.LONG, Type.UNKNOWN):
        raise binder.stop("KS134", f"A number of rows is expected, not {bound.type}", node)
    if bound.type is Type.UNKNOWN:
        return 0
    value = binder.constant(bound, node)
    if not isinstance(value, int):
        raise binder.stop("KS107", "A number of rows is expected", node)
    return max(value, 0)
