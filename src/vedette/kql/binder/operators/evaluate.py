"""evaluate: plugins."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.operators.binding import binds
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.operators.invoke import InvokeOperator


@binds(EvaluateOperator)
def bind_evaluate(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """Binds `evaluate plugin(...)`; each plugin says itself what its result is."""
    name = node.call.name.name
    unit = binder.catalog.plugins.get(name)
    if unit is None or unit.binding is None:
        known = list(binder.catalog.plugins)
        raise binder.unknown("plugin", "KS124", name, known, node.call.name)
    relation = unit.binding(binder, node, input_, scope)
    assert isinstance(relation, Relation)
    return relation


@binds(InvokeOperator)
def bind_invoke(binder: Binder, node: InvokeOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `invoke f(...)`."""
    if not isinstance(node.call, syntax.Call):
        raise binder.refuse("a function of another database", node)
    return binder.invoke_tabular(node.call, scope, input_)
