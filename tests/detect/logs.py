"""Logs that answer as they are told: a stand-in for a workspace's log store where only the asking is tested."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from vedette.detect.alerts.moments import from_wire, wire_datetime
from vedette.store.arrivals import Arrival


@dataclass
class Column:
    """A column of a result."""

    name: str
    type: str


@dataclass
class Result:
    """A result."""

    columns: list[Column]
    rows: list[list[Any]]
    partial: str | None = None


def table(
    rows: Sequence[Mapping[str, Any]], types: Mapping[str, str] | None = None, partial: str | None = None
) -> Result:
    """A result of rows; a column's type is told by its first value unless it is given."""
    names = list(dict.fromkeys([*(types or {}), *(name for row in rows for name in row)]))
    kinds = {name: _type(next((row[name] for row in rows if row.get(name) is not None), "")) for name in names}
    kinds |= dict(types or {})
    return Result(
        [Column(name, kinds[name]) for name in names], [[row.get(name) for name in names] for row in rows], partial
    )


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "long"
    if isinstance(value, list | dict):
        return "dynamic"
    return "datetime" if isinstance(value, str) and len(value) == 28 and value.endswith("Z") else "string"


@dataclass
class ScriptedLogs:
    """Answers every query by a function of (text, now, from, to), and remembers what was asked."""

    answer: Callable[[str, datetime, datetime, datetime], Result]
    asked: list[tuple[str, datetime, tuple[datetime, datetime]]] = field(default_factory=list)

    def query(self, text: str, *, now: datetime, timespan: tuple[datetime, datetime]) -> Result:
        """The scripted answer."""
        self.asked.append((text, now, timespan))
        return self.answer(text, now, *timespan)


@dataclass
class EventLogs:
    """Events with a TimeGenerated; every query gives those of its timespan. Each event is a load of its own."""

    events: list[dict[str, Any]] = field(default_factory=list)
    failing: Callable[[datetime], Exception | None] = lambda now: None

    def add(self, at: datetime, **values: Any) -> None:
        """One event."""
        self.events.append({"TimeGenerated": wire_datetime(at), **values})

    def query(self, text: str, *, now: datetime, timespan: tuple[datetime, datetime]) -> Result:
        """The events in [from, to)."""
        error = self.failing(now)
        if error is not None:
            raise error
        start, end = map(wire_datetime, timespan)
        found = [event for event in self.events if start <= event["TimeGenerated"] < end]
        return table(found, {"TimeGenerated": "datetime"})

    def position(self) -> int:
        """How many loads there were."""
        return len(self.events)

    def arrived(self, first: int, last: int, before: datetime) -> list[Arrival]:
        """The events that came between two positions."""
        found = []
        for number, event in enumerate(self.events[first:last], first + 1):
            at = from_wire(event["TimeGenerated"])
            if at < before:
                start = at.replace(microsecond=0)
                found.append(Arrival("Events", start, start + timedelta(seconds=1), 1, number))
        return found

    def tables_read(self, text: str) -> frozenset[str]:
        """The one table."""
        return frozenset({"Events"})
