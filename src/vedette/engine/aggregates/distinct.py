"""How many different values there are: counted exactly, which is within every accuracy that dcount() may be asked for."""

from __future__ import annotations

from vedette.engine.catalog import aggregate
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment


def _distinct(sql: DuckDbSql, value: Fragment, condition: str = "") -> str:
    where = f" FILTER (WHERE {condition})" if condition else ""
    return f"count({'' if sql.distinct_input else 'DISTINCT '}{value}){where}"


@aggregate(
    "dcount(expr: any, accuracy?: const integer): long", names="prefix:dcount", empty="0",
    about="How many different values there are; nulls do not count.", page="dcount-aggregation-function",
)  # fmt: skip
def dcount(sql: DuckDbSql, value: Fragment, _accuracy: Fragment | None = None) -> str:
    return _distinct(sql, value)


@aggregate(
    "dcountif(expr: any, predicate: bool, accuracy?: const integer): long", names="prefix:dcountif", empty="0",
    about="How many different values there are in the rows that meet a condition.",
    page="dcountif-aggregation-function",
)  # fmt: skip
def dcountif(sql: DuckDbSql, value: Fragment, predicate: Fragment, _accuracy: Fragment | None = None) -> str:
    return _distinct(sql, value, predicate.sql)


@aggregate(
    "count_distinct(expr: plain): long", names="prefix:count_distinct", empty="0",
    about="How many different values there are, exactly.", page="count-distinct-aggregation-function",
)  # fmt: skip
def count_distinct(sql: DuckDbSql, value: Fragment) -> str:
    return _distinct(sql, value)


@aggregate(
    "count_distinctif(expr: plain, predicate: bool): long", names="prefix:count_distinctif", empty="0",
    about="How many different values there are, exactly, in the rows that meet a condition.",
    page="count-distinctif-aggregation-function",
)  # fmt: skip
def count_distinctif(sql: DuckDbSql, value: Fragment, predicate: Fragment) -> str:
    return _distinct(sql, value, predicate.sql)
