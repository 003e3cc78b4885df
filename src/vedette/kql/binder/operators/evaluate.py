"""evaluate: plugins."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.scope import Scope
from vedette.kql.bound import Cast, Column, ColumnRef, Constant, Expr, Relation
from vedette.kql.diagnostics import Stop
from vedette.kql.operators.binding import binds
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.operators.invoke import InvokeOperator
from vedette.kql.types import Type


@binds(EvaluateOperator)
def bind_evaluate(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """Binds `evaluate plugin(...)`; each plugin says itself what its result is. Hints change no result."""
    name = node.call.name.name
    unit = binder.catalog.plugins.get(name)
    if unit is None or unit.binding is None:
        if name in binder.catalog.scalars or name in binder.catalog.aggregates:
            message = f"The name '{name}' is a function, not a plugin"
            raise binder.stop("KS237", message, node.call.name)
        known = list(binder.catalog.plugins)
        binder.report(binder.unknown("plugin", "KS124", name, known, node.call.name))
        return _said(binder, node, input_)
    try:
        relation = unit.binding(binder, node, input_, scope)
    except Stop as stop:
        binder.report(stop)
        return _said(binder, node, input_)
    assert isinstance(relation, Relation)
    if node.columns is None:
        return relation
    return _said(binder, node, input_) if relation.open else _declared(binder, node, relation, input_)


def _said(binder: Binder, node: EvaluateOperator, input_: Relation | None) -> Relation:
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


def _declared(binder: Binder, node: EvaluateOperator, relation: Relation, input_: Relation | None) -> Relation:
    """The result with the columns that the text declares: those of other types converted, missing ones null."""
    have = {column.name: column for column in relation.visible}
    values: list[tuple[Column, Expr]] = []
    declared = {declaration.name.name for declaration in node.columns or ()}
    if node.keeps_input:
        # the star is the input's columns that the plugin leaves
        given = {column.name for column in input_.visible} if input_ is not None else set()
        for column in relation.visible:
            if column.name not in declared and column.name in given:
                values.append((binder.column(column.name, column.type), ColumnRef(column.type, column)))
    for declaration in node.columns or ():
        name, kind = declaration.name.name, declaration.type
        if any(column.name == name for column, _ in values):
            raise binder.stop("KS110", f"The column '{name}' is named twice", declaration)
        source = have.get(name)
        value: Expr
        if source is None:
            value = Constant(kind, "" if kind is Type.STRING else None)
        else:
            value = ColumnRef(source.type, source)
            if source.type is not kind:
                value = Cast(kind, value)
        values.append((binder.column(name, kind), value))
    return Project(tuple(column for column, _ in values), relation, values, serialized=relation.serialized)


@binds(InvokeOperator)
def bind_invoke(binder: Binder, node: InvokeOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `invoke f(...)`."""
    if not isinstance(node.call, syntax.Call):
        raise binder.refuse("a function of another database", node)
    return binder.invoke_tabular(node.call, scope, input_)
