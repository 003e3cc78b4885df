"""What files brought day by day, and what is missing between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store.conversion import convert

MOST_DAYS: Final = 400
"""Days that the rows of one call may span for what is missing to be told against all of them, and not against those of the table
alone: one stray row would fill pages."""
_FIRST: Final = date(1, 1, 1)
_NO_DAY: Final = -1
_KEY: Final = np.dtype([("low", "<u8"), ("high", "<u8")])


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


def each_day(values: Sequence[object], shift: int = 0) -> np.ndarray[Any, Any]:
    """The day of each moment, and `_NO_DAY` of what is none."""
    array, _ = convert(values, Type.DATETIME)
    moments = array.fill_null(_NO_DAY).to_numpy(zero_copy_only=False)
    return np.where(array.is_valid().to_numpy(zero_copy_only=False), (moments + shift) // ticks.DAY, _NO_DAY)


class Known:
    """Records of a file that were there already: keys (numbers of 127 bits), the loads that brought them, and their days; 32 bytes each."""

    __slots__ = ("_days", "_keys", "_loads")

    def __init__(self) -> None:
        self._keys = [np.empty(0, _KEY)]
        self._loads = [np.empty(0, np.int64)]
        self._days = [np.empty(0, np.int64)]

    def add(self, keys: Sequence[int], loads: Sequence[int | None], days: np.ndarray[Any, Any]) -> None:
        """Some more records. A load is None where it is not known."""
        if keys:
            self._keys.append(np.frombuffer(b"".join(key.to_bytes(16, "little") for key in keys), _KEY))
            self._loads.append(np.array([-1 if load is None else load for load in loads], np.int64))
            self._days.append(days.astype(np.int64))

    def arrays(self, without: Collection[int]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """The keys and days of those that these loads did not bring."""
        keys, loads, days = (np.concatenate(parts) for parts in (self._keys, self._loads, self._days))
        kept = ~np.isin(loads, np.array(sorted(without), np.int64)) & (days != _NO_DAY)
        return keys[kept], days[kept]


def days_of_known(files: Sequence[Known], counted: Collection[int]) -> list[Counter[int]]:
    """How many records of each day each of several files of a table has that were there already. A record that several have counts
    for the first of them, and one that a load in `counted` brought for none."""
    parts = [known.arrays(counted) for known in files]
    if not any(len(days) for _, days in parts):
        return [Counter() for _ in files]
    _, first = np.unique(np.concatenate([keys for keys, _ in parts]), return_index=True)
    days = np.concatenate([one for _, one in parts])
    owners = np.repeat(np.arange(len(parts)), [len(one) for _, one in parts])
    made = []
    for number in range(len(parts)):
        found, counts = np.unique(days[first[owners[first] == number]], return_counts=True)
        made.append(Counter(dict(zip(found.tolist(), counts.tolist()))))
    return made


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
        }

    @classmethod
    def from_dict(cls, made: dict[str, Any]) -> Coverage:
        """The coverage that `to_dict` gave."""
        spans = [(one["from"], one["to"]) for one in made["missing"]]
        return cls(
            made["source"], made["table"], made["files"], made["rows"], dict(made["days"]), spans, dict(made["again"])
        )


def coverage_of(found: Iterable[tuple[str, str, Counter[int], Counter[int]]]) -> list[Coverage]:
    """The coverage of sources and tables out of what each file has of them: rows, and records that came again, of each day."""
    counts: dict[tuple[str, str], Counter[int]] = {}
    again: dict[tuple[str, str], Counter[int]] = {}
    files: Counter[tuple[str, str]] = Counter()
    for source, table, rows, repeated in found:
        if rows or repeated:
            held = counts.setdefault((source, table), Counter())
            held.update(rows)
            held.update(dict.fromkeys(repeated, 0))
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
