"""Records of files that the store knew before a load: by their keys, and the rows that they were stored as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store.conversion import convert
from vedette.store.gone import UNKNOWN, Gone

_NO_DAY: Final = -1
_KEY: Final = np.dtype([("low", "<u8"), ("high", "<u8")])
_PLACE: Final = np.dtype([("low", "<u8"), ("high", "<u8"), ("load", "<i8"), ("row", "<i8")])
Place = tuple[int | None, int | None]
"""The load that brought a record, and the number of its row there; None where an earlier version did not note it."""
Array = np.ndarray[Any, Any]


class Left(Protocol):
    """`store.gone.Left` is one."""

    def there(self, loads: Array, rows: Array, days: Array) -> Array:
        """Which of some rows are there."""
        ...

    def reasons(self, loads: Array, days: Array) -> list[Gone]:
        """Why rows that are not there are gone."""
        ...


def each_day(values: Sequence[object], shift: int = 0) -> Array:
    """The day (since 0001-01-01) of each moment, and `_NO_DAY` of what is none."""
    array, _ = convert(values, Type.DATETIME)
    moments = array.fill_null(_NO_DAY).to_numpy(zero_copy_only=False)
    return np.where(array.is_valid().to_numpy(zero_copy_only=False), (moments + shift) // ticks.DAY, _NO_DAY)


class Known:
    """Records of a file that were there before: keys (numbers of 127 bits), the rows that they were stored as, and their days; 40 bytes
    each. A record that was stored several times, on demand, has as many places."""

    __slots__ = ("_days", "_keys", "_loads", "_rows")

    def __init__(self) -> None:
        self._keys = [np.empty(0, _KEY)]
        self._loads = [np.empty(0, np.int64)]
        self._rows = [np.empty(0, np.int64)]
        self._days = [np.empty(0, np.int64)]

    def add(self, keys: Sequence[int], places: Sequence[Sequence[Place]], days: Array) -> None:
        """Some more records, each with its places and its day."""
        if keys:
            times = [len(some) for some in places]
            every = [place for some in places for place in some]
            made = np.frombuffer(b"".join(key.to_bytes(16, "little") for key in keys), _KEY)
            self._keys.append(np.repeat(made, times))
            self._loads.append(np.array([UNKNOWN if load is None else load for load, _ in every], np.int64))
            self._rows.append(np.array([UNKNOWN if row is None else row for _, row in every], np.int64))
            self._days.append(np.repeat(days.astype(np.int64), times))

    def arrays(self) -> tuple[Array, Array]:
        """The places of those that have a day, and the days."""
        days = np.concatenate(self._days)
        kept = days != _NO_DAY
        places = np.empty(int(kept.sum()), _PLACE)
        keys = np.concatenate(self._keys)[kept]
        places["low"], places["high"] = keys["low"], keys["high"]
        places["load"] = np.concatenate(self._loads)[kept]
        places["row"] = np.concatenate(self._rows)[kept]
        return places, days[kept]


@dataclass(slots=True)
class KnownDays:
    """Records that were known before, by day: those that are there, and those that are gone, by the reason."""

    there: Counter[int] = field(default_factory=Counter)
    gone: dict[Gone, Counter[int]] = field(default_factory=dict)


def days_of_known(files: Sequence[Known], counted: Collection[int], left: Left | None) -> list[KnownDays]:
    """What there is of the records that several files of a table have and that were known before. A record that several have counts for
    the first of them, and one that a load in `counted` brought for none. `left` tells what is there of the table; None: nothing is."""
    made = [KnownDays() for _ in files]
    parts = [known.arrays() for known in files]
    owners = np.repeat(np.arange(len(parts)), [len(days) for _, days in parts])
    if not len(owners):
        return made
    places, first = np.unique(np.concatenate([places for places, _ in parts]), return_index=True)
    order = np.argsort(first, kind="stable")  # as they came
    places, first = places[order], first[order]
    days, owners = np.concatenate([days for _, days in parts])[first], owners[first]
    loads = places["load"]
    there = np.zeros(len(loads), bool) if left is None else left.there(loads, places["row"], days)
    keys = np.empty(len(places), _KEY)
    keys["low"], keys["high"] = places["low"], places["high"]
    different, first, record = np.unique(keys, return_index=True, return_inverse=True)
    elsewhere = np.isin(loads, np.array(sorted(counted), np.int64))
    is_there = _any(there, record, len(different))
    # what is there counts with the rows of a load that is counted if it has it, and what is not with what is gone of such a load
    passed = _any(elsewhere & (there | ~is_there[record]), record, len(different))
    for place in np.flatnonzero(is_there & ~passed):
        made[owners[first[place]]].there[int(days[first[place]])] += 1
    # of what the first versions stored nobody knows what a load that is counted has of it
    missing = first[~is_there & ~passed & _any(loads != UNKNOWN, record, len(different))]
    if len(missing):
        reasons = [Gone.REMOVED] * len(missing) if left is None else left.reasons(loads[missing], days[missing])
        for place, reason in zip(missing, reasons):
            made[owners[place]].gone.setdefault(reason, Counter())[int(days[place])] += 1
    return made


def _any(flags: Array, groups: Array, count: int) -> Array:
    """Of each group whether one of its flags is set."""
    return np.bincount(groups[flags], minlength=count).astype(bool)
