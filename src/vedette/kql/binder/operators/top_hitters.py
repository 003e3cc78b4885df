"""top-hitters: the values that occur most.

Source: the documentation's page top-hitters-operator.
"""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.naming import carried_name
from vedette.kql.binder.operators.sample import plain_column
from vedette.kql.binder.operators.sort import Sort, SortKey, row_count
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import AggregateCall, Column, ColumnRef, Expr, Relation
from vedette.kql.operators.binding import binds
from vedette.kql.operators.top_hitters import TopHittersOperator
from vedette.kql.types import NUMBERS, Type


@binds(TopHittersOperator)
def bind_top_hitters(binder: Binder, node: TopHittersOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `top-hitters n of column by weight`; the counts are exact, where Kusto's are estimates."""
    name, value = plain_column(binder, node.value, input_, scope)
    column = binder.column(name, value.type)
    total, call = _weight(binder, node.weight, name, input_, scope)
    groups = Summarize((column, total), input_, [(column, value)], [(total, call)])
    # among equals the greatest value comes first, so that the same rows always give the same answer
    keys = [SortKey(ColumnRef(part.type, part), True, False) for part in (total, column)]
    return Sort((column, total), groups, keys, row_count(binder, node.count, scope), serialized=True)


def _weight(
    binder: Binder, node: syntax.Expression | None, name: str, input_: Relation, scope: Scope
) -> tuple[Column, Expr]:
    """The column of the weights, and the aggregate that is in it."""
    if node is None:
        unit = binder.catalog.aggregates["count"]
        return binder.column(f"approximate_count_{name}", Type.LONG), AggregateCall(Type.LONG, unit, [])
    written = node.value if isinstance(node, syntax.Assignment) else node
    weight = Expressions(binder, scope, Row.of(input_), serialized=input_.serialized).bind(written)
    if weight.type not in NUMBERS | {Type.UNKNOWN}:
        raise binder.stop("KS137", f"The weight must be a number, not {weight.type}", written)
    own = node.names[0].name if isinstance(node, syntax.Assignment) else carried_name(written, binder.catalog)
    type_ = Type.LONG if weight.type is Type.INT else weight.type
    call = AggregateCall(type_, binder.catalog.aggregates["sum"], [weight])
    return binder.column(f"approximate_sum_{own or ''}", type_), call
