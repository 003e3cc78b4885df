"""Text and numbers in logs → ticks: the forms of date and time that logs and exports really use.

Ticks are 100 ns since 0001-01-01T00:00Z, as in KQL. What has no zone is UTC. Loading converts a datetime per row and more, so the
one form that nearly every row has (`2021-08-02T13:11:39.77Z`) takes a path of dictionary look-ups.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Final

TICKS_PER_SECOND: Final = 10_000_000
TICKS_PER_DAY: Final = 86_400 * TICKS_PER_SECOND
MAX_TICKS: Final = 3_155_378_975_999_999_999
"""9999-12-31T23:59:59.9999999Z."""
UNIX_EPOCH: Final = (date(1970, 1, 1).toordinal() - 1) * TICKS_PER_DAY

_SCALE: Final = (0, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1)
_MONTHS: Final = {name: 1 + n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split())}

_ZONE: Final = r"\s*(?P<zone>z|utc|gmt|[+-]\d{2}(?::?\d{2})?)?"
_TIME: Final = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?(?:\s*(?P<half>am|pm))?"
_NAMED: Final = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_FORMS: Final = tuple(
    re.compile(form, re.IGNORECASE | re.ASCII)
    for form in (
        # 2021-08-02T13:11:39.7747609Z, 2022-09-09 9:59:27+02:00, 2021/08/02, 2021-08-02
        rf"(?P<year>\d{{4}})[-/](?P<month>\d{{1,2}})[-/](?P<day>\d{{1,2}})(?:(?:t|,?\s+){_TIME}{_ZONE}|z)?",
        # 20210802T131139Z
        rf"(?P<year>\d{{4}})(?P<month>\d{{2}})(?P<day>\d{{2}})t(?P<hour>\d{{2}})(?P<minute>\d{{2}})(?P<second>\d{{2}})"
        rf"(?:[.,](?P<fraction>\d+))?(?P<half>)?{_ZONE}",
        # 8/2/2021, 1:11:39.770 PM (exports of the portal), 08-02-2021 13:11: month first, as KQL reads it
        rf"(?P<month>\d{{1,2}})[/-](?P<day>\d{{1,2}})[/-](?P<year>\d{{4}})(?:,?\s+{_TIME}{_ZONE})?",
        # 2020 Sep 15 06:29:32
        rf"(?P<year>\d{{4}})\s+{_NAMED}\s+(?P<day>\d{{1,2}})(?:,?\s+{_TIME}{_ZONE})?",
        # Mon, 02 Aug 2021 13:11:39 GMT; 02/Aug/2021:13:11:39 +0000
        rf"(?:[a-z]{{3,9}},?\s+)?(?P<day>\d{{1,2}})[\s/-]{_NAMED}[\s/-](?P<year>\d{{4}})(?:(?:,?\s+|:){_TIME}{_ZONE})?",
        # Aug 2, 2021 13:11:39
        rf"(?:[a-z]{{3,9}},?\s+)?{_NAMED}\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}})(?:,?\s+(?:at\s+)?{_TIME}{_ZONE})?",
    )
)
_NUMBER: Final = re.compile(r"\d{1,20}(?:\.\d+)?(?:[eE]\+?\d{1,2})?", re.ASCII)

_days: dict[str, int] = {}
_seconds: dict[str, int] = {}
_MAX_DAYS: Final = 100_000


def parse_ticks(text: str) -> int | None:
    """The ticks of a date and time in text, or None if it is none of the forms above or not a real moment.

    Digits of a fraction after the seventh are cut off. Numbers alone are read as `epoch_ticks` reads them.
    """
    length = len(text)
    if 20 <= length <= 28 and text[-1] == "Z" and text[10] == "T":
        second = _seconds.get(text[11:19])
        day = _days.get(text[:10])
        if day is not None and second is not None:
            if length == 20:
                return day + second
            digits = text[20:-1]
            if text[19] == "." and digits.isdigit() and digits.isascii():
                return day + second + int(digits) * _SCALE[length - 21]
    return _parse_any(text)


def _parse_any(text: str) -> int | None:
    text = text.strip().replace("\u202f", " ").replace("\xa0", " ")
    if len(text) > 64:
        return None
    for form in _FORMS:
        found = form.fullmatch(text)
        if found is not None:
            return _ticks_of(found.groupdict())
    if _NUMBER.fullmatch(text):
        return epoch_ticks(float(text) if not text.isdigit() else int(text))
    return None


def _ticks_of(part: dict[str, str | None]) -> int | None:
    named = part.get("name")
    month = _MONTHS[named.lower()] if named else int(part["month"] or 0)
    hour, minute, second = int(part["hour"] or 0), int(part["minute"] or 0), int(part["second"] or 0)
    half = part["half"]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    try:
        day = date(int(part["year"] or 0), month, int(part["day"] or 0))
    except ValueError:
        return None
    if hour > 23 or minute > 59 or second > 59:
        return None
    midnight = (day.toordinal() - 1) * TICKS_PER_DAY
    if len(_days) < _MAX_DAYS:
        _days[day.isoformat()] = midnight
    fraction = int((part["fraction"] or "").ljust(7, "0")[:7])
    time_of_day = (hour * 3600 + minute * 60 + second) * TICKS_PER_SECOND
    _seconds[f"{hour:02}:{minute:02}:{second:02}"] = time_of_day
    ticks = midnight + time_of_day + fraction
    offset = _offset(part["zone"])
    if offset is None:
        return None
    ticks -= offset
    return ticks if 0 <= ticks <= MAX_TICKS else None


def _offset(zone: str | None) -> int | None:
    """The ticks by which a zone is ahead of UTC; None if there is no such zone (they go to 14 hours)."""
    if zone is None or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        return None
    return (hours * 60 + minutes) * 60 * TICKS_PER_SECOND * (-1 if zone[0] == "-" else 1)


def epoch_ticks(value: float) -> int | None:
    """The ticks of a Unix time in seconds, milliseconds, microseconds or nanoseconds, told apart by magnitude.

    Taken are seconds from 1e8 (1973) up to 1e11, the thousandfold of that as milliseconds and its thousandfold as microseconds,
    and nanoseconds from 1e18 to 3e18 (2001 to 2065): between these and microseconds lie Windows file times, which are None, as
    every other number is.
    """
    if 1e8 <= value < 1e11:
        units, scale = value, TICKS_PER_SECOND
    elif 1e11 <= value < 1e14:
        units, scale = value, 10_000
    elif 1e14 <= value < 1e17:
        units, scale = value, 10
    elif 1e18 <= value < 3e18:
        return UNIX_EPOCH + int(value) // 100
    else:
        return None
    if isinstance(units, int):
        return UNIX_EPOCH + units * scale
    # A float carries microseconds at best (2^53): more digits would be invented.
    return UNIX_EPOCH + round(units * scale / 10) * 10


def datetime_ticks(moment: datetime) -> int:
    """The ticks of a datetime; one without a zone is taken as UTC."""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return (moment.toordinal() - 1) * TICKS_PER_DAY + seconds * TICKS_PER_SECOND + moment.microsecond * 10
