"""print and range: rows out of nothing."""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.naming import Names
from vedette.kql.binder.operators.items import Item, bind_items
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Cast, Column, Expr, Relation, Values
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.print import PrintOperator
from vedette.kql.operators.range import RangeOperator
from vedette.kql.types import NUMBERS, Type, widest


@node
class Range(Relation):
    """Values from one bound to another, the upper included when a step hits it (rule 56)."""

    column: Column
    first: Expr
    last: Expr
    step: Expr


@binds(PrintOperator)
def bind_print(binder: Binder, node: PrintOperator, _input: Relation | None, scope: Scope) -> Relation:
    """Binds `print`: unnamed columns are print_0, print_1 ... by their place (rule 69)."""
    at = Expressions(binder, scope, Row({}, []))
    values: list[tuple[Column, Expr]] = []
    names = Names()
    declared: set[str] = set()
    items = bind_items(at, list(node.columns))
    at_place: dict[int, list[Item]] = {}
    for item in items:
        at_place.setdefault(id(item.node), []).append(item)
    for index, place in enumerate(node.columns):
        given = at_place.get(id(place), [])
        if isinstance(place, syntax.Assignment):
            given = [item for item in given if item.explicit]
        for item in given:
            own = item.name is not None and (item.explicit or (item.several and len(given) > 1))
            name = item.name if own and item.name is not None else f"print_{index}"
            if item.explicit and name in declared:
                raise binder.stop("KS171", f"The column '{name}' is named twice", item.node)
            name = names.implied(name)
            if item.explicit:
                declared.add(name)
            values.append((binder.column(name, item.value.type), item.value))
    columns = tuple(column for column, _ in values)
    return Values(columns, [[value for _, value in values]], serialized=True)


@binds(RangeOperator)
def bind_range(binder: Binder, node: RangeOperator, _input: Relation | None, scope: Scope) -> Relation:
    """Binds `range x from a to b step c`."""
    at = Expressions(binder, scope, Row({}, []))
    first, last, step = at.bind(node.first), at.bind(node.last), at.bind(node.step)
    type_ = first.type
    if first.type in NUMBERS:
        for bound, place in ((last, node.last), (step, node.step)):
            wider = widest(type_, bound.type)
            if wider is None:
                raise binder.stop("KS107", f"A number is expected, not {bound.type}", place)
            type_ = wider
        type_ = Type.LONG if type_ is Type.INT else type_
        first, last, step = (e if e.type is type_ else Cast(type_, e) for e in (first, last, step))
    elif first.type in (Type.DATETIME, Type.TIMESPAN):
        if last.type is not first.type:
            raise binder.stop("KS107", f"The range ends with a {last.type}, but starts with a {first.type}", node.last)
        if step.type is not Type.TIMESPAN:
            raise binder.stop("KS107", f"The step must be a timespan, not {step.type}", node.step)
    else:
        raise binder.stop("KS107", f"A range is of numbers, datetimes or timespans, not {first.type}", node.first)
    column = binder.column(node.name.name, type_)
    return Range((column,), column, first, last, step, serialized=True)
