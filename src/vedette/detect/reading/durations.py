"""Durations as rules write them: ``5m`` and ``14d`` of the Azure-Sentinel layout, ISO 8601 of ARM, and timespans."""

from __future__ import annotations

import re
from datetime import timedelta

_SHORT = re.compile(r"(?:\d+[dhms])+", re.IGNORECASE)
_PART = re.compile(r"(\d+)([dhms])", re.IGNORECASE)
_WORDS = re.compile(
    r"(\d+)\s*(days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|weeks?|w)(?![a-z])\s*(?:,|and)?\s*",
    re.IGNORECASE,
)
_ISO = re.compile(
    # PT1D is not ISO 8601 and yet common in rules; it has only one reading.
    r"P(?:T(?=\d+D$))?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.IGNORECASE,
)
_TIMESPAN = re.compile(
    r"(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{2})(?::(?P<seconds>\d{2}(?:\.\d{1,7})?))?"
)

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_SHORT_UNITS = {**_UNITS, "w": "weeks"}


def parse_duration(text: str) -> timedelta | None:
    """The length `text` names, or None when it names none.

    Forms: ``1h`` / ``14d`` / ``5m`` / ``1h10m`` (Azure-Sentinel YAML), ``PT5H`` / ``P1DT12H`` / ``P2W`` (ISO 8601
    without years and months, whose length varies), ``1.05:00:00`` (timespan). Words and spaces (``1 hour``) are none.
    """
    text = text.strip()
    if _SHORT.fullmatch(text):
        short = list(_PART.finditer(text))
        lengths = {_UNITS[part[2].lower()]: float(part[1]) for part in short}
        return _bounded(**lengths) if len(lengths) == len(short) else None
    for pattern in (_ISO, _TIMESPAN):
        match = pattern.fullmatch(text)
        if match and any(match.groupdict().values()):
            return _bounded(**{unit: float(value) for unit, value in match.groupdict().items() if value})
    return None


def meant_duration(text: str) -> str | None:
    """A length of time in words (``1 hour``, ``30 min``) as rules write it: ``1h``, ``30m``; None where none is meant."""
    text = text.strip()
    if _WORDS.sub("", text):
        return None
    lengths = [(_SHORT_UNITS[part[2][0].lower()], int(part[1])) for part in _WORDS.finditer(text)]
    try:
        length = sum((timedelta(**{unit: value}) for unit, value in lengths), timedelta(0))
    except OverflowError:
        return None
    return format_short(length) if length else None


def _bounded(**parts: float) -> timedelta | None:
    try:
        return timedelta(**parts)
    except OverflowError:
        return None


def format_iso8601(length: timedelta) -> str:
    """ISO 8601 as ARM writes it: ``PT5H``, ``P1D``, ``P1DT30M``, ``PT0S``."""
    seconds, micro = length.seconds, length.microseconds
    hours, minutes, seconds = seconds // 3600, seconds % 3600 // 60, seconds % 60
    fraction = f"{micro:06d}".rstrip("0")
    whole = f"{seconds}.{fraction}" if fraction else str(seconds)
    time = f"{hours}H" if hours else ""
    time += f"{minutes}M" if minutes else ""
    time += f"{whole}S" if seconds or fraction else ""
    date = f"{length.days}D" if length.days else ""
    return f"P{date}{'T' + time if time else ''}" if date or time else "PT0S"


def format_short(length: timedelta) -> str:
    """As the public rules write it: ``14d``, ``1h``, ``5m``; ISO 8601 for what is not whole minutes."""
    minutes, rest = divmod(length, timedelta(minutes=1))
    if rest or minutes <= 0:
        return format_iso8601(length)
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


def format_timespan(length: timedelta) -> str:
    """``d.hh:mm:ss`` as SecurityAlert's extended properties write a period (days only when there are some)."""
    hours, rest = divmod(length.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{f'{length.days}.' if length.days else ''}{hours:02d}:{minutes:02d}:{seconds:02d}"
