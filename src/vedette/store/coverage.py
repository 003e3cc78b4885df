"""What files brought day by day, and what is missing between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store.conversion import convert
from vedette.store.gone import Gone

MOST_DAYS: Final = 400
"""Days that the rows of one call may span for what is missing to be told against all of them, and not against those of the table
alone: one stray row would fill pages."""
_FIRST: Final = date(1, 1, 1)


def days_of(values: Sequence[object], shift: int = 0) -> Counter[int]:
    """How many moments are on each day (days since 0001-01-01)."""
    array, _ = convert(values, Type.DATETIME)
    return days_in(array, shift)


def days_in(array: pa.Array, shift: int = 0) -> Counter[int]:
    """The same of an array of ticks."""
    filled = array.drop_null()
    if not len(filled):
        return Counter()
    found, counts = np.unique((filled.to_numpy(zero_copy_only=False) + shift) // ticks.DAY, return_counts=True)
    return Counter(dict(zip(found.tolist(), counts.tolist())))


@dataclass(slots=True)
class Coverage:
    """What one source has of each day. `source` is what the records are from, `missing` are spans of days of which it has none."""

    source: str
    table: str
    files: int = 0
    rows: int = 0
    """The rows that are stored, each once, whichever load brought it."""
    days: dict[str, int] = field(default_factory=dict)
    """The same of each day; 0 where another source brought all of them."""
    missing: list[tuple[str, str]] = field(default_factory=list)
    again: dict[str, int] = field(default_factory=dict)
    """How many records of a day came again, and so added nothing."""
    gone: dict[str, dict[str, int]] = field(default_factory=dict)
    """How many rows of each day are not there any more, each once, by the reason (`store.gone.Gone`)."""

    def to_dict(self) -> dict[str, object]:
        """The coverage as JSON."""
        return {
            "source": self.source,
            "table": self.table,
            "files": self.files,
            "rows": self.rows,
            "first": next(iter(self.days), None),
            "last": next(reversed(self.days), None) if self.days else None,
            "days": self.days,
            "missing": [{"from": first, "to": last} for first, last in self.missing],
            "again": self.again,
            "gone": self.gone,
        }

    @classmethod
    def from_dict(cls, made: dict[str, Any]) -> Coverage:
        """The coverage that `to_dict` gave."""
        spans = [(one["from"], one["to"]) for one in made["missing"]]
        gone = {reason: dict(days) for reason, days in made.get("gone", {}).items()}
        return cls(
            made["source"],
            made["table"],
            made["files"],
            made["rows"],
            dict(made["days"]),
            spans,
            dict(made["again"]),
            gone,
        )


def coverage_of(
    found: Iterable[tuple[str, str, Counter[int], Counter[int], Mapping[Gone, Counter[int]]]],
) -> list[Coverage]:
    """The coverage of sources and tables out of what each file has of them: rows, records that came again, and rows that are gone, of
    each day."""
    counts: dict[tuple[str, str], Counter[int]] = {}
    again: dict[tuple[str, str], Counter[int]] = {}
    gone: dict[tuple[str, str], dict[Gone, Counter[int]]] = {}
    files: Counter[tuple[str, str]] = Counter()
    for source, table, rows, repeated, missing in found:
        if rows or repeated or missing:
            held = counts.setdefault((source, table), Counter())
            held.update(rows)
            held.update(dict.fromkeys(repeated, 0))
            for reason, days in missing.items():
                held.update(dict.fromkeys(days, 0))
                gone.setdefault((source, table), {}).setdefault(reason, Counter()).update(days)
            again.setdefault((source, table), Counter()).update(repeated)
            files[source, table] += 1
    every = {day for days in counts.values() for day in days}
    whole = (min(every), max(every)) if every and max(every) - min(every) < MOST_DAYS else None
    made = []
    for key in sorted(counts):
        days = counts[key]
        own = [day for (_, table), days_ in counts.items() if table == key[1] for day in days_]
        first, last = whole or (min(own), max(own))
        made.append(
            Coverage(
                *key,
                files[key],
                sum(days.values()),
                {_text(day): days[day] for day in sorted(days)},
                _gaps(days, first, last),
                {_text(day): again[key][day] for day in sorted(again[key])},
                {
                    reason.value: {_text(day): some[day] for day in sorted(some)}
                    for reason in Gone
                    if (some := gone.get(key, {}).get(reason))
                },
            )
        )
    return made


def _gaps(days: Counter[int], first: int, last: int) -> list[tuple[str, str]]:
    gaps: list[tuple[str, str]] = []
    expected = first
    for day in [*sorted(days), last + 1]:
        if day > expected:
            gaps.append((_text(expected), _text(day - 1)))
        expected = max(expected, day + 1)
    return gaps


def _text(day: int) -> str:
    return (_FIRST + timedelta(days=day)).isoformat()
