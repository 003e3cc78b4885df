"""bag_unpack: a column for each key of a column of property bags (rule 106)."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.operators.project import Project
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Cast, Column, ColumnRef, Expr, Path, Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type


@plugin("bag_unpack", about="A column for each key of a column of property bags.", page="bag-unpack-plugin")
def bag_unpack(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """Columns of the input but the bag's, then one for each key, in name order."""
    if input_ is None:
        raise binder.stop("KS205", "bag_unpack needs an input", node)
    at = Expressions(binder, scope, Row.of(input_))
    options = {arg.names[0].name: arg.value for arg in node.call.args if isinstance(arg, syntax.Assignment)}
    positional = [arg for arg in node.call.args if not isinstance(arg, syntax.Assignment)]
    for name, arg in zip(
        ("Column", "OutputColumnPrefix", "columnsConflict", "ignoredProperties"), positional, strict=False
    ):
        options[name] = arg
    if "Column" not in options:
        raise binder.stop("KS119", "bag_unpack expects the column to unpack", node.call)
    bag = at.bind(options["Column"])
    if not isinstance(bag, ColumnRef) or bag.type is not Type.DYNAMIC:
        if input_.open:
            return Project(input_.columns, input_, [], True, open=True)
        raise binder.stop("KS107", "bag_unpack expects a column of type dynamic", options["Column"])
    prefix = str(_constant(binder, at, options.get("OutputColumnPrefix")) or "")
    conflict = str(_constant(binder, at, options.get("columnsConflict")) or "error")
    ignored = _constant(binder, at, options.get("ignoredProperties")) or []
    rest = [column for column in input_.visible if column is not bag.column]
    if binder.evaluator is None:
        return Project(tuple(rest), input_, [], True, open=True)
    taken = {column.name: column for column in rest}
    values: list[tuple[Column, Expr]] = []
    for key, type_ in binder.evaluator.keys(input_, bag.column):
        if isinstance(ignored, list) and key in ignored:
            continue
        name = prefix + key
        if name in taken:
            if conflict == "keep_source":
                continue
            if conflict == "replace_source":
                rest.remove(taken[name])
            else:
                raise binder.stop(
                    "VDT1005",
                    f"bag_unpack: there is already a column '{name}'; use a prefix or columnsConflict",
                    node.call,
                )
        value: Expr = Path(Type.DYNAMIC, bag, [key])
        values.append((binder.column(name, type_), value if type_ is Type.DYNAMIC else Cast(type_, value)))
    columns = (*rest, *(column for column, _ in values))
    return Project(columns, input_, values, True, serialized=input_.serialized)


def _constant(binder: Binder, at: Expressions, node: syntax.Expression | None) -> object:
    return None if node is None else binder.constant(at.bind(node), node)
