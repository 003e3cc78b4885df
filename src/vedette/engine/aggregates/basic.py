"""Counts, sums, extremes and averages (rules 42, 43, 87 and 88)."""

from __future__ import annotations

from vedette.engine.catalog import aggregate
from vedette.engine.dialect import DECIMAL, DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.engine.functions.arithmetic import wrap
from vedette.kql.types import INTEGERS, Type


@aggregate(
    "count(column?: any): long", about="How many rows there are.", names="prefix:count", aliases=("cnt",), empty="0"
)
def count(sql: DuckDbSql, *_column: Fragment) -> str:
    return "count(*)"


@aggregate(
    "countif(predicate: bool): long", about="How many rows meet a condition.", names="prefix:countif", empty="0",
    page="countif-aggregation-function",
)  # fmt: skip
def countif(sql: DuckDbSql, predicate: Fragment) -> str:
    return f"count(*) FILTER (WHERE {predicate})"


def _sum(value: Fragment, where: str) -> str:
    if value.type in INTEGERS | {Type.TIMESPAN}:
        return wrap(f"coalesce(sum({value}){where}, 0)")
    return f"sum({value}){where}"


@aggregate(
    "sum(expression: number): promoted(expression)", "sum(expression: timespan): timespan",
    about="The sum; of nothing it is 0.", names="prefix:sum", empty="0", page="sum-aggregation-function",
)  # fmt: skip
def sum_(sql: DuckDbSql, value: Fragment) -> str:
    return _sum(value, "")


@aggregate(
    "sumif(expression: number, predicate: bool): promoted(expression)",
    "sumif(expression: timespan, predicate: bool): timespan",
    about="The sum over the rows that meet a condition.", names="prefix:sumif", empty="0",
    page="sumif-aggregation-function",
)  # fmt: skip
def sumif(sql: DuckDbSql, value: Fragment, predicate: Fragment) -> str:
    return _sum(value, f" FILTER (WHERE {predicate})")


def _avg(value: Fragment, where: str) -> Fragment:
    if value.type in (Type.DATETIME, Type.TIMESPAN):
        # a mean as a double would have no single ticks
        count = f"nullif(count({value}){where}, 0)"
        return Fragment(f"CAST(sum(CAST({value} AS HUGEINT)){where} // {count} AS BIGINT)", value.type, True)
    if value.type is Type.DECIMAL:
        return Fragment(f"CAST(avg({value}){where} AS {DECIMAL})", Type.DECIMAL, True)
    if value.type in INTEGERS:
        # the mean of the sum as sum() has it, so that it wraps as well
        mean = f"(CAST({_sum(value, where)} AS DOUBLE) / nullif(count({value}){where}, 0))"
    else:
        mean = f"avg(CAST({value} AS DOUBLE)){where}"
    return Fragment(f"coalesce({mean}, CAST('nan' AS DOUBLE))", Type.REAL, False)


@aggregate(
    "avg(expression: decimal): decimal", "avg(expression: number): real", "avg(expression: timespan): timespan",
    "avg(expression: datetime): datetime",
    about="The mean; of nothing it is NaN.", names="prefix:avg", page="avg-aggregation-function",
)  # fmt: skip
def avg(sql: DuckDbSql, value: Fragment) -> Fragment:
    return _avg(value, "")


@aggregate(
    "avgif(expression: decimal, predicate: bool): decimal", "avgif(expression: number, predicate: bool): real",
    "avgif(expression: timespan, predicate: bool): timespan", "avgif(expression: datetime, predicate: bool): datetime",
    about="The mean over the rows that meet a condition.", names="prefix:avgif", page="avgif-aggregation-function",
)  # fmt: skip
def avgif(sql: DuckDbSql, value: Fragment, predicate: Fragment) -> Fragment:
    return _avg(value, f" FILTER (WHERE {predicate})")


def _extreme(function: str, value: Fragment, where: str) -> str:
    if value.type is Type.BOOL:
        return f"{'bool_and' if function == 'min' else 'bool_or'}({value}){where}"
    if value.type is Type.REAL and function == "min":
        # to SQL NaN is the greatest number; in KQL one NaN makes both extremes NaN
        return f"CASE WHEN bool_or(isnan({value})){where} THEN CAST('nan' AS DOUBLE) ELSE min({value}){where} END"
    return f"{function}({value}){where}"


def _register(name: str, about: str) -> None:
    def plain(sql: DuckDbSql, value: Fragment) -> str:
        return _extreme(name, value, "")

    def conditional(sql: DuckDbSql, value: Fragment, predicate: Fragment) -> str:
        return _extreme(name, value, f" FILTER (WHERE {predicate})")

    aggregate(
        f"{name}(expression: orderable): same(expression)",
        about=about, names=f"prefix:{name}", page=f"{name}-aggregation-function",
    )(plain)  # fmt: skip
    aggregate(
        f"{name}if(expression: orderable, predicate: bool): same(expression)",
        about=f"{about} Only rows that meet a condition count.", names=f"prefix:{name}if",
        page=f"{name}if-aggregation-function",
    )(conditional)  # fmt: skip


_register("min", "The least value.")
_register("max", "The greatest value.")
