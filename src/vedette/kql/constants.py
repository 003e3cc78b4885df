"""The text inside constants to values: instants, durations, identifiers and numbers.

Instants are ticks of 100 ns since 0001-01-01 (UTC), durations are ticks. A function returns None where the
text is not of its type; nothing here raises. Sources: the KQL pages on scalar data types.
"""

from __future__ import annotations

import datetime
import decimal
import re
from typing import Final

TICKS_PER_SECOND: Final = 10_000_000
TICKS_PER_DAY: Final = 86_400 * TICKS_PER_SECOND
MAX_INSTANT: Final = 3_652_059 * TICKS_PER_DAY - 1
"""9999-12-31 23:59:59.9999999."""
MAX_LONG: Final = 2**63 - 1
MIN_LONG: Final = -(2**63)

# --- durations -----------------------------------------------------------------------------------

_UNITS: Final = {
    864_000_000_000: "d day days",
    36_000_000_000: "h hr hrs hour hours",
    600_000_000: "m min minute minutes",
    10_000_000: "s sec second seconds",
    10_000: "ms milli millis millisec millisecond milliseconds",
    10: "micro micros microsec microsecond microseconds",
    1: "tick ticks",
}
TICKS_PER_UNIT: Final = {name: ticks for ticks, names in _UNITS.items() for name in names.split()}
_NANOSECONDS: Final = frozenset("nano nanos nanosec nanosecond nanoseconds".split())

_QUANTITY: Final = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]*))?\s*([A-Za-z]+)")
_CLOCK: Final = re.compile(
    r"([+-]?)(?:([0-9]{1,8})\.)?([0-9]{1,8}):([0-9]{1,2})(?::([0-9]{1,2})(?:\.([0-9]{1,7})[0-9]*)?)?"
)
_NUMBER: Final = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]*))?")


def _scaled(whole: str, fraction: str | None, ticks: int) -> int:
    """`whole.fraction` units of `ticks` each, exact, rounded toward zero."""
    total = int(whole) * ticks
    return total + int(fraction) * ticks // 10 ** len(fraction) if fraction else total


def duration(text: str) -> int | None:
    """Ticks of `1.5h`, `15 seconds`, `-3.12:34:56.7`, `12:30`, or a bare number of days."""
    text = text.strip()
    if found := _QUANTITY.fullmatch(text):
        sign, whole, fraction, unit = found.groups()
        if unit in _NANOSECONDS:
            ticks = _scaled(whole, fraction, 1_000_000) // 100_000_000
        elif unit in TICKS_PER_UNIT:
            ticks = _scaled(whole, fraction, TICKS_PER_UNIT[unit])
        else:
            return None
    elif found := _CLOCK.fullmatch(text):
        sign, days, hours, minutes, seconds, fraction = found.groups()
        if int(minutes) > 59 or int(seconds or 0) > 59 or (days is not None and int(hours) > 23):
            return None
        ticks = (int(days or 0) * 86_400 + int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)) * TICKS_PER_SECOND
        ticks += int((fraction or "0").ljust(7, "0"))
    elif found := _NUMBER.fullmatch(text):
        sign, whole, fraction = found.groups()
        ticks = _scaled(whole, fraction, TICKS_PER_DAY)
    else:
        return None
    ticks = -ticks if sign == "-" else ticks
    return ticks if MIN_LONG <= ticks <= MAX_LONG else None


# --- instants ------------------------------------------------------------------------------------

_TIME: Final = r"([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.,]([0-9]{1,9}))?)?\s*([AaPp][Mm])?"
_ZONE: Final = r"\s*(Z|z|UTC|utc|GMT|gmt|[+-][0-9]{1,2}(?::?[0-9]{2})?)?"
_YEAR_FIRST: Final = re.compile(
    rf"([0-9]{{4}})(?:\s*[-/.,]\s*([0-9]{{1,2}})(?:\s*[-/.,]\s*([0-9]{{1,2}}))?)?(?:(?:\s*[Tt]\s*|\s+){_TIME}{_ZONE})?"
)
_COMPACT: Final = re.compile(rf"([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})(?:[Tt\s]\s*{_TIME}{_ZONE})?")
_MONTH_FIRST: Final = re.compile(
    rf"([0-9]{{1,2}})\s*[-/.]\s*([0-9]{{1,2}})\s*[-/.]\s*([0-9]{{4}})(?:[Tt\s]\s*{_TIME}{_ZONE})?"
)
_MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DAY_NAME: Final = r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?"
_DAY_MONTH: Final = re.compile(
    rf"{_DAY_NAME}([0-9]{{1,2}})[\s-]([A-Za-z]{{3,9}})[\s,-]+([0-9]{{2}}|[0-9]{{4}})(?:\s+{_TIME}{_ZONE})?",
    re.IGNORECASE,
)
_MONTH_DAY: Final = re.compile(
    rf"{_DAY_NAME}([A-Za-z]{{3,9}})\s+([0-9]{{1,2}}),?\s+(?:{_TIME}\s+)?([0-9]{{4}})", re.IGNORECASE
)
_TIME_ONLY: Final = re.compile(_TIME)


def _month(name: str) -> int:
    short = name[:3].lower()
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0


def _time(hour: str, minute: str, second: str | None, fraction: str | None, half: str | None) -> int | None:
    """Ticks since midnight."""
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + (12 if half in ("PM", "pm", "Pm", "pM") else 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        return None
    return (hours * 3600 + minutes * 60 + seconds) * TICKS_PER_SECOND + int((fraction or "0")[:7].ljust(7, "0"))


def _zone(zone: str | None) -> int | None:
    """Ticks that local time is ahead of UTC."""
    if not zone or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "")
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    if hours > 14 or minutes > 59:
        return None
    return (1 if zone[0] == "+" else -1) * (hours * 60 + minutes) * 60 * TICKS_PER_SECOND


def _ticks(year: int, month: int, day: int, time: tuple[str | None, ...], zone: str | None) -> int | None:
    try:
        ordinal = datetime.date(year, month, day).toordinal() - 1
    except ValueError:
        return None
    since_midnight = _time(time[0], time[1] or "0", *time[2:]) if time[0] is not None else 0
    ahead = _zone(zone)
    if since_midnight is None or ahead is None:
        return None
    ticks = ordinal * TICKS_PER_DAY + since_midnight - ahead
    return ticks if 0 <= ticks <= MAX_INSTANT else None


def instant(text: str) -> int | None:
    """Ticks of a date with or without a time of day.

    ISO 8601 with any of `T` or blanks, offsets and up to seven digits; month-first dates with a slash or a
    hyphen (day-first where there is no such month); RFC 822 and RFC 850 dates with month names. More than seven digits of a second are cut.
    """
    text = text.strip()
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day, *time, zone = found.groups()
        if day is None and time[0] is not None:
            return None
        return _ticks(int(year), int(month or 1), int(day or 1), tuple(time), zone)
    if found := _COMPACT.fullmatch(text):
        year, month, day, *time, zone = found.groups()
        return _ticks(int(year), int(month), int(day), tuple(time), zone)
    if found := _MONTH_FIRST.fullmatch(text):
        month, day, year, *time, zone = found.groups()
        if int(month) > 12:
            month, day = day, month
        return _ticks(int(year), int(month), int(day), tuple(time), zone)
    if found := _DAY_MONTH.fullmatch(text):
        day, name, year, *time, zone = found.groups()
        # Two digits of a year as .NET reads them: 50 and above belong to the twentieth century.
        full = int(year) if len(year) == 4 else int(year) + (1900 if int(year) >= 50 else 2000)
        return _ticks(full, _month(name), int(day), tuple(time), zone)
    if found := _MONTH_DAY.fullmatch(text):
        name, day, *time, year = found.groups()
        return _ticks(int(year), _month(name), int(day), tuple(time), None)
    return None


def time_of_day(text: str) -> int | None:
    """Ticks since midnight of a text that has a time and no date, such as `9:30 AM`."""
    found = _TIME_ONLY.fullmatch(text.strip())
    return _time(*found.groups()) if found else None


def instant_text(ticks: int) -> str:
    """The instant as Kusto prints it: `2024-01-02T03:04:05.0000006Z`."""
    days, rest = divmod(ticks, TICKS_PER_DAY)
    date = datetime.date.fromordinal(days + 1)
    seconds, fraction = divmod(rest, TICKS_PER_SECOND)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{date.year:04}-{date.month:02}-{date.day:02}T{clock}.{fraction:07}Z"


# --- the rest ------------------------------------------------------------------------------------

_GUID: Final = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_INTEGER: Final = re.compile(r"[+-]?(?:0[xX][0-9A-Fa-f]+|[0-9]+)")
_REAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SPECIAL_REALS: Final = {
    "nan": float("nan"),
    "inf": float("inf"),
    "+inf": float("inf"),
    "-inf": float("-inf"),
}


def guid(text: str) -> str | None:
    """The identifier in lower case with hyphens."""
    lowered = text.strip().lower()
    if lowered.startswith("{") and lowered.endswith("}"):
        lowered = lowered[1:-1]
    if not _GUID.fullmatch(lowered) or lowered.count("-") not in (0, 4):
        return None
    digits = lowered.replace("-", "")
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def integer(text: str, bits: int) -> int | None:
    """A decimal or hexadecimal integer of 32 or 64 bits; hexadecimal digits may name the negative half too."""
    text = text.strip()
    if not _INTEGER.fullmatch(text) or len(text) > 40:
        return None
    hexadecimal = "x" in text or "X" in text
    value = int(text, 16 if hexadecimal else 10)
    if hexadecimal and 1 << (bits - 1) <= value < 1 << bits:
        value -= 1 << bits
    return value if -(1 << (bits - 1)) <= value < 1 << (bits - 1) else None


def real(text: str) -> float | None:
    """A floating-point number, `nan`, `inf`, `+inf` or `-inf`."""
    text = text.strip()
    if text.lower() in _SPECIAL_REALS:
        return _SPECIAL_REALS[text.lower()]
    if _REAL.fullmatch(text):
        return float(text)
    whole = integer(text, 64)
    return None if whole is None else float(whole)


def exact(text: str) -> decimal.Decimal | None:
    """A decimal number, kept digit for digit."""
    text = text.strip()
    if not _REAL.fullmatch(text) or len(text) > 128:
        return None
    number = decimal.Decimal(text)
    return number if abs(number.adjusted()) <= 128 else None


def boolean(text: str) -> bool | None:
    """`true` or `false` in any case, or an integer (zero is false)."""
    lowered = text.strip().lower()
    if lowered in ("true", "false"):
        return lowered == "true"
    number = integer(lowered, 64)
    return None if number is None else number != 0
