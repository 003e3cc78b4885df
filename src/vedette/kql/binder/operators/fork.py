"""fork and facet: several tables of one input (rule 107)."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import AggregateCall, ColumnRef, Relation, Tables
from vedette.kql.operators.binding import binds
from vedette.kql.operators.facet import FacetOperator
from vedette.kql.operators.fork import ForkBranch, ForkOperator
from vedette.kql.types import Type


@binds(ForkOperator)
def bind_fork(binder: Binder, node: ForkOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `fork`: a table for each subquery, in their order."""
    return Tables((), [_branch(binder, branch, input_, scope) for branch in node.branches])


def _branch(binder: Binder, branch: ForkBranch, input_: Relation, scope: Scope) -> Relation:
    inner = scope.child()
    subquery = branch.subquery
    if isinstance(subquery, syntax.Pipeline) and subquery.source is None:
        made = _piped(binder, subquery, input_, inner)
    else:
        made = binder.tabular(subquery, inner)
    if isinstance(made, Tables):
        raise binder.stop("KS205", "A branch of fork must give one table", subquery)
    if branch.name is not None:
        made.label = branch.name.name
    return made


def _piped(binder: Binder, subquery: syntax.Pipeline, relation: Relation, scope: Scope) -> Relation:
    # the relation gets a name, so it may not be the input itself
    relation = binder.use(relation, once=True)
    for operator in subquery.operators:
        relation = binder.operator(operator, relation, scope)
    return relation


@binds(FacetOperator)
def bind_facet(binder: Binder, node: FacetOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `facet`: what `with` makes of the rows, then for each column its values and how often they occur."""
    tables: list[Relation] = []
    if node.subquery is not None:
        made = _piped(binder, node.subquery, input_, scope.child())
        if isinstance(made, Tables):
            raise binder.stop("KS205", "The subquery of facet must give one table", node.subquery)
        tables.append(made)
    at = Expressions(binder, scope, Row.of(input_))
    for item in node.columns:
        if not isinstance(item, syntax.Name):
            raise binder.stop("KS109", "Column name expected", item)
        bound = at.bind(item)
        if not isinstance(bound, ColumnRef):
            raise binder.stop("KS109", "Column name expected", item)
        if bound.type is Type.DYNAMIC:
            raise binder.stop("KS116", "A column of facet may not be dynamic; cast it first", item)
        key = binder.column(item.name, bound.type)
        count = binder.column(f"count_{item.name}", Type.LONG)
        unit = binder.catalog.aggregates["count"]
        call = AggregateCall(Type.LONG, unit, [])
        tables.append(Summarize((key, count), input_, [(key, bound)], [(count, call)], label=item.name))
    return Tables((), tables)
