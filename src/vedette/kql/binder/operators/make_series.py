"""make-series: evenly spaced arrays of aggregates over an axis (rule 100).

Source: the documentation's page make-series-operator.
"""

from __future__ import annotations

from vedette.kql import syntax
from vedette.kql.binder.coercion import converts
from vedette.kql.binder.core import Binder
from vedette.kql.binder.expressions import Expressions
from vedette.kql.binder.naming import Names
from vedette.kql.binder.operators.items import Item, bind_items, own_name
from vedette.kql.binder.operators.project import name_items
from vedette.kql.binder.operators.summarize import Summarize, bind_keys, require_aggregate
from vedette.kql.binder.operators.where import Where
from vedette.kql.binder.scope import Row, Scope
from vedette.kql.bound import Cast, Column, Constant, Expr, Relation, children, is_fixed
from vedette.kql.node import node
from vedette.kql.operators.binding import binds
from vedette.kql.operators.make_series import MakeSeriesOperator, SeriesAggregate
from vedette.kql.types import INTEGERS, NUMBERS, Type

_STEPS = {
    Type.DATETIME: frozenset({Type.TIMESPAN}), Type.TIMESPAN: frozenset({Type.TIMESPAN}),
    Type.INT: INTEGERS, Type.LONG: INTEGERS, Type.REAL: NUMBERS, Type.DECIMAL: NUMBERS,
}  # fmt: skip
_ZEROS: dict[Type, object] = {
    Type.INT: 0, Type.LONG: 0, Type.REAL: 0.0, Type.DECIMAL: 0, Type.TIMESPAN: 0, Type.BOOL: False,
}  # fmt: skip
"""What stands in a bin without rows when the query says nothing; of other types null."""


@node
class MakeSeries(Relation):
    """A row for each group: an array for each aggregate, and the array of the axis.

    `bins` has a row for each group and bin that has rows: the keys, the start of the bin, the aggregates.
    """

    bins: Summarize
    keys: list[tuple[Column, Column]]
    """Output column and the column of `bins` that it shows."""
    series: list[tuple[Column, Column, Expr]]
    """Output column, the column of `bins`, and the value of a bin without rows."""
    axis: tuple[Column, Column]
    first: Expr | None
    """Where the axis starts; None: with the first bin that has rows, in each group."""
    last: Expr | None
    """Where it ends; None: with the last bin that has rows."""
    step: Expr
    inclusive: bool
    """Bins lie on multiples of the step and the end belongs to the axis, as `in range()` has it."""
    nonempty: bool


@binds(MakeSeriesOperator)
def bind_make_series(binder: Binder, node: MakeSeriesOperator, input_: Relation, scope: Scope) -> Relation:
    """Binds `make-series`; its columns are the keys, the aggregates and the axis, in that order."""
    keys, at = bind_keys(binder, node.keys, input_, scope)
    aggregates = [_aggregate(at, aggregate) for aggregate in node.aggregates]
    plain = Expressions(binder, scope, Row.of(input_), serialized=input_.serialized)
    written = node.axis.value if isinstance(node.axis, syntax.Assignment) else node.axis
    axis = plain.bind(written)
    step, first, last = _bounds(plain, node, axis)
    name = node.axis.names[0].name if isinstance(node.axis, syntax.Assignment) else own_name(plain, written, axis)
    named = [*keys, *aggregates, Item(axis, name, isinstance(node.axis, syntax.Assignment), node.axis)]
    if name is not None and any(item.name == name for item in named[:-1]):
        raise binder.stop("KS171", f"There is already a column '{name}'", node.axis)
    names = name_items(binder, named, Names())
    bins, key_columns, bin_column, values = _bins(plain, node, input_, keys, aggregates, (axis, step, first, last))
    shown = [(binder.column(text, column.type), column) for text, column in zip(names, key_columns, strict=False)]
    series = [
        (binder.column(text, Type.DYNAMIC), column, _default(plain, aggregate, item))
        for text, column, aggregate, item in zip(names[len(keys) :], values, node.aggregates, aggregates, strict=False)
    ]
    arrays = binder.column(names[-1], Type.DYNAMIC)
    columns = (*(column for column, _ in shown), *(column for column, _, _ in series), arrays)
    return MakeSeries(
        columns, bins, shown, series, (arrays, bin_column), first, last, step, node.in_range, node.kind == "nonempty"
    )


def _aggregate(at: Expressions, node: SeriesAggregate) -> Item:
    """One aggregate; one that gives several columns is not for series."""
    items = bind_items(at, [node.value])
    if len(items) != 1:
        raise at.binder.stop("KS150", f"make-series takes one value of an aggregate, not {len(items)}", node.value)
    require_aggregate(at.binder, items[0].value, node.value)
    if items[0].value.type is Type.DYNAMIC:
        raise at.binder.stop("KS116", "make-series takes aggregates that give numbers, not dynamic values", node.value)
    return items[0]


def _bounds(at: Expressions, node: MakeSeriesOperator, axis: Expr) -> tuple[Expr, Expr | None, Expr | None]:
    """The step and the ends of the axis, all of one value for the whole query."""
    binder = at.binder
    step = at.bind(node.step)
    type_ = Type.UNKNOWN if _is_uncertain(axis) else axis.type
    if type_ is not Type.UNKNOWN and step.type is not Type.UNKNOWN and step.type not in _STEPS.get(type_, ()):
        raise binder.stop("KS178", f"A step of type {step.type} does not fit an axis of type {type_}", node.step)
    ends = []
    for place in (node.first, node.last):
        end = at.bind(place) if place is not None else None
        if place is not None and end is not None and type_ not in (end.type, Type.UNKNOWN):
            exact = type_ in INTEGERS and end.type not in INTEGERS | {Type.UNKNOWN, Type.DYNAMIC}
            if exact or not converts(end.type, type_):
                raise binder.stop("KS141", f"An end of the axis must be of type {type_}, not {end.type}", place)
            end = end if end.type is Type.UNKNOWN else Cast(type_, end, start=place.start, end=place.end)
        ends.append(end)
    for value, place in ((step, node.step), (ends[0], node.first), (ends[1], node.last)):
        if value is not None and place is not None and not is_fixed(value):
            raise binder.stop("KS129", "The axis must be the same for all rows: a constant is expected", place)
    if isinstance(step, Constant) and isinstance(step.value, int | float) and step.value <= 0:
        raise binder.stop("KS107", "The step of make-series must be greater than zero", node.step)
    return step, ends[0], ends[1]


def _is_uncertain(value: Expr) -> bool:
    """Whether a column that only the data shows decides on the type."""
    return value.type is Type.UNKNOWN or any(_is_uncertain(child) for child in children(value))


def _bins(
    at: Expressions, node: MakeSeriesOperator, input_: Relation, keys: list[Item], aggregates: list[Item],
    ends: tuple[Expr, Expr, Expr | None, Expr | None],
) -> tuple[Summarize, list[Column], Column, list[Column]]:  # fmt: skip
    """The aggregates of each group and bin, of the rows that lie between the ends."""
    axis, step, first, last = ends
    binder = at.binder
    within: list[Expr] = []
    # of what only the data shows nothing is compiled
    known = not _is_uncertain(axis) and step.type is not Type.UNKNOWN
    if known and first is not None:
        within.append(at.compare(">=", axis, first, node.axis))
    if known and last is not None:
        within.append(at.compare("<=" if node.in_range else "<", axis, last, node.axis))
    if known and not within:
        within.append(at.apply("isnotnull", [axis], [node.axis], node.axis))
    relation = input_
    for predicate in within:
        relation = Where(relation.columns, relation, predicate, serialized=input_.serialized, open=input_.open)
    places = [node.axis, node.step, node.first or node.axis]
    if not known:
        start = axis
    elif first is None or node.in_range:
        start = at.apply("bin", [axis, step], places, node.axis)
    else:
        start = at.apply("bin_at", [axis, step, first], places, node.axis)
    key_columns = [binder.column(f"key{index}", item.value.type) for index, item in enumerate(keys)]
    bin_column = binder.column("bin", start.type)
    values = [binder.column(f"value{index}", item.value.type) for index, item in enumerate(aggregates)]
    grouped = [(column, item.value) for column, item in zip(key_columns, keys, strict=True)]
    bins = Summarize(
        (*key_columns, bin_column, *values), relation, [*grouped, (bin_column, start)],
        [(column, item.value) for column, item in zip(values, aggregates, strict=True)],
    )  # fmt: skip
    return bins, key_columns, bin_column, values


def _default(at: Expressions, node: SeriesAggregate, item: Item) -> Expr:
    """What stands in a bin without rows."""
    type_ = item.value.type
    if node.default is None:
        return Constant(type_, _ZEROS.get(type_, "" if type_ is Type.STRING else None))
    value = at.bind(node.default.value if isinstance(node.default, syntax.Assignment) else node.default)
    if not is_fixed(value):
        raise at.binder.stop("KS129", "The default must be the same for all bins: a constant is expected", node.default)
    # a whole number among reals is a real; any other value stays what it is
    return Cast(type_, value) if value.type in INTEGERS and type_ in NUMBERS else value
