"""Time ranges of queries: ISO 8601 durations and intervals (`PT1H`, `start/end`, `start/PT1H`, `PT1H/end`)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from vedette.range.odata import moment_of

_DURATION: Final = re.compile(
    r"P(?=.)(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.IGNORECASE,
)


def read(text: str, now: datetime) -> tuple[datetime, datetime]:
    """The range as (from, to). ValueError for what is none."""
    first, slash, second = text.strip().partition("/")
    if not slash:
        return now - _duration(first), now
    if first.upper().startswith("P"):
        end = _moment(second)
        return end - _duration(first), end
    start = _moment(first)
    return start, start + _duration(second) if second.upper().startswith("P") else _moment(second)


def _duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no duration in ISO 8601")
    try:
        return timedelta(**{name: float(value) for name, value in match.groupdict().items() if value})
    except OverflowError:
        raise ValueError(f"'{text}' is too long") from None


def _moment(text: str) -> datetime:
    moment = moment_of(text)
    if moment is None:
        raise ValueError(f"'{text}' is no time in ISO 8601")
    return moment
