"""identity: the input as it is."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.engine.plugged import Arguments
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.evaluate import EvaluateOperator


@plugin("identity", about="The input as it is.")
def identity(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """Changes nothing."""
    return Arguments(binder, node, input_, scope, "", least=0).input
