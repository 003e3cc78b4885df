"""Datetimes: their parts, the starts and ends of periods, differences (rules 46 to 53). Times are ticks, all UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql import syntax, ticks
from vedette.kql.bound import Apply, Constant, Expr
from vedette.kql.catalog import ScalarUnit
from vedette.kql.types import Type

if TYPE_CHECKING:
    from vedette.kql.binder.expressions import Expressions

_FIRST_DAY = "DATE '0001-01-01'"
_LAST_WEEK = (ticks.MAX_DATETIME // ticks.DAY + 1) // 7 * 7 * ticks.DAY - ticks.DAY
"""The first moment of the last week of datetime, a Sunday."""


def _day_number(moment: object) -> str:
    return f"({moment} // {ticks.DAY})"


def _date(moment: object) -> str:
    return f"({_FIRST_DAY} + CAST({_day_number(moment)} AS INTEGER))"


def _ticks_of_date(day: str) -> str:
    return f"((CAST({day} AS DATE) - {_FIRST_DAY}) * {ticks.DAY})"


def _within(moment: str) -> str:
    return f"(CASE WHEN {moment} BETWEEN 0 AND {ticks.MAX_DATETIME} THEN CAST({moment} AS BIGINT) END)"


# -- parts


def _part(name: str, text: str, about: str, *, page: str, aliases: tuple[str, ...] = (), result: str = "int") -> None:
    @scalar(f"{name}(date: datetime): {result}", about=about, page=page, aliases=aliases)
    def emit(sql: DuckDbSql, moment: Fragment) -> str:
        return text.format(date=_date(moment), day=_day_number(moment), ticks=moment)


_part("getyear", "CAST(year({date}) AS INTEGER)", "The year.", page="getyear-function")
_part(
    "monthofyear",
    "CAST(month({date}) AS INTEGER)",
    "The month, 1 to 12.",
    page="monthofyear-function",
    aliases=("getmonth",),
)
_part("dayofmonth", "CAST(day({date}) AS INTEGER)", "The day of the month.", page="day-of-month-function")
_part("dayofyear", "CAST(dayofyear({date}) AS INTEGER)", "The day of the year.", page="day-of-year-function")
_part(
    "hourofday", f"CAST({{ticks}} // {ticks.HOUR} % 24 AS INTEGER)", "The hour, 0 to 23.", page="hour-of-day-function"
)
_part(
    "week_of_year",
    "CAST(week({date}) AS INTEGER)",
    "The ISO 8601 week.",
    page="week-of-year-function",
    aliases=("weekofyear",),
)


@scalar("dayofweek(date: datetime): timespan", about="The days since Sunday, as a timespan.", page="day-of-week-function",
        nulls="own")  # fmt: skip
def dayofweek(sql: DuckDbSql, moment: Fragment) -> str:
    # the last week of the year 9999 has no end, and there the function gives null
    return f"CASE WHEN {moment} < {_LAST_WEEK} THEN ({_day_number(moment)} + 1) % 7 * {ticks.DAY} END"


_CLOCK_PARTS = {
    "hour": (ticks.HOUR, 24, 1),
    "minute": (ticks.MINUTE, 60, 1),
    "second": (ticks.SECOND, 60, 1),
    "millisecond": (ticks.MILLISECOND, 1_000, 1),
    "microsecond": (ticks.MICROSECOND, 1_000_000, 1),
    "nanosecond": (1, 10_000_000, 100),
}
"""Of each part of a second or more: its ticks, how many make the whole it is part of, and what a step counts."""
_CALENDAR_PARTS = {
    "year": "year", "quarter": "quarter", "month": "month", "week_of_year": "week", "day": "day", "dayofyear": "dayofyear",
}  # fmt: skip
_PART_NAMES = (*_CALENDAR_PARTS, *_CLOCK_PARTS)
_STEP_NAMES = ("year", "quarter", "month", "week", "day", *_CLOCK_PARTS)
_MONTHS = {"year": 12, "quarter": 3, "month": 1}
_SPANS = {
    "week": ticks.WEEK,
    "day": ticks.DAY,
    **{name: unit for name, (unit, _, _) in _CLOCK_PARTS.items() if name != "nanosecond"},
}


def _bind_with_part(names: tuple[str, ...]) -> object:
    """Binds a function whose first argument names a part of a date, whatever its case."""

    def binding(at: Expressions, node: syntax.Call, unit: ScalarUnit) -> Expr:
        args = [at.bind(arg) for arg in node.args]
        bound = at.apply(unit.name, args, node.args, node)
        assert isinstance(bound, Apply)
        part = bound.args[0]
        assert isinstance(part, Constant)
        name = str(part.value).lower()
        if name not in names:
            choices = ", ".join(names[:-1]) + " or " + names[-1]
            raise at.binder.stop("KS140", f"The expression must be one of the values: {choices}", node.args[0])
        bound.args[0] = Constant(Type.STRING, name, start=part.start, end=part.end)
        if unit.name == "datetime_diff" and name == "week":
            bound.type = Type.REAL
        return bound

    return binding


@scalar(
    "datetime_part(part: const string, date: datetime): int",
    about="A part of a datetime: its year, quarter, week_of_year, dayofyear, hour, nanosecond and so on.",
    page="datetime-part-function",
    aliases=("datepart",),
    binding=_bind_with_part(_PART_NAMES),  # type: ignore[arg-type]
)
def datetime_part(sql: DuckDbSql, part: Fragment, moment: Fragment) -> str:
    name = str(part.value)
    if name in _CALENDAR_PARTS:
        return f"CAST({_CALENDAR_PARTS[name]}({_date(moment)}) AS INTEGER)"
    unit, whole, step = _CLOCK_PARTS[name]
    text = f"{moment} // {unit} % {whole}" if unit > 1 else f"{moment} % {whole}"
    return f"CAST(({text}) * {step} AS INTEGER)"


# -- starts and ends of periods


_MOST_MONTHS = 12 * 10_000
_MOST_DAYS = 366 * 10_000


def _months(each: int, count: object) -> str:
    """So many times a number of months; null beyond what datetime can hold."""
    months = f"({each} * CAST({count} AS HUGEINT))"
    return (
        f"to_months(CASE WHEN {months} BETWEEN -{_MOST_MONTHS} AND {_MOST_MONTHS} THEN CAST({months} AS INTEGER) END)"
    )


def _start(period: str, moment: object, offset: str) -> str:
    if period == "day":
        return f"(({_day_number(moment)} + {offset}) * {ticks.DAY})"
    if period == "week":
        # day 0 is a Monday, and weeks start on Sunday
        day = _day_number(moment)
        return f"(({day} - ({day} + 1) % 7 + 7 * {offset}) * {ticks.DAY})"
    return _ticks_of_date(f"date_trunc('{period}', {_date(moment)}) + {_months(12 if period == 'year' else 1, offset)}")


def _periods(period: str) -> None:
    def near(offset: Fragment) -> str:
        """The offset as a number that can be reckoned with; none of more days than there are leads to a datetime."""
        return f"CASE WHEN {offset} BETWEEN -{_MOST_DAYS} AND {_MOST_DAYS} THEN {offset} END"

    @scalar(
        f"startof{period}(date: datetime, offset?: long): datetime",
        about=f"The first moment of the {period}, or of one so many {period}s away.",
        page=f"startof{period}-function", names="first" if period == "day" else None, nulls="own",
    )  # fmt: skip
    def start(sql: DuckDbSql, moment: Fragment, offset: Fragment | None = None) -> str:
        if period in ("day", "month", "year") and offset is None:
            return _start(period, moment, "0")
        return _within(_start(period, moment, near(offset) if offset else "0"))

    @scalar(
        f"endof{period}(date: datetime, offset?: long): datetime",
        about=f"The last moment of the {period}, or of one so many {period}s away.",
        page=f"endof{period}-function", nulls="own",
    )  # fmt: skip
    def end(sql: DuckDbSql, moment: Fragment, offset: Fragment | None = None) -> str:
        next_ = f"({near(offset)} + 1)" if offset is not None else "1"
        return _within(f"({_start(period, moment, next_)} - 1)")


for _period in ("day", "week", "month", "year"):
    _periods(_period)


# -- sums and differences


@scalar(
    "datetime_add(part: const string, value: integer, datetime: datetime): datetime",
    about="A datetime moved by so many years, months, days and so on; a day beyond a month's end becomes its last.",
    page="datetime-add-function",
    nulls="own",
    binding=_bind_with_part(_STEP_NAMES),  # type: ignore[arg-type]
)
def datetime_add(sql: DuckDbSql, part: Fragment, value: Fragment, moment: Fragment) -> str:
    name = str(part.value)
    if name in _MONTHS:
        day = _ticks_of_date(f"{_date(moment)} + {_months(_MONTHS[name], value)}")
        return _within(f"({day} + {moment} % {ticks.DAY})")
    if name == "nanosecond":
        return _within(f"({moment} + {value} // 100)")
    return _within(f"({moment} + CAST({value} AS HUGEINT) * {_SPANS[name]})")


@scalar(
    "datetime_diff(part: const string, datetime1: datetime, datetime2: datetime): long",
    about="How many boundaries of years, months, days and so on lie between two datetimes.",
    page="datetime-diff-function",
    binding=_bind_with_part(_STEP_NAMES),  # type: ignore[arg-type]
)
def datetime_diff(sql: DuckDbSql, part: Fragment, left: Fragment, right: Fragment) -> Fragment:
    nullable = left.nullable or right.nullable
    name = str(part.value)
    if name in _MONTHS:
        counts = []
        for moment in (left, right):
            day = _date(moment)
            month = {"year": "0", "quarter": f"quarter({day})", "month": f"month({day})"}[name]
            counts.append(f"({12 // _MONTHS[name]} * year({day}) + {month})")
        return Fragment(f"({counts[0]} - {counts[1]})", Type.LONG, nullable)
    if name == "week":
        a, b = (f"({_day_number(moment)} + 1) // 7" for moment in (left, right))
        return Fragment(f"CAST({a} - {b} AS DOUBLE)", Type.REAL, nullable)
    if name == "nanosecond":
        return Fragment(f"(({left} - {right}) * 100)", Type.LONG, nullable)
    unit = _SPANS[name]
    return Fragment(f"({left} // {unit} - {right} // {unit})", Type.LONG, nullable)
