"""pivot: a column for each value of a column (rule 106)."""

from __future__ import annotations

from vedette.engine.catalog import plugin
from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.naming import Names
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import AggregateCall, Apply, Cast, Column, ColumnRef, Constant, Expr, Relation
from vedette.kql.operators.evaluate import EvaluateOperator
from vedette.kql.types import Type


@plugin("pivot", about="A column for each value of a column, filled by an aggregate.", page="pivot-plugin")
def pivot(binder: Binder, node: EvaluateOperator, input_: Relation | None, scope: Scope) -> Relation:
    """Keys first (those given, else all other columns), then the values of the pivot column in order."""
    args = node.call.args
    if input_ is None or not args:
        raise binder.stop("KS119", "pivot expects the column to pivot", node.call)
    row = Row.of(input_)
    at = Expressions(binder, scope, row)
    turned = at.bind(args[0])
    if not isinstance(turned, ColumnRef):
        raise binder.stop("KS109", "pivot expects a column's name first", args[0])
    if turned.type is Type.DYNAMIC:
        raise binder.stop("KS116", "The value of type 'dynamic' is not allowed here; cast it first", args[0])
    aggregate_node = args[1] if len(args) > 1 else syntax.Call(syntax.Name("count"), [])
    if isinstance(aggregate_node, syntax.Assignment):
        # a name of the aggregate has no column to stand over
        aggregate_node = aggregate_node.value
    aggregate = Expressions(binder, scope, row, aggregates=True).bind(aggregate_node)
    if not isinstance(aggregate, AggregateCall):
        raise binder.stop("KS236", "pivot expects an aggregate function second", args[1])
    keys = [at.bind(arg) for arg in args[2:]]
    if not keys:
        used = {turned.column.id, *_columns(aggregate)}
        keys = [ColumnRef(column.type, column) for column in input_.visible if column.id not in used]
    names = Names()
    key_columns: list[tuple[Column, Expr]] = []
    for key, place in zip(keys, args[2:] or [node.call] * len(keys), strict=True):
        if not isinstance(key, ColumnRef):
            raise binder.stop("KS109", "pivot expects columns after the aggregate", place)
        value: Expr = key
        key_columns.append((binder.column(names.implied(key.column.name), key.type), value))
    if binder.evaluator is None:
        return Summarize(tuple(column for column, _ in key_columns), input_, key_columns, [], open=True)
    text: Expr = turned if turned.type is Type.STRING else Cast(Type.STRING, turned)
    equal = binder.catalog.scalars["=="]
    values: list[tuple[Column, Expr]] = []
    for value_text in binder.evaluator.distinct(input_, turned.column):
        test = Apply(Type.BOOL, equal, [text, Constant(Type.STRING, value_text)])
        filtered = AggregateCall(aggregate.type, aggregate.unit, aggregate.args, condition=test)
        values.append((binder.column(names.implied(value_text), aggregate.type), filtered))
    columns = tuple(column for column, _ in [*key_columns, *values])
    return Summarize(columns, input_, key_columns, values)


def _columns(node: Expr) -> set[int]:
    match node:
        case ColumnRef():
            return {node.column.id}
        case AggregateCall() | Apply():
            return set().union(*(_columns(arg) for arg in node.args)) if node.args else set()
        case Cast():
            return _columns(node.operand)
        case _:
            return set()
