"""Ticks: 100 ns counts, in which KQL measures datetime (since 0001-01-01T00:00Z) and timespan.

Text forms follow Kusto's: `YYYY-MM-DDTHH:MM:SS.fffffffZ` and `[-][d.]hh:mm:ss[.fffffff]`
(scalar-data-types/datetime and timespan pages).
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, date, datetime, timedelta

MICROSECOND = 10
MILLISECOND = 10_000
SECOND = 10_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

UNIX_EPOCH = 719_162 * DAY
"""Ticks of 1970-01-01T00:00Z."""
MAX_DATETIME = 3_652_059 * DAY - 1
"""Ticks of 9999-12-31T23:59:59.9999999Z, the last moment of datetime."""
MAX_TIMESPAN = 2**63 - 1
MIN_TIMESPAN = -(2**63)

_MONTHS = {
    name: number
    for number, names in enumerate(
        "jan january|feb february|mar march|apr april|may|jun june|jul july|aug august|sep sept september|"
        "oct october|nov november|dec december".split("|"),
        1,
    )
    for name in names.split()
}
_ZONE = r"\s*(?P<zone>z|utc|gmt|[+-]\d\d:?\d\d|[+-]\d\d?)?"
_CLOCK = (
    r"(?:(?:[t\s]|,\s*)\s*(?P<hour>\d{1,2}):(?P<minute>\d{1,2})"
    r"(?::(?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>am|pm)?" + _ZONE + r")?"
)


@functools.cache
def _date_forms() -> list[re.Pattern[str]]:
    """The forms of dates other than ISO's, compiled when a first one is read: that takes longer than most of an import."""
    return [
        re.compile(form + _CLOCK + r"\s*$", re.IGNORECASE)
        for form in (
            r"\s*(?P<year>\d{4})\s*[-/.,]\s*(?P<month>\d{1,2})\s*[-/.,]\s*(?P<day>\d{1,2})",
            r"\s*(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
            r"\s*(?P<month>0?[1-9]|1[0-2])\s*[-/.]\s*(?P<day>\d{1,2})\s*[-/.]\s*(?P<year>\d{4})",
            r"\s*(?P<day>\d{1,2})\s*[-/]\s*(?P<month>\d{1,2})\s*[-/]\s*(?P<year>\d{4})",
            r"\s*(?:[a-z]{3,9},?\s+)?(?P<day>\d{1,2})[\s-](?P<name>[a-z]{3,9})[\s,-]+(?P<year>\d{4}|\d\d)",
            r"\s*(?:[a-z]{3,9},?\s+)??(?P<name>[a-z]{3,9})\s+(?P<day>\d{1,2}),?\s+(?P<year>\d{4})",
            r"\s*(?P<year>\d{4})\s*[-/,]\s*(?P<month>\d{1,2})",
            r"\s*(?P<year>\d{4})",
        )
    ]


_TIME_ONLY = re.compile(
    r"\s*(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?\s*(?P<half>am|pm)?\s*$",
    re.IGNORECASE,
)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,7}))?Z$")
_TIMESPAN = re.compile(
    r"\s*(?P<sign>-)?(?:(?P<days>\d+)(?:\.(?P<h1>\d{1,2}):(?P<m1>\d{1,2})(?::(?P<s1>\d{1,2})(?:\.(?P<f1>\d{1,7}))?)?)?"
    r"|(?P<h2>\d{1,2}):(?P<m2>\d{1,2})(?::(?P<s2>\d{1,2})(?:\.(?P<f2>\d{1,7}))?)?)\s*$"
)
_UNITS = {
    "d": DAY, "day": DAY, "days": DAY,
    "h": HOUR, "hr": HOUR, "hrs": HOUR, "hour": HOUR, "hours": HOUR,
    "m": MINUTE, "min": MINUTE, "minute": MINUTE, "minutes": MINUTE,
    "s": SECOND, "sec": SECOND, "second": SECOND, "seconds": SECOND,
    "ms": MILLISECOND, "milli": MILLISECOND, "millis": MILLISECOND, "millisec": MILLISECOND,
    "millisecond": MILLISECOND, "milliseconds": MILLISECOND,
    "micro": MICROSECOND, "micros": MICROSECOND, "microsec": MICROSECOND,
    "microsecond": MICROSECOND, "microseconds": MICROSECOND, "us": MICROSECOND,
    "tick": 1, "ticks": 1,
}  # fmt: skip
_NANOSECONDS = frozenset("nano nanos nanosec nanosecond nanoseconds".split())
"""A hundred of them are one tick, so they are cut to whole ticks."""
_QUANTITY = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*([a-z]+)\s*$", re.IGNORECASE)
_START = date(1, 1, 1).toordinal()
_EPOCH = datetime(1, 1, 1, tzinfo=UTC)


def from_parts(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> int | None:
    """Ticks of a UTC wall-clock time, or None where a part is out of its range."""
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return None
    try:
        days = date(year, month, day).toordinal() - _START
    except ValueError:
        return None
    return days * DAY + hour * HOUR + minute * MINUTE + second * SECOND


def from_datetime(value: datetime) -> int:
    """Ticks of an aware `datetime` (a naive one is taken as UTC)."""
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    gap = moment - _EPOCH
    return (gap.days * 86_400 + gap.seconds) * SECOND + gap.microseconds * MICROSECOND


def to_datetime(ticks: int) -> datetime:
    """The aware UTC `datetime` of a datetime's ticks; the seventh digit is cut."""
    return _EPOCH + timedelta(microseconds=ticks // MICROSECOND)


def from_timedelta(value: timedelta) -> int:
    """Ticks of a `timedelta`."""
    return (value.days * 86_400 + value.seconds) * SECOND + value.microseconds * MICROSECOND


def to_timedelta(ticks: int) -> timedelta:
    """The `timedelta` of a timespan's ticks; the seventh digit is cut."""
    return timedelta(microseconds=ticks // MICROSECOND)


def _fraction(text: str | None) -> int:
    return int((text or "0").ljust(7, "0")[:7])


def parse_datetime(text: str) -> int | None:
    """Ticks of a datetime's text, or None where it is none.

    Rule 47: month first (day first where there is no such month), offsets go to UTC. Years of two digits, in dates
    with a month's name only, belong to 1950 to 2049.
    """
    exact = _ISO.match(text)
    if exact:
        year, month, day, hour, minute, second, fraction = exact.groups()
        whole = from_parts(int(year), int(month), int(day), int(hour), int(minute), int(second))
        return None if whole is None else whole + _fraction(fraction)
    for form in _date_forms():
        found = form.match(text)
        if found:
            return _from_match(found.groupdict())
    return None


def parse_time_of_day(text: str) -> int | None:
    """Ticks since midnight of `hh:mm[:ss[.fffffff]]`, with or without AM or PM, or None."""
    found = _TIME_ONLY.match(text)
    if not found:
        return None
    hour, minute, second = _hour(found["hour"], found["half"]), int(found["minute"]), int(found["second"] or 0)
    if hour is None or hour > 23 or minute > 59 or second > 59:
        return None
    return hour * HOUR + minute * MINUTE + second * SECOND + _fraction(found["fraction"])


def _from_match(parts: dict[str, str | None]) -> int | None:
    name = parts.get("name")
    if name is not None:
        month = _MONTHS.get(name.lower())
        if month is None:
            return None
    else:
        month = int(parts.get("month") or 1)
    year = int(parts["year"] or 0)
    if len(parts["year"] or "") == 2:
        year += 1900 if year >= 50 else 2000
    hour = _hour(parts["hour"] or "0", parts["half"])
    if hour is None:
        return None
    day, minute, second = int(parts.get("day") or 1), int(parts["minute"] or 0), int(parts["second"] or 0)
    whole = from_parts(year, month, day, hour, minute, second)
    if whole is None:
        return None
    whole += _fraction(parts["fraction"]) - _zone_offset(parts["zone"])
    return whole if 0 <= whole <= MAX_DATETIME else None


def _hour(text: str, half: str | None) -> int | None:
    """The hour of the day; `half` is AM or PM."""
    hour = int(text)
    if not half:
        return hour
    if not 1 <= hour <= 12:
        return None
    return hour % 12 + (12 if half.lower() == "pm" else 0)


def _zone_offset(zone: str | None) -> int:
    if not zone or zone.lower() in ("z", "utc", "gmt"):
        return 0
    digits = zone[1:].replace(":", "").rjust(2, "0")
    offset = int(digits[:2]) * HOUR + int(digits[2:] or 0) * MINUTE
    return -offset if zone[0] == "-" else offset


def format_datetime(ticks: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.fffffffZ`."""
    days, rest = divmod(ticks, DAY)
    day = date.fromordinal(days + _START)
    seconds, fraction = divmod(rest, SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{day.year:04d}-{day.month:02d}-{day.day:02d}T{hour:02d}:{minute:02d}:{second:02d}.{fraction:07d}Z"


def parse_timespan(text: str) -> int | None:
    """Ticks of a timespan's text: `[-][d.]hh:mm:ss[.fffffff]`, a count of days, or a quantity such as `2h`."""
    found = _TIMESPAN.match(text)
    if found is None:
        quantity = _QUANTITY.match(text)
        if quantity is not None and quantity[2].lower() in _NANOSECONDS:
            return _in_range(scale(quantity[1], SECOND) // 1_000_000_000)
        unit = _UNITS.get(quantity[2].lower()) if quantity else None
        if quantity is None or unit is None:
            return None
        return _in_range(scale(quantity[1], unit))
    parts = found.groupdict()
    hour, minute, second = (int(parts[f"{p}1"] or parts[f"{p}2"] or 0) for p in "hms")
    if hour > 23 or minute > 59 or second > 59:
        return None
    total = int(parts["days"] or 0) * DAY + hour * HOUR + minute * MINUTE + second * SECOND
    total += _fraction(parts["f1"] or parts["f2"])
    return _in_range(-total if parts["sign"] else total)


def _in_range(total: int) -> int | None:
    return total if MIN_TIMESPAN <= total <= MAX_TIMESPAN else None


def scale(number: str, unit: int) -> int:
    """Ticks of a decimal quantity of a unit, exact to the tick (`1.5` days)."""
    sign = -1 if number.startswith("-") else 1
    whole, _, part = number.lstrip("+-").partition(".")
    ticks = int(whole or 0) * unit
    if part:
        ticks += int(part) * unit // 10 ** len(part)
    return sign * ticks


def unit(name: str) -> int | None:
    """Ticks of one unit of time by its suffix in a literal (`d`, `h`, `ms`, `microsecond` ...), or None."""
    return _UNITS.get(name.lower())


def format_timespan(ticks: int) -> str:
    """`[-][d.]hh:mm:ss[.fffffff]`: days only when there are some, the fraction only when it is not zero."""
    sign = "-" if ticks < 0 else ""
    days, rest = divmod(abs(ticks), DAY)
    seconds, fraction = divmod(rest, SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    text = f"{hour:02d}:{minute:02d}:{second:02d}"
    return sign + (f"{days}." if days else "") + text + (f".{fraction:07d}" if fraction else "")
