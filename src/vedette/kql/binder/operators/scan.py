"""scan: sequences of rows matched against steps, each of which keeps a state (rule 104)."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Column, ColumnRef, Constant, Expr, Relation, Values
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.scan import ScanOperator, ScanStep
from vedette.kql.types import Type


@node
class Step:
    """One step: when a row matches it, what is assigned then, and which of its matches are results."""

    output: str
    condition: Expr
    assignments: list[tuple[int, Expr]]
    """Places among `StepScan.fields`, and the values that they get."""


@node
class StepScan(Relation):
    """The rows of a serialized input that match steps.

    `fields` are the input's columns and then the declared ones, as steps see them in the row at hand; `defaults` are
    what declared columns hold before any assignment; `state[k]` stands for the fields of the row that step k matched
    last. `made` are the output's columns for fields.
    """

    input: Relation
    fields: list[Column]
    made: list[Column]
    defaults: dict[int, Constant]
    state: list[list[Column]]
    steps: list[Step]
    match_id: Column | None


@binds(ScanOperator)
def bind_scan(binder: Binder, node: ScanOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `scan`."""
    for written, what in (
        (node.kind, "scan kind"),
        (node.order, "scan order by"),
        (node.partition, "scan partition by"),
    ):
        if written:
            raise binder.refuse(what, node)
    if not input_.serialized:
        raise binder.stop("KS191", "scan needs a serialized input: sort it, or add '| serialize'", node)
    fields = list(input_.visible)
    names = {column.name for column in fields}
    defaults: dict[int, Constant] = {}
    for parameter in node.columns:
        column = _declared(binder, parameter, names)
        names.add(column.name)
        defaults[len(fields)] = _default(binder, parameter, scope, column.type)
        fields.append(column)
    match_id = None
    if node.match_id is not None:
        if node.match_id.name in names:
            raise binder.stop("KS110", f"There is already a column '{node.match_id.name}'", node.match_id)
        match_id = binder.column(node.match_id.name, Type.LONG)
    state = [[binder.column(column.name, column.type) for column in fields] for _ in node.steps]
    row = Row.of(Values(tuple(fields), []))
    row.open = input_.open
    for step, columns in zip(node.steps, state, strict=True):
        if step.name.name in row.sides:
            raise binder.stop("KS110", f"There is already a step '{step.name.name}'", step.name)
        row.sides[step.name.name] = Row.of(Values(tuple(columns), []))
    steps = [_step(binder, step, scope, row, fields) for step in node.steps]
    assigned = {place for step in steps for place, _ in step.assignments}
    made = [
        binder.column(column.name, column.type) if at in assigned or at in defaults else column
        for at, column in enumerate(fields)
    ]
    shown = (*made, match_id) if match_id else tuple(made)
    return StepScan(
        shown, input_, fields, made, defaults, state, steps, match_id, serialized=True, open=input_.open
    )  # fmt: skip


def _declared(binder: Binder, parameter: syntax.Parameter, names: set[str]) -> Column:
    if parameter.tabular or parameter.type is None:
        raise binder.stop("KS108", "A declared column is a scalar", parameter)
    if parameter.name.name in names:
        raise binder.stop("KS110", f"There is already a column '{parameter.name.name}'", parameter.name)
    return binder.column(parameter.name.name, parameter.type)


def _default(binder: Binder, parameter: syntax.Parameter, scope: Scope, type_: Type) -> Constant:
    if parameter.default is None:
        return Constant(type_, "" if type_ is Type.STRING else None)
    value = binder.scalar(parameter.default, scope)
    if value.type is not type_:
        value = binder.implicit(value, type_, parameter.default, f"the column '{parameter.name.name}'")
    if not isinstance(value, Constant):
        value = Constant(type_, binder.constant(value, parameter.default))
    return Constant(type_, "" if value.value is None and type_ is Type.STRING else value.value)


def _step(binder: Binder, node: ScanStep, scope: Scope, row: Row, fields: list[Column]) -> Step:
    if node.optional:
        raise binder.refuse("an optional step of scan", node)
    at = Expressions(binder, scope, row)
    condition = at.predicate(node.condition)
    places = {column.name: place for place, column in enumerate(fields)}
    assignments: list[tuple[int, Expr]] = []
    for item in node.assignments:
        name = item.names[0]
        if name.name not in places:
            raise binder.unknown("column", "KS142", name.name, list(places), name)
        place = places[name.name]
        if any(place == other for other, _ in assignments):
            raise binder.stop("KS110", f"The column '{name.name}' is assigned twice", name)
        value = at.bind(item.value)
        wanted = fields[place].type
        if value.type is not wanted and value.type is not Type.UNKNOWN:
            value = binder.implicit(value, wanted, item.value, f"the column '{name.name}'")
        assignments.append((place, value))
    return Step(node.output, condition, assignments)


def state_of(node: StepScan) -> dict[int, tuple[int, int]]:
    """For each column of the state (by id) its step and the place of its field."""
    return {column.id: (step, at) for step, columns in enumerate(node.state) for at, column in enumerate(columns)}


def refers(value: Expr, ids: dict[int, tuple[int, int]]) -> bool:
    """Whether an expression depends on the state."""
    from vedette.kql.bound import children

    if isinstance(value, ColumnRef):
        return value.column.id in ids
    return any(refers(child, ids) for child in children(value))
