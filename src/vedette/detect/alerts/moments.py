"""Moments as results have them: KQL datetimes as text with seven digits, and what they are in Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

_STARTS: Final = (
    "TimeGenerated",
    "min_TimeGenerated",
    "StartTimeUtc",
    "StartTime",
    "FirstSeen",
    "FirstSeenTime",
    "FirstActivity",
    "EventTime",
    "Timestamp",
)
_ENDS: Final = (
    "TimeGenerated",
    "max_TimeGenerated",
    "EndTimeUtc",
    "EndTime",
    "LastSeen",
    "LastSeenTime",
    "LastActivity",
    "EventTime",
    "Timestamp",
)


def wire_datetime(moment: datetime) -> str:
    """``2021-08-02T13:11:39.7700000Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "0Z"


def from_wire(text: str) -> datetime:
    """The moment of a wire datetime, its seventh digit dropped. Raises ValueError for other text."""
    if len(text) != 28 or text[-1] != "Z":
        raise ValueError(f"not a datetime of a result: {text[:40]!r}")
    return datetime.fromisoformat(text[:26]).replace(tzinfo=UTC)


class TimeColumns:
    """The columns of a result that say when a row's events were: TimeGenerated, else the usual names of aggregates."""

    def __init__(self, columns: Sequence[tuple[str, str]]) -> None:
        datetimes = {name for name, type_name in columns if type_name == "datetime"}
        self.start = next((name for name in _STARTS if name in datetimes), None)
        self.end = next((name for name in _ENDS if name in datetimes), None)

    def row_start(self, row: Mapping[str, Any]) -> str | None:
        """When the row's events began, as wire text."""
        return _moment(row.get(self.start)) if self.start else None

    def span(self, rows: Sequence[Mapping[str, Any]], window: tuple[datetime, datetime]) -> tuple[str, str]:
        """First and last moment of the rows' events; the window's own bounds where the rows do not say."""
        starts = [text for row in rows if (text := self.row_start(row))]
        ends = [text for row in rows if self.end and (text := _moment(row.get(self.end)))]
        start = min(starts) if starts else wire_datetime(window[0])
        end = max(ends) if ends else max(start, wire_datetime(window[1]))
        return (start, end) if start <= end else (end, start)


def _moment(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) == 28 and value.endswith("Z") else None
