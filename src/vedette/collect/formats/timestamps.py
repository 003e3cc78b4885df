"""Times as senders of syslog and CEF write them, as ISO 8601 text in UTC with up to seven digits of a second.

Sources: RFC 3164 section 4.1.2 (no year, no zone), RFC 5424 section 6.2.3, the CEF guide's date formats.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

MONTHS: Final = {
    name: number
    for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)
}  # fmt: skip
USUAL_ZONES: Final = {
    "UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8,
    "PDT": -7, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3,
}  # fmt: skip
"""Hours of the abbreviations of RFC 822 and of Europe's zones."""
ZONES: Final[dict[str, float]] = USUAL_ZONES | {
    "MET": 1, "MEST": 2, "METDST": 2, "MSK": 3, "HKT": 8, "SGT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5, "AEST": 10,
    "ACDT": 10.5, "AEDT": 11, "NZST": 12, "NZDT": 13, "AKST": -9, "AKDT": -8, "HST": -10,
}  # fmt: skip
"""Hours of all abbreviations that mean one thing. Others (IST, BST, AST) mean several."""

OLDEST: Final = timedelta(days=2)
NEWEST: Final = timedelta(days=1)
"""How far from its receipt an event's time may be to become TimeGenerated: Log Analytics' limits."""

_CACHED: Final = 8192
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?(?:[+-]00:?00)?"
)
_SECONDS = re.compile(r"(\d{9,10})(\.\d{1,9})", re.ASCII)
_DATE = re.compile(
    r"([A-Za-z]{3}) +(\d{1,2})(?:,? (\d{4}))?,? (\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
    r"(?: (?:(?:GMT|UTC)(?=[+-]))?([A-Z]{1,5}|[+-](?:\d\d:?\d\d|\d\d?)))?"
)
_YEAR_LAST = re.compile(r"[A-Za-z]{3} ([A-Za-z]{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d) (?:([A-Z]{1,5}) )?(\d{4})")

# Entra's risk events, event hubs' own logs
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d\d):(\d\d)(?: ([AP]M))?(?: ([+-]\d\d:?\d\d))?")


class Moments:
    """Reads times against the moment of receipt.

    `zone` is that of times without one. What was read is kept: senders write the same second many times.
    """

    __slots__ = ("_cache", "_day", "_newest", "_oldest", "now", "now_text", "zone")

    def __init__(self, now: datetime, zone: tzinfo = UTC) -> None:
        self.zone = zone
        self._cache: dict[object, str | None] = {}
        self._day: object = None
        self.at(now)

    def at(self, now: datetime) -> None:
        """Sets the moment of receipt (aware) of what is read from here on."""
        self.now = now.astimezone(UTC)
        self.now_text = iso(self.now)
        self._oldest, self._newest = iso(self.now - OLDEST), iso(self.now + NEWEST)
        if self._day != self.now.date() or len(self._cache) > _CACHED:
            self._day = self.now.date()  # the year of a time without one depends on the day
            self._cache.clear()

    def generated(self, event: str | None) -> str:
        """TimeGenerated of an event with that time: the time itself, or that of receipt when it is too far away."""
        return event if event is not None and self._oldest <= event <= self._newest else self.now_text

    def stamp(self, text: str) -> str | None:
        """`Mmm dd hh:mm:ss` of exactly 15 characters."""
        try:
            return self._cache[text]
        except KeyError:
            found = self._cache[text] = self._bsd(text[:3], text[4:6], None, text[7:], None)
            return found

    def bsd(
        self, month: str, day: str, year: str | None, clock: str, fraction: str | None, zone: str | None
    ) -> str | None:
        """`Mmm d [yyyy] hh:mm:ss[.f][ zone]`; without a year the latest that is no more than a day ahead. None if there is no such time."""
        key = (month, day, year, clock, zone)
        try:
            second = self._cache[key]
        except KeyError:
            second = self._cache[key] = self._bsd(month, day, year, clock, zone)
        return second if second is None else _with(second, fraction)

    def _bsd(self, month: str, day: str, year: str | None, clock: str, zone: str | None) -> str | None:
        number = MONTHS.get(month.lower())
        if number is None:
            return None
        where = self._zone(zone)
        hour, minute, second = int(clock[:2]), int(clock[3:5]), int(clock[6:8])
        if year is not None:
            return _text(int(year), number, int(day), hour, minute, second, where)
        here = self.now.astimezone(where)
        for candidate in range(here.year + 1, here.year - 8, -1):  # back to a leap year for the 29th of February
            try:
                moment = datetime(candidate, number, int(day), hour, minute, min(second, 59), tzinfo=where)
            except ValueError:
                continue
            if moment - self.now <= NEWEST:
                return _text(candidate, number, int(day), hour, minute, second, where)
        return None

    def iso(self, day: str, clock: str, fraction: str | None, zone: str | None) -> str | None:
        """`yyyy-mm-dd`, `hh:mm:ss` and a zone (`Z`, `+hh`, `+hhmm`, `+hh:mm`; None is the zone of times without one)."""
        key = (day, clock, zone)
        try:
            second = self._cache[key]
        except KeyError:
            second = self._cache[key] = _text(
                int(day[:4]),
                int(day[5:7]),
                int(day[8:10]),
                int(clock[:2]),
                int(clock[3:5]),
                int(clock[6:8]),
                self._zone(zone),
            )
        return second if second is None else _with(second, fraction)

    def seconds(self, since_1970: str, fraction: str | None) -> str | None:
        """Whole seconds since 1970, and `.f`. None beyond the year 9999."""
        text = epoch(int(since_1970), 10)
        return None if text is None else _with(f"{text[:19]}Z", fraction)

    def read(self, text: str) -> str | None:
        """A time in any form that CEF and common JSON have: since 1970 in the units that `epoch` tells, seconds also with a fraction;
        ISO 8601, `Mmm dd [yyyy] …`."""
        if text.isdigit() and text.isascii():
            return epoch(int(text), len(text))
        if found := _SECONDS.fullmatch(text):
            return self.seconds(found[1], found[2])
        if found := _ISO.fullmatch(text):
            year, month, day, hour, minute, second, fraction, zone = found.groups()
            return self.iso(f"{year}-{month}-{day}", f"{hour}:{minute}:{second}", fraction, zone)
        if found := _DATE.fullmatch(text):
            name, day, year_, hour, minute, second, fraction, zone = found.groups()
            return self.bsd(name, day, year_, f"{hour}:{minute}:{second}", fraction, zone)
        if found := _YEAR_LAST.fullmatch(text):
            name, day, hour, minute, second, zone, year_ = found.groups()
            return self.bsd(name, day, year_, f"{hour}:{minute}:{second}", None, zone)
        if found := _AMERICAN.fullmatch(text):
            month, day, year, hour, minute, second, half, zone = found.groups()
            hours = int(hour) % 12 + (12 if half == "PM" else 0) if half else int(hour)
            return self.iso(f"{year}-{int(month):02}-{int(day):02}", f"{hours:02}:{minute}:{second}", None, zone or "Z")
        return None

    def _zone(self, zone: str | None) -> tzinfo:
        if zone is None:
            return self.zone
        if zone[0] in "+-":
            digits = zone[1:].replace(":", "")
            try:
                minutes = int(digits[:2]) * 60 + int(digits[2:4] or 0)
                return timezone(timedelta(minutes=-minutes if zone[0] == "-" else minutes))
            except ValueError:
                return self.zone
        hours = ZONES.get(zone)
        return self.zone if hours is None else timezone(timedelta(hours=hours))


def iso(moment: datetime) -> str:
    """A moment (aware) as ISO 8601 text in UTC; text of this kind sorts by time."""
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return text + "Z"


def epoch(number: int, digits: int) -> str | None:
    """Seconds (to 10 digits), milliseconds (to 13), microseconds (to 16) or nanoseconds (to 19) since 1970 as text, of which seven
    digits of a second are kept; None beyond the year 9999."""
    if digits > 16:
        second, rest = divmod(number, 1_000_000_000)
        text = None if digits > 19 else epoch(second, 10)
        return None if text is None else _with(f"{text[:19]}Z", f"{rest:09}")
    scale = 1_000_000 if digits <= 10 else 1_000 if digits <= 13 else 1
    try:
        return iso(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number * scale))
    except OverflowError:
        return None


def _text(year: int, month: int, day: int, hour: int, minute: int, second: int, zone: tzinfo) -> str | None:
    leap = second == 60  # a leap second is the first of the next minute
    try:
        moment = datetime(year, month, day, hour, minute, 59 if leap else second, tzinfo=zone).astimezone(UTC)
        return (moment + timedelta(seconds=1) if leap else moment).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    except (ValueError, OverflowError):
        return None


def _with(second: str, fraction: str | None) -> str:
    if not fraction:
        return second
    return f"{second[:-1]}.{fraction.lstrip('.,')[:7]}Z"
