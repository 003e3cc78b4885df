"""Times in files: what an event says of its time counts, however long ago it was."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from vedette.collect.formats.timestamps import MONTHS, Moments, epoch

_DOTNET: Final = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_CLOCK: Final = r"(\d{1,2}:\d\d(?::\d\d)?)(?:\s?([AaPp])\.?\s?[Mm]\.?)?"
# Dates as the short forms of locales have them: 3/13/2026, 13.03.2026, 13. 3. 2026, 13-03-2026; 2026/3/13, 2026. 03. 13.
_SLASHED: Final = re.compile(rf"(\d{{1,2}})([/.-]) ?(\d{{1,2}})\2 ?(\d{{4}})(?:,?\s{_CLOCK}(?:\s([+-]\d\d:?\d\d))?)?")
_YEAR_FIRST: Final = re.compile(rf"(\d{{4}})([/.-]) ?(\d{{1,2}})\2 ?(\d{{1,2}})\.?(?:,?\s{_CLOCK})?")
# March 13, 2026 8:00 AM, with a day of the week or without; 13 Mar 2026 08:00:00
_NAMED: Final = re.compile(
    rf"(?:[A-Z][a-z]{{2,8}}, )?(?:([A-Z][a-z]{{2,8}}) (\d{{1,2}}),|(\d{{1,2}}) ([A-Z][a-z]{{2,8}})) (\d{{4}}),?(?: at)?\s{_CLOCK}"
)
_PORTAL: Final = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d{4}) (\d\d:\d\d:\d\d) GMT([+-]\d{4})(?: \(.*\))?"
)


class FileMoments(Moments):
    """Reads times of a file. `now` is when the file was written at the latest: a year that a time does not tell is told by that."""

    __slots__ = ("day_first",)

    def __init__(self, now: datetime, zone: tzinfo = UTC, *, day_first: bool = False) -> None:
        """`day_first`: dates with slashes are day, month, year."""
        super().__init__(now, zone)
        self.day_first = day_first

    def generated(self, event: str | None) -> str:
        """TimeGenerated of an event: its own time, if it tells one."""
        return event if event is not None else self.now_text

    def read(self, text: str) -> str | None:
        """A time in any form that exports and collectors write."""
        if part := _SLASHED.fullmatch(text):
            one, sign, other, year, clock, half, zone = part.groups()
            day, month = (one, other) if self.day_first or sign != "/" else (other, one)
            return self._at(year, int(month), day, clock, half, zone)
        found = super().read(text)
        if found is not None:
            return found
        if part := _DOTNET.fullmatch(text):
            return epoch(int(part[1]), 13) if not part[1].startswith("-") else None
        if part := _YEAR_FIRST.fullmatch(text):
            year, _, month, day, clock, half = part.groups()
            return self._at(year, int(month), day, clock, half)
        if part := _NAMED.fullmatch(text):
            before, day_after, day_before, after, year, clock, half = part.groups()
            number = MONTHS.get((before or after)[:3].lower())
            return None if number is None else self._at(year, number, day_after or day_before, clock, half)
        if part := _PORTAL.fullmatch(text):
            month, day, year, clock, zone = part.groups()
            return self.bsd(month, day, year, clock, None, zone)
        return None

    def _at(
        self, year: str, month: int, day: str, clock: str | None, half: str | None, zone: str | None = None
    ) -> str | None:
        hour, minute, second = [int(number) for number in f"{clock or '00:00'}:00".split(":")[:3]]
        if half:
            hour = hour % 12 + (12 if half in "Pp" else 0)
        return self.iso(f"{year}-{month:02}-{int(day):02}", f"{hour:02}:{minute:02}:{second:02}", None, zone or "Z")


def any_day_first(values: Iterable[object]) -> bool:
    """Whether some date with slashes among the values can only be day, month, year."""
    return any(isinstance(value, str) and _order(value) == "day" for value in values)


def order_open(values: Iterable[object]) -> bool:
    """Whether there are dates with slashes among the values, and none that can only be read in one order."""
    orders = {_order(value) for value in values if isinstance(value, str)}
    return "either" in orders and not orders & {"day", "month"}


def _order(value: str) -> str | None:
    """What a date with slashes begins with: "day", "month" or "either"; None for what is no such date."""
    part = _SLASHED.fullmatch(value)
    if part is None or part[2] != "/":
        return None
    return "day" if int(part[1]) > 12 else "month" if int(part[3]) > 12 else "either"


def written(mtime: float, now: datetime) -> datetime:
    """When a file was written at the latest: what its own time says, if that can be."""
    try:
        at = datetime.fromtimestamp(mtime, UTC)
    except (OverflowError, OSError, ValueError):
        return now
    return at + timedelta(days=1) if at.year >= 2000 and at + timedelta(days=1) <= now else now
