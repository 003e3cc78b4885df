"""What the plugins for patterns share: their data, their wildcards, their results."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence

from vedette.engine.patterns import MOST_PATTERNS, Items, Pattern, TooManyPatterns, encode
from vedette.engine.plugged import Arguments
from vedette.kql import syntax
from vedette.kql.binder.naming import Names
from vedette.kql.binder.operators.sort import Sort, SortKey
from vedette.kql.binder.operators.summarize import Summarize
from vedette.kql.bound import AggregateCall, Cast, Column, ColumnRef, Expr, Known, Relation
from vedette.kql.types import NUMBERS, Type


def weight_column(args: Arguments, name: str) -> Column | None:
    """The column that says how many rows each row stands for; None: each for itself."""
    if not args.has(name):
        return None
    column = args.column(name)
    if column.type not in NUMBERS | {Type.UNKNOWN}:
        raise args.binder.stop("KS127", f"A weight is a number, not {column.type}", args.given[name])
    return column


def share(args: Arguments, name: str, default: float, low: float, high: float) -> float:
    """A number within limits."""
    if not args.has(name):
        return default
    kind, value = args.fixed(args.given[name])
    if kind not in NUMBERS:
        raise args.binder.stop("KS127", f"A number is expected here, not {kind}", args.given[name])
    if value is None:
        return default
    number = float(str(value))
    if not low <= number <= high:
        raise args.binder.stop("VDT1008", f"{number:g} is not in the range {low:g} to {high:g}", args.given[name])
    return number


def whole(args: Arguments, name: str, default: int, low: int, high: int) -> int:
    """An integer within limits."""
    if not args.has(name):
        return default
    value = args.constant(name, "integer")
    if not isinstance(value, int):
        return default
    if not low <= value <= high:
        raise args.binder.stop("VDT1008", f"{value} is not in the range {low} to {high}", args.given[name])
    return value


def wildcards(args: Arguments, nodes: list[syntax.Expression]) -> dict[Type, object]:
    """What stands in a column that a pattern leaves open, by type; else null, of strings the empty one."""
    found: dict[Type, object] = {}
    for node in nodes:
        kind, value = args.fixed(node)
        if value != "~":
            found.setdefault(kind, json.dumps(value) if kind is Type.DYNAMIC and value is not None else value)
    return found


def grouped(
    args: Arguments, columns: list[Column], weight: Column | None, conditions: list[Expr | None]
) -> tuple[list[list[object]], list[list[object]]]:
    """The distinct rows of some columns, and for each condition the weight of those of its rows that meet it."""
    binder = args.binder
    assert binder.evaluator is not None
    keys: list[tuple[Column, Expr]] = [(binder.column(c.name, c.type), ColumnRef(c.type, c)) for c in columns]
    sums: list[tuple[Column, Expr]] = []
    for condition in conditions:
        if weight is None:
            call = AggregateCall(Type.LONG, binder.catalog.aggregates["count"], [], condition)
        else:
            value = Cast(Type.REAL, ColumnRef(weight.type, weight))
            call = AggregateCall(Type.REAL, binder.catalog.aggregates["sum"], [value], condition)
        sums.append((binder.column(f"w{len(sums)}", call.type), call))
    shown = tuple(column for column, _ in [*keys, *sums])
    data = binder.evaluator.columns(Summarize(shown, args.input, keys, sums))
    return data[: len(keys)], data[len(keys) :]


SHARED_MEASURES = (("SegmentId", Type.LONG), ("Count", Type.LONG), ("Percent", Type.REAL))
"""What a pattern of one set of rows is shown with."""


def weighed(items: Items, found: Iterable[tuple[Pattern, float]]) -> Iterator[tuple[Pattern, list[object]]]:
    """Patterns with their count and their percentage of all rows."""
    total = float(items.weights.sum())
    for pattern, count in found:
        yield pattern, [round(count), 100.0 * count / total]


def patterns(
    args: Arguments, measures: Sequence[tuple[str, Type]], shown: list[Column], weight: Column | None,
    conditions: list[Expr | None], least: float, find: Callable[[Items], Iterable[tuple[Pattern, list[object]]]],
) -> Relation:  # fmt: skip
    """The patterns that a search finds, numbered in its order: measures, then a pattern's values or what stands for any.

    `find` gives patterns with their measures but the first, which is the number.
    """
    columns = pattern_columns(args, measures, shown)
    open_ = wildcards(args, args.rest)
    evaluator = args.binder.evaluator
    if evaluator is None:
        return table(args, columns, [])

    def search() -> Iterator[list[object]]:
        mined = [column for column in shown if column is not weight]
        data, weights = grouped(args, mined, weight, conditions)
        items = encode(data, weights, least, evaluator.proceed)
        for number, (pattern, measured) in enumerate(find(items)):
            values = {mined[column].id: items.values[column][code] for column, code in pattern}
            cells = [values.get(column.id, open_.get(column.type)) for column in shown]
            yield [number, *measured, *cells]

    return searched(args, columns, search)


def searched(args: Arguments, columns: list[Column], search: Callable[[], Iterable[list[object]]]) -> Relation:
    """What a search gives, in its order; one that is too wide ends in a message."""
    try:
        return table(args, columns, list(search()))
    except TooManyPatterns:
        message = (
            f"The plugin '{args.plugin}' found more than {MOST_PATTERNS} patterns to look at; "
            "project fewer columns, raise the threshold or lower the number of dimensions"
        )
        raise args.binder.stop("VDT1010", message, args.node.call) from None


def pattern_columns(args: Arguments, measures: Sequence[tuple[str, Type]], shown: list[Column]) -> list[Column]:
    """The columns of a result: measures, then those of the input."""
    taken = Names()
    columns = [args.binder.column(taken.implied(name), kind) for name, kind in measures]
    return columns + [args.binder.column(taken.implied(column.name), column.type) for column in shown]


def table(args: Arguments, columns: list[Column], rows: list[list[object]]) -> Relation:
    """A result that is known, in its order."""
    place = args.binder.column("$place", Type.LONG, hidden=True)
    held = [
        (*(_held(column, value) for column, value in zip(columns, row, strict=True)), number)
        for number, row in enumerate(rows)
    ]
    known = Known((*columns, place), held)
    return Sort(known.columns, known, [SortKey(ColumnRef(Type.LONG, place), False, True)])


def _held(column: Column, value: object) -> object:
    """A value in the form in which rows are given to the engine."""
    if value is None:
        return "" if column.type is Type.STRING else None
    return str(value) if column.type in (Type.GUID, Type.DECIMAL) else value
