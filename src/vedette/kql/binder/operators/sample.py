"""sample and sample-distinct: a few rows or values that stand for the rest.

Sources: the documentation's pages sample-operator and sample-distinct-operator.
"""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.operators.items import Item, require_scalar
from vedette.kql.binder.operators.sort import row_count
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.binder.operators.take import Take
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Expr, Relation
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.sample import SampleOperator
from vedette.kql.operators.sample_distinct import SampleDistinctOperator


@node
class Sample(Relation):
    """So many rows of the input at random."""

    input: Relation
    count: int


@binds(SampleOperator)
def bind_sample(binder: Binder, node: SampleOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `sample n`."""
    return Sample(input_.columns, input_, row_count(binder, node.count, scope), open=input_.open)


@binds(SampleDistinctOperator)
def bind_sample_distinct(binder: Binder, node: SampleDistinctOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `sample-distinct n of column`: any of its values, no two the same."""
    name, value = plain_column(binder, node.value, input_, scope)
    column = binder.column(name, value.type)
    distinct = Summarize((column,), input_, [(column, value)], [])
    return Take((column,), distinct, row_count(binder, node.count, scope))


def plain_column(binder: Binder, node: syntax.Expression, input_: Relation, scope: Scope) -> tuple[str, Expr]:
    """A column that must be named as it is, with its name."""
    if not isinstance(node, syntax.Name):
        raise binder.stop("KS109", "A column's name is expected; compute the value with extend first", node)
    at = Expressions(binder, scope, Row.of(input_))
    value = at.bind(node)
    require_scalar(at, Item(value, node.name, False, node), f"The column '{node.name}'")
    return node.name, value
