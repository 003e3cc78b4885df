"""consume: the rows are read and none is given back."""

from __future__ import annotations

from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.consume import ConsumeOperator


@node
class Consume(Relation):
    """No column and no row."""

    input: Relation


@binds(ConsumeOperator)
def bind_consume(binder: Binder, node: ConsumeOperator, input_: Relation, _scope: Scope) -> Relation:
    """Binds `consume`."""
    return Consume((), input_)
