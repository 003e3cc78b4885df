"""where (filter): the rows that meet a condition."""

from __future__ import annotations

from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Expr, Relation
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.where import WhereOperator


@node
class Where(Relation):
    """The rows of the input for which the predicate is true (rule 6)."""

    input: Relation
    predicate: Expr


@binds(WhereOperator)
def bind_where(binder: Binder, node: WhereOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `where`."""
    at = Expressions(binder, scope, Row.of(input_), serialized=input_.serialized)
    return Where(
        input_.columns, input_, at.predicate(node.condition, "KS141"), serialized=input_.serialized, open=input_.open
    )
