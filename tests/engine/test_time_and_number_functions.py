"""Datetime and number functions against Python's own calendar and arithmetic, many values in one query."""

from __future__ import annotations

import math
from datetime import datetime

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.engine import NOW, NoTables
from vedette.engine.query import QueryEngine, QueryOptions
from vedette.kql import ticks

ENGINE = QueryEngine(duckdb.connect(":memory:"), NoTables())


def rows(query: str) -> list[list[object]]:
    return ENGINE.run(query, QueryOptions(now=NOW)).rows


def table(kind: str, values: list[object]) -> str:
    return f"datatable(i: long, v: {kind}) [{', '.join(f'{i}, {kind}({v})' for i, v in enumerate(values))}]"


MOMENTS = st.lists(st.datetimes(datetime(1, 1, 8), datetime(9999, 12, 20)), min_size=1, max_size=30)


@settings(max_examples=20, deadline=None)
@given(MOMENTS)
def test_parts_of_datetimes_are_those_of_the_calendar(moments: list[datetime]) -> None:
    source = table("datetime", [moment.isoformat() for moment in moments])
    got = rows(
        f"{source} | order by i asc | project getyear(v), monthofyear(v), dayofmonth(v), dayofyear(v), hourofday(v), "
        "week_of_year(v), toint(dayofweek(v) / 1d), datetime_part('quarter', v), datetime_part('microsecond', v)"
    )
    for moment, row in zip(moments, got, strict=True):
        assert row == [
            moment.year, moment.month, moment.day, moment.timetuple().tm_yday, moment.hour, moment.isocalendar().week,
            moment.isoweekday() % 7, (moment.month + 2) // 3, moment.microsecond,
        ]  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(MOMENTS, st.sampled_from(["day", "week", "month", "year"]))
def test_a_moment_lies_between_start_and_end_of_its_period(moments: list[datetime], period: str) -> None:
    source = table("datetime", [moment.isoformat() for moment in moments])
    got = rows(
        f"{source} | extend s = startof{period}(v), e = endof{period}(v) | where not(s <= v and v <= e "
        f"and startof{period}(s) == s and startof{period}(v, 1) == e + 1tick and startof{period}(s - 1tick, 1) == s) | count"
    )
    assert got == [[0]]


@settings(max_examples=20, deadline=None)
@given(MOMENTS, st.integers(-400, 400), st.sampled_from(["year", "quarter", "month", "week", "day", "hour", "second"]))
def test_a_difference_counts_what_was_added_to_a_start(moments: list[datetime], count: int, part: str) -> None:
    source = table("datetime", [moment.replace(day=1).isoformat() for moment in moments if 500 < moment.year < 9500])
    got = rows(
        f"{source} | extend moved = datetime_add('{part}', {count}, v) "
        f"| where toint(datetime_diff('{part}', moved, v)) != {count} | count"
    )
    assert got == [[0]]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=30), st.integers(1, 2**40))
def test_bin_of_integers_is_floor_division(values: list[int], size: int) -> None:
    got = rows(f"{table('long', list(values))} | order by i asc | project bin(v, {size})")
    assert [row[0] for row in got] == [value // size * size for value in values]


LONGS = st.integers(-(2**63) + 1, 2**63 - 1)


@settings(max_examples=30, deadline=None)
@given(st.lists(LONGS, min_size=1, max_size=20), LONGS, st.sampled_from("+-*"))
def test_integer_arithmetic_wraps(values: list[int], other: int, symbol: str) -> None:
    got = rows(f"{table('long', list(values))} | order by i asc | project x = v {symbol} long({other})")
    operation = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}[symbol]
    wanted = [(operation(value, other) + 2**63) % 2**64 - 2**63 for value in values]
    assert [row[0] for row in got] == wanted


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1e15, 1e15), min_size=1, max_size=20))
def test_a_real_reads_back_from_its_text(values: list[float]) -> None:
    texts = [repr(value) for value in values]
    got = rows(f"{table('real', list(texts))} | order by i asc | project toreal(tostring(v)), toint(v)")
    for value, (again, whole) in zip(values, got, strict=True):
        assert again == value
        assert whole == max(-(2**31), min(2**31 - 1, math.trunc(value)))


def test_unix_time_reaches_the_ends_of_datetime() -> None:
    last = (ticks.MAX_DATETIME - ticks.UNIX_EPOCH) // ticks.SECOND
    got = rows(f"print a = unixtime_seconds_todatetime({last}), b = unixtime_seconds_todatetime({last + 1})")
    assert got == [["9999-12-31T23:59:59.0000000Z", None]]


@pytest.mark.parametrize("name", ["rand()", "new_guid()"])
def test_random_values_differ_in_rows_and_in_uses(name: str) -> None:
    got = rows(f"range i from 1 to 20 step 1 | extend a = {name}, b = {name} | summarize dcount(a), countif(a == b)")
    assert got == [[20, 0]]
