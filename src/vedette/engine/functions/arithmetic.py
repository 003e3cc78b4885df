"""Arithmetic operators (rules 30 to 34 and 49)."""

from __future__ import annotations

from vedette.engine.catalog import operator
from vedette.engine.dialect import DECIMAL, DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql import ticks
from vedette.kql.types import INTEGERS, Type

_SPAN = 2**64
_HALF = 2**63


def wrap(value: str) -> str:
    """A 128-bit integer as a long, as two's complement wraps it (rule 33)."""
    return (
        f"CAST((CASE WHEN {value} BETWEEN -{_HALF} AND {_HALF - 1} THEN {value} ELSE "
        f"(({value} + {_HALF}) % {_SPAN} + {_SPAN}) % {_SPAN} - {_HALF} END) AS BIGINT)"
    )


def _small(value: Fragment, limit: int = 2**31) -> bool:
    """Whether a value is known to lie within a limit on both sides."""
    if value.type is Type.INT:
        return limit >= 2**31
    return isinstance(value.value, int) and abs(value.value) < limit


def _within(value: Fragment, limit: int) -> list[str]:
    if value.type is Type.DATETIME and limit > ticks.MAX_DATETIME:
        return []
    return [] if _small(value, limit) else [f"{value} BETWEEN {1 - limit} AND {limit - 1}"]


def _integers(symbol: str, left: Fragment, right: Fragment) -> str:
    a, b = f"CAST({left} AS BIGINT)", f"CAST({right} AS BIGINT)"
    # the range within which 64 bits hold every result; beyond it the result is made in 128 bits
    limit = 2**31 if symbol == "*" else 2**62
    inside = " AND ".join(_within(left, limit) + _within(right, limit))
    if not inside:
        return f"({a} {symbol} {b})"
    big = f"(CAST({left} AS HUGEINT) {symbol} CAST({right} AS HUGEINT))"
    return f"CASE WHEN {inside} THEN {a} {symbol} {b} ELSE {wrap(big)} END"


def _reals(symbol: str, left: Fragment, right: Fragment) -> str:
    if Type.DECIMAL in (left.type, right.type):
        kind = DECIMAL
        if symbol in ("+", "-"):
            return f"TRY(CAST(CAST({left} AS {kind}) {symbol} CAST({right} AS {kind}) AS {kind}))"
        return f"TRY(CAST(CAST({left} AS DOUBLE) {symbol} CAST({right} AS DOUBLE) AS {kind}))"
    return f"(CAST({left} AS DOUBLE) {symbol} CAST({right} AS DOUBLE))"


def _whole(left: Fragment, right: Fragment) -> bool:
    return left.type in INTEGERS and right.type in INTEGERS


def _of_now(sql: DuckDbSql, symbol: str, left: Fragment, right: Fragment) -> str | None:
    """A moment before or after now(), where that is known to be one: the sum needs no look at where it ends."""
    a, b = (side.bound if side.bound is not None else side.value for side in (left, right))
    if (left.bound is None and right.bound is None) or not isinstance(a, int) or not isinstance(b, int):
        return None
    moment = a + b if symbol == "+" else a - b
    if not 0 <= moment <= ticks.MAX_DATETIME or abs(b) > ticks.MAX_DATETIME or not sql.may("known-now"):
        return None
    return f"({left} {symbol} {right})"


def _time_sum(symbol: str, left: Fragment, right: Fragment, result: Type) -> str:
    big = f"CAST({left} AS HUGEINT) {symbol} CAST({right} AS HUGEINT)"
    inside = " AND ".join(_within(left, 2**62) + _within(right, 2**62))
    text = (
        f"CASE WHEN {inside} THEN {left} {symbol} {right} ELSE TRY_CAST({big} AS BIGINT) END"
        if inside
        else f"({left} {symbol} {right})"
    )
    if result is Type.DATETIME:
        return f"(CASE WHEN {text} BETWEEN 0 AND 3155378975999999999 THEN {text} END)"
    return text


@operator(
    "+",
    "add(left: number, right: number): widest",
    "add(left: datetime, right: timespan): datetime",
    "add(left: timespan, right: datetime): datetime",
    "add(left: timespan, right: timespan): timespan",
    about="Adds numbers, or moves a datetime by a timespan.",
)
def add(sql: DuckDbSql, left: Fragment, right: Fragment) -> str:
    if Type.DATETIME in (left.type, right.type):
        return _of_now(sql, "+", left, right) or _time_sum("+", left, right, Type.DATETIME)
    if left.type is Type.TIMESPAN:
        return _time_sum("+", left, right, Type.TIMESPAN)
    return _integers("+", left, right) if _whole(left, right) else _reals("+", left, right)


@operator(
    "-",
    "subtract(left: number, right: number): widest",
    "subtract(left: datetime, right: timespan): datetime",
    "subtract(left: datetime, right: datetime): timespan",
    "subtract(left: timespan, right: timespan): timespan",
    about="Subtracts numbers, timespans, or datetimes.",
)
def subtract(sql: DuckDbSql, left: Fragment, right: Fragment) -> str:
    if left.type is Type.DATETIME:
        if right.type is Type.TIMESPAN:
            return _of_now(sql, "-", left, right) or _time_sum("-", left, right, Type.DATETIME)
        return _time_sum("-", left, right, Type.TIMESPAN)
    if left.type is Type.TIMESPAN:
        return _time_sum("-", left, right, Type.TIMESPAN)
    return _integers("-", left, right) if _whole(left, right) else _reals("-", left, right)


@operator(
    "*",
    "multiply(left: number, right: number): widest",
    "multiply(left: timespan, right: number): timespan",
    "multiply(left: number, right: timespan): timespan",
    about="Multiplies numbers, or a timespan by a number.",
)
def multiply(sql: DuckDbSql, left: Fragment, right: Fragment) -> str:
    if Type.TIMESPAN in (left.type, right.type):
        if {left.type, right.type} & {Type.REAL, Type.DECIMAL}:
            return f"TRY_CAST(trunc(CAST({left} AS DOUBLE) * CAST({right} AS DOUBLE)) AS BIGINT)"
        return f"TRY_CAST(CAST({left} AS HUGEINT) * CAST({right} AS HUGEINT) AS BIGINT)"
    return _integers("*", left, right) if _whole(left, right) else _reals("*", left, right)


@operator(
    "/",
    "divide(left: number, right: number): widest",
    "divide(left: timespan, right: timespan): real",
    "divide(left: timespan, right: number): timespan",
    about="Divides; integers truncate toward zero, by zero they give null.",
)
def divide(sql: DuckDbSql, left: Fragment, right: Fragment) -> str:
    if left.type is Type.TIMESPAN and right.type is Type.TIMESPAN:
        return f"(CAST({left} AS DOUBLE) / CAST({right} AS DOUBLE))"
    if left.type is Type.TIMESPAN:
        if right.type in INTEGERS:
            return f"(CASE WHEN {right} <> 0 THEN {left} // CAST({right} AS BIGINT) END)"
        return f"TRY_CAST(trunc(CAST({left} AS DOUBLE) / CAST({right} AS DOUBLE)) AS BIGINT)"
    if _whole(left, right):
        a, b = f"CAST({left} AS BIGINT)", f"CAST({right} AS BIGINT)"
        # the one quotient that does not fit is MIN / -1, which wraps back to MIN
        return f"(CASE WHEN {b} = 0 THEN NULL WHEN {b} = -1 THEN {wrap(f'(-CAST({left} AS HUGEINT))')} ELSE {a} // {b} END)"
    return _reals("/", left, right)


@operator(
    "%",
    "modulo(left: number, right: number): widest",
    "modulo(left: timespan, right: timespan): timespan",
    "modulo(left: datetime, right: timespan): timespan",
    "modulo(left: datetime, right: datetime): timespan",
    about="The remainder, never negative, of a datetime that of its ticks; by zero it is null.",
)
def modulo(sql: DuckDbSql, left: Fragment, right: Fragment) -> str:
    if left.type in (Type.TIMESPAN, Type.DATETIME) or _whole(left, right):
        a, b = f"CAST({left} AS BIGINT)", f"abs(CAST({right} AS BIGINT))"
        return f"(CASE WHEN {right} = 0 THEN NULL ELSE (({a} % {b}) + {b}) % {b} END)"
    a, b = f"CAST({left} AS DOUBLE)", f"abs(CAST({right} AS DOUBLE))"
    text = f"((({a} % {b}) + {b}) % {b})"
    return f"TRY_CAST({text} AS {DECIMAL})" if Type.DECIMAL in (left.type, right.type) else text


@operator(
    "negate",
    "negate(value: integer): long",
    "negate(value: number): same(value)",
    "negate(value: timespan): timespan",
    about="The value with its sign turned.",
)
def negate(sql: DuckDbSql, value: Fragment) -> str:
    if value.type in INTEGERS:
        return wrap(f"(-CAST({value} AS HUGEINT))")
    return f"(-{value})"
