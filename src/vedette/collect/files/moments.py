"""Times in files: what an event says of its time counts, however long ago it was."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from vedette.collect.formats.timestamps import Moments, epoch

_DOTNET: Final = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/")
_SLASHED: Final = re.compile(
    r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?:,? (\d{1,2}:\d\d(?::\d\d)?)(?: ?([AaPp])\.?[Mm]\.?)?)?"
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
        found = super().read(text) if not (_SLASHED.fullmatch(text)) else None
        if found is not None:
            return found
        if part := _DOTNET.fullmatch(text):
            return epoch(int(part[1]), 13) if not part[1].startswith("-") else None
        if part := _SLASHED.fullmatch(text):
            return self._slashed(text, part)
        if part := _PORTAL.fullmatch(text):
            month, day, year, clock, zone = part.groups()
            return self.bsd(month, day, year, clock, None, zone)
        return None

    def _slashed(self, text: str, part: re.Match[str]) -> str | None:
        one, other, year, clock, half = part.groups()
        day_first = self.day_first or "." in text[:5]
        day, month = (int(one), int(other)) if day_first else (int(other), int(one))
        hour, minute, second = [int(number) for number in f"{clock or '00:00'}:00".split(":")[:3]]
        if half:
            hour = hour % 12 + (12 if half in "Pp" else 0)
        return self.iso(f"{year}-{month:02}-{day:02}", f"{hour:02}:{minute:02}:{second:02}", None, "Z")


def day_first(values: Iterable[object]) -> bool:
    """Whether some date among the values can only be day, month, year."""
    return any(
        isinstance(value, str) and (part := _SLASHED.fullmatch(value)) is not None and int(part[1]) > 12
        for value in values
    )


def written(mtime: float, now: datetime) -> datetime:
    """When a file was written at the latest: what its own time says, if that can be."""
    try:
        at = datetime.fromtimestamp(mtime, UTC)
    except (OverflowError, OSError, ValueError):
        return now
    return at + timedelta(days=1) if at.year >= 2000 and at + timedelta(days=1) <= now else now
