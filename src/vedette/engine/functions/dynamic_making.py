"""Dynamic arrays out of values: pack_array, range, repeat, zip, and the names of a table's columns."""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import TYPE_CHECKING

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql import syntax, ticks
from vedette.kql.bound import Apply, ColumnRef, Constant, Expr
from vedette.kql.catalog import ScalarUnit
from vedette.kql.types import Type

if TYPE_CHECKING:
    from vedette.kql.binder.calls import Calls

MAX_ELEMENTS = 1_048_576
"""How many elements range() and repeat() give at most (rule 65)."""
_HOUR = 36_000_000_000


def _bind_pack_array(at: Calls, node: syntax.Call, unit: ScalarUnit) -> Expr:
    args: list[Expr] = []
    for place in node.args:
        if isinstance(place, syntax.Star):
            args += [ColumnRef(column.type, column) for column in (at.row.columns.values() if at.row else ())]
        else:
            args.append(at.bind(place))
    if not args:
        raise at.binder.stop("KS120", f"The function '{node.name.name}' expects at least 1 argument, not 0", node)
    return Apply(Type.DYNAMIC, unit, args)


@scalar(
    "pack_array(value: any...): dynamic", about="An array of the values given (`*`: of all columns).",
    page="pack-array-function", nulls="total", binding=_bind_pack_array,
)  # fmt: skip
def pack_array(sql: DuckDbSql, *values: Fragment) -> str:
    inside = " || ',' || ".join(map(sql.to_json, values))
    return f"('[' || {inside} || ']')"


def numbers(start: float, stop: float, step: float) -> object:
    """start, start + step and so on, up to stop."""
    if step == 0 or not math.isfinite(start) or not math.isfinite(stop) or not math.isfinite(step):
        return None
    # reals that are meant to hit the end miss it by their last digit
    steps = (stop - start) / step + 1e-9 if isinstance(step, float) else (stop - start) // step
    count = int(min(steps, MAX_ELEMENTS - 1)) + 1 if steps >= 0 else 0
    return [start + place * step for place in range(max(count, 0))]


def _times(start: int, stop: int, step: int) -> list[int] | None:
    found = numbers(start, stop, step)
    return [int(value) for value in found] if isinstance(found, list) else None


def datetimes(start: int, stop: int, step: int) -> object:
    """Datetimes as an array has them."""
    found = _times(start, stop, step)
    return None if found is None else [ticks.format_datetime(value) for value in found]


def timespans(start: int, stop: int, step: int) -> object:
    """Timespans as an array has them."""
    found = _times(start, stop, step)
    return None if found is None else [ticks.format_timespan(value) for value in found]


@scalar(
    "range(start: number, stop: number, step?: number): dynamic",
    "range(start: datetime, stop: datetime, step?: timespan): dynamic",
    "range(start: timespan, stop: timespan, step?: timespan): dynamic",
    about="An array of values from start to stop, step apart (1, or an hour); at most 1,048,576.",
    page="range-function",
)
def range_(sql: DuckDbSql, start: Fragment, stop: Fragment, step: Fragment | None = None) -> str:
    if start.type in (Type.DATETIME, Type.TIMESPAN):
        distance = sql.literal(_HOUR, Type.TIMESPAN) if step is None else step
        if start.type is Type.DATETIME:
            return sql.row("range_datetime", datetimes, Type.DYNAMIC, start, stop, distance)
        return sql.row("range_timespan", timespans, Type.DYNAMIC, start, stop, distance)
    parts = [start, stop, sql.literal(1, Type.LONG) if step is None else step]
    kind = Type.REAL if any(part.type in (Type.REAL, Type.DECIMAL) for part in parts) else Type.LONG
    return sql.row("range", numbers, Type.DYNAMIC, *(sql.cast(part, kind) for part in parts))


def repeated(value: object, count: int) -> object:
    """An array of the same value."""
    return [value] * min(count, MAX_ELEMENTS) if count >= 0 else None


@scalar(
    "repeat(value: any, count: long): dynamic", about="An array of the same value, count times.",
    page="repeat-function", names="prefix:repeat", nulls="own",
)  # fmt: skip
def repeat(sql: DuckDbSql, value: Fragment, count: Fragment) -> str:
    return sql.row("repeat", repeated, Type.DYNAMIC, Fragment(sql.to_json(value), Type.DYNAMIC, False), count)


@scalar(
    "zip(array: array, arrays: array...): dynamic", page="zip-function", kind="row",
    about="An array of arrays: the first elements of all, the second ones and so on, padded with null.",
)  # fmt: skip
def zip_(*arrays: object) -> object:
    if not all(isinstance(array, list) for array in arrays):
        return None
    return [list(row) for row in zip_longest(*(array for array in arrays if isinstance(array, list)))]


def _bind_column_names(at: Calls, node: syntax.Call, unit: ScalarUnit) -> Expr:
    if len(node.args) != 1:
        raise at.binder.stop("KS119", f"The function '{node.name.name}' expects 1 argument, not {len(node.args)}", node)
    relation = at.binder.tabular(node.args[0], at.scope)
    return Constant(Type.DYNAMIC, [column.name for column in relation.visible])


def _never(sql: DuckDbSql, *args: Fragment) -> str:
    raise AssertionError("the binder replaces this function")


scalar(
    "column_names_of(table: any): dynamic", about="The names of a table's columns, as an array.",
    page="column-names-of-function", binding=_bind_column_names,
)(_never)  # fmt: skip
