"""evaluate: plugins."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Relation
from vedette.kql.diagnostics import Stop
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
        binder.report(binder.unknown("plugin", "KS124", name, known, node.call.name))
        return _declared(binder, node, input_)
    try:
        relation = unit.binding(binder, node, input_, scope)
    except Stop as stop:
        binder.report(stop)
        return _declared(binder, node, input_)
    assert isinstance(relation, Relation)
    return _declared(binder, node, input_) if relation.open and node.columns is not None else relation


def _declared(binder: Binder, node: EvaluateOperator, input_: Relation | None) -> Relation:
    """The columns that the text itself says a plugin gives, after `:` or in a `typeof()`; open where it does not say."""
    declared, keeps = node.columns, node.keeps_input
    if declared is None:
        said = next((arg for arg in node.call.args if isinstance(arg, syntax.TypeOf)), None)
        if said is None:
            return Relation((), open=True)
        declared, keeps = said.columns, said.include_input
    kept = input_.visible if keeps and input_ is not None else ()
    names = {column.name.name for column in declared}
    added = tuple(binder.column(column.name.name, column.type) for column in declared)
    is_open = keeps and input_ is not None and input_.open
    return Relation((*(column for column in kept if column.name not in names), *added), open=is_open)


@binds(InvokeOperator)
def bind_invoke(binder: Binder, node: InvokeOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `invoke f(...)`."""
    if not isinstance(node.call, syntax.Call):
        raise binder.refuse("a function of another database", node)
    return binder.invoke_tabular(node.call, scope, input_)
