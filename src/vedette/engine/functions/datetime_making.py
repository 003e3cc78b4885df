"""Datetimes and timespans from numbers and text, and between time zones."""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import TYPE_CHECKING

from vedette.core.deferred import deferred
from vedette.engine.catalog import scalar
from vedette.engine.dialect import DuckDbSql
from vedette.engine.fragment import Fragment
from vedette.kql import ticks
from vedette.kql.types import INTEGERS, Type

if TYPE_CHECKING:
    import zoneinfo
else:
    zoneinfo = deferred("zoneinfo")


def made_datetime(
    year: float, month: float, day: float, hour: float = 0.0, minute: float = 0.0, second: float = 0.0
) -> int | None:
    """The ticks of a datetime of its parts, seconds with their fraction; None where a part is out of range."""
    try:
        whole, part = divmod(round(second * ticks.SECOND), ticks.SECOND)
        moment = ticks.from_parts(int(year), int(month), int(day), int(hour), int(minute), whole)
    except (ValueError, OverflowError):
        return None
    return None if moment is None else moment + part


@scalar(
    "make_datetime(year: real, month: real, day: real): datetime",
    "make_datetime(year: real, month: real, day: real, hour: real): datetime",
    "make_datetime(year: real, month: real, day: real, hour: real, minute: real, second?: real): datetime",
    "make_datetime(value: any): datetime",
    about="A datetime of its parts, null where one is out of range; or a value as a datetime.",
    page="make-datetime-function",
    names="only",
    nulls="own",
)
def make_datetime(sql: DuckDbSql, *parts: Fragment) -> str:
    if len(parts) == 1:
        return sql.cast(parts[0], Type.DATETIME).sql
    return sql.row(f"make_datetime{len(parts)}", made_datetime, Type.DATETIME, *parts)


def made_timespan(days: int, hours: int, minutes: int, seconds: float) -> int | None:
    """The ticks of a timespan of its parts; None where hours, minutes or seconds are out of their range."""
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 60) or days < 0:
        return None
    return days * ticks.DAY + hours * ticks.HOUR + minutes * ticks.MINUTE + round(seconds * ticks.SECOND)


def made_time(hours: int, minutes: int, seconds: float = 0.0) -> int | None:
    """The ticks of a timespan of less than a day."""
    return made_timespan(0, hours, minutes, seconds)


@scalar(
    "make_timespan(hours: long, minutes: long): timespan",
    "make_timespan(hours: long, minutes: long, seconds: real): timespan",
    "make_timespan(days: long, hours: long, minutes: long, seconds: real): timespan",
    "make_timespan(value: any): timespan",
    about="A timespan of its parts, null where one is out of range; or a value as a timespan.",
    page="make-timespan-function",
    names="only",
    nulls="own",
)
def make_timespan(sql: DuckDbSql, *parts: Fragment) -> str:
    if len(parts) == 1:
        return sql.cast(parts[0], Type.TIMESPAN).sql
    if len(parts) == 4:
        return sql.row("made_timespan", made_timespan, Type.TIMESPAN, *parts)
    return sql.row(f"made_time{len(parts)}", made_time, Type.TIMESPAN, *parts)


# -- unix time


def _unix(name: str, numerator: int, divisor: int) -> None:
    @scalar(
        f"unixtime_{name}_todatetime(number: number): datetime",
        about=f"The datetime so many {name} after 1970-01-01; null where it is out of range.",
        page=f"unixtime-{name}-todatetime-function", nulls="own",
    )  # fmt: skip
    def emit(sql: DuckDbSql, number: Fragment) -> str:
        if number.type in INTEGERS:
            scaled = (
                f"CAST({number} AS HUGEINT) * {numerator}"
                if divisor == 1
                else f"CAST({number} AS HUGEINT) // {divisor}"
            )
        else:
            # whole and fraction apart, so that a time of day keeps its ticks
            real = f"CAST({number} AS DOUBLE)"
            parts = f"TRY_CAST(trunc({real}) AS HUGEINT) * {numerator} + TRY_CAST(round(({real} - trunc({real})) * {numerator}) AS HUGEINT)"
            scaled = f"({parts})" if divisor == 1 else f"TRY_CAST(trunc({real} / {divisor}) AS HUGEINT)"
        moment = f"({ticks.UNIX_EPOCH} + {scaled})"
        return f"CASE WHEN {moment} BETWEEN 0 AND {ticks.MAX_DATETIME} THEN CAST({moment} AS BIGINT) END"


_unix("seconds", ticks.SECOND, 1)
_unix("milliseconds", ticks.MILLISECOND, 1)
_unix("microseconds", ticks.MICROSECOND, 1)
_unix("nanoseconds", 1, 100)


# -- time zones


@functools.cache
def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def local_of_utc(moment: int, zone_name: str) -> int | None:
    """A UTC time as the wall clock of a time zone shows it; None where there is no such zone."""
    zone = _zone(zone_name)
    if zone is None:
        return None
    offset = ticks.to_datetime(moment).astimezone(zone).utcoffset()
    return _moved(moment, offset, 1)


def utc_of_local(moment: int, zone_name: str) -> int | None:
    """The UTC time at which the wall clock of a time zone shows a time; the first where it does so twice."""
    zone = _zone(zone_name)
    if zone is None:
        return None
    offset = ticks.to_datetime(moment).replace(tzinfo=zone).utcoffset()
    return _moved(moment, offset, -1)


def _moved(moment: int, offset: timedelta | None, sign: int) -> int | None:
    moved = moment + sign * ticks.from_timedelta(offset or timedelta())
    return moved if 0 <= moved <= ticks.MAX_DATETIME else None


scalar(
    "datetime_utc_to_local(from: datetime, timezone: string): datetime",
    about="A UTC datetime as the local time of a time zone (IANA name).",
    page="datetime-utc-to-local-function",
    kind="row",
)(local_of_utc)
scalar(
    "datetime_local_to_utc(from: datetime, timezone: string): datetime",
    about="A local time of a time zone (IANA name) as a UTC datetime.",
    page="datetime-local-to-utc-function",
    kind="row",
)(utc_of_local)


@scalar(
    "datetime_list_timezones(): dynamic",
    about="The names of all time zones.",
    page="datetime-list-timezones",
    nulls="total",
)
def datetime_list_timezones(sql: DuckDbSql) -> Fragment:
    return sql.literal(sorted(zoneinfo.available_timezones()), Type.DYNAMIC)
