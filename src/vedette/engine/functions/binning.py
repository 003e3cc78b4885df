"""Rounding down to a grid, and nearness (rules 39 and 40)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DECIMAL, DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql import syntax
from vedette.kql.bound import Constant, Expr
from vedette.kql.catalog import ScalarUnit
from vedette.kql.types import INTEGERS, NUMBERS, Type

if TYPE_CHECKING:
    from vedette.kql.binder.expressions import Expressions


_HALF = 2**62
"""Below this a sum of two numbers fits into 64 bits."""


def _number(value: Fragment) -> str:
    return f"CAST({value} AS DOUBLE)" if value.type in NUMBERS else value.sql


def _whole(*values: Fragment) -> bool:
    return all(value.type in INTEGERS or value.type in (Type.TIMESPAN, Type.DATETIME) for value in values)


def _floor(value: str, size: str, whole: bool, decimal: bool) -> str:
    """The greatest multiple of a size that is not above a value; null where the size is not positive."""
    if whole:
        # DuckDB's % takes the sign of the dividend; a bin below the least value of 64 bits has no start
        rest = f"CAST({value} AS HUGEINT) % {size}"
        return f"CASE WHEN {size} > 0 THEN TRY_CAST({value} - (({rest}) + {size}) % {size} AS BIGINT) END"
    text = f"CASE WHEN {size} >= 0 THEN floor({value} / {size}) * {size} END"
    return f"TRY_CAST({text} AS {DECIMAL})" if decimal else text


@scalar(
    "bin(value: number, roundTo: number): widest",
    "bin(value: timespan, roundTo: timespan): timespan",
    "bin(value: datetime, roundTo: timespan): datetime",
    about="The greatest multiple of a size that is not above the value; of a datetime counted from 0001-01-01.",
    page="bin-function",
    names="first",
    aliases=("floor",),
    nulls="own",
)
def bin_(sql: DuckDbSql, value: Fragment, size: Fragment) -> str:
    whole = _whole(value, size)
    decimal = Type.DECIMAL in (value.type, size.type)
    if whole and isinstance(size.value, int) and size.value > 0 and sql.may("constant-bin"):
        rest = f"{value} % {size.value}"
        if value.type is Type.DATETIME:
            # never below zero, where DuckDB's % takes the sign of the dividend
            return f"({value} - {rest})"
        if size.value < _HALF:
            start = f"CAST({value} AS BIGINT) - ({rest} + {size.value}) % {size.value}"
            return f"({start})" if value.type is Type.INT else f"CASE WHEN {value} >= -{_HALF} THEN {start} END"
    if whole:
        return _floor(f"CAST({value} AS BIGINT)", f"CAST({size} AS BIGINT)", True, False)
    return _floor(_number(value), _number(size), False, decimal)


@scalar(
    "bin_at(value: number, bin_size: number, fixed_point: number): widest",
    "bin_at(value: timespan, bin_size: timespan, fixed_point: timespan): timespan",
    "bin_at(value: datetime, bin_size: timespan, fixed_point: datetime): datetime",
    about="The start of the value's bin, where one bin starts at the fixed point.",
    page="bin-at-function",
    names="first",
    nulls="own",
)
def bin_at(sql: DuckDbSql, value: Fragment, size: Fragment, fixed: Fragment) -> str:
    whole = _whole(value, size, fixed)
    decimal = Type.DECIMAL in (value.type, size.type, fixed.type)
    kind = "BIGINT" if whole else "DOUBLE"
    a, b, c = (f"CAST({part} AS {kind})" for part in (value, size, fixed))
    text = f"({c} + {_floor(f'({a} - {c})', b, whole, False)})"
    if value.type is Type.DATETIME:
        return f"(CASE WHEN {text} >= 0 THEN {text} END)"
    return f"TRY_CAST({text} AS {DECIMAL})" if decimal else text


@scalar(
    "around(value: number, center: number, delta: number): bool",
    "around(value: timespan, center: timespan, delta: timespan): bool",
    "around(value: datetime, center: datetime, delta: timespan): bool",
    about="Whether a value lies within delta of the center, both ends included.",
    page="around-function",
)
def around(sql: DuckDbSql, value: Fragment, center: Fragment, delta: Fragment) -> str:
    if _whole(value, center, delta):
        a, b, c = (f"CAST({part} AS HUGEINT)" for part in (value, center, delta))
    else:
        a, b, c = (f"CAST({part} AS DOUBLE)" for part in (value, center, delta))
    return f"({a} BETWEEN {b} - {c} AND {b} + {c})"


def _bind_bin_auto(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
    if len(node.args) != 1:
        raise at.binder.stop("KS119", f"The function 'bin_auto' expects 1 argument, not {len(node.args)}", node)
    value = at.bind(node.args[0])
    size, point = (at.binder.options.get(f"query_bin_auto_{name}") for name in ("size", "at"))
    if not isinstance(size, int | float):
        message = "bin_auto() takes its size from the query: put 'set query_bin_auto_size=1h;' in front of it"
        raise at.binder.stop("VDT1008", message, node)
    timed = value.type in (Type.DATETIME, Type.TIMESPAN)
    step = Type.TIMESPAN if timed else Type.LONG if isinstance(size, int) else Type.REAL
    start = value.type if timed else Type.REAL if isinstance(point, float) else Type.LONG
    args = [value, Constant(step, size), Constant(start, point if isinstance(point, int | float) else 0)]
    return at.apply("bin_at", args, [node.args[0]] * 3, node)


def _never(sql: DuckDbSql, *args: Fragment) -> str:
    raise AssertionError("the binder replaces this function")


scalar(
    "bin_auto(value: summable): promoted(value)",
    about="The start of the value's bin, of the size and from the point that the query sets.",
    page="bin-auto-function",
    names="first",
    binding=_bind_bin_auto,
)(_never)
