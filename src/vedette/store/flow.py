"""How well rows flow, by where they come from: how many came, were stored, could not be read or were lost, and how late they are.

The lag of a row is the time from its TimeGenerated until it can be queried. Quantiles are those of the interval that is running and
of the one before, read from a histogram of quarter octaves: they are within a tenth of the true ones, whatever the number of rows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from vedette.kql import ticks

OTHERS: Final = "others"
_SOURCES: Final = 1_000
"""Senders choose their names and addresses: beyond so many, all others are one."""
_STEPS: Final = 4
_BUCKETS: Final = 45 * _STEPS  # from a millisecond to a thousand years

Ticks = npt.NDArray[np.int64]


class Lags:
    """A histogram of lags."""

    def __init__(self) -> None:
        self.counts = np.zeros(_BUCKETS, dtype=np.int64)

    def add(self, lags: Ticks) -> None:
        """Takes some lags (ticks); a row from the future has none."""
        milliseconds = np.maximum(lags, 0) / ticks.MILLISECOND
        buckets = np.minimum((np.log2(milliseconds + 1) * _STEPS).astype(np.int64), _BUCKETS - 1)
        self.counts += np.bincount(buckets, minlength=_BUCKETS)

    def seconds(self, share: float) -> float | None:
        """The lag that this share of the rows is within; None without rows."""
        total = int(self.counts.sum())
        if not total:
            return None
        bucket = int(np.searchsorted(np.cumsum(self.counts), share * total))
        return float(2 ** ((bucket + 0.5) / _STEPS) - 1) / 1000

    def __add__(self, other: Lags) -> Lags:
        made = Lags()
        made.counts = self.counts + other.counts
        return made


@dataclass(slots=True)
class Counts:
    """Rows: `received` = `stored` + `repeated` + what waits. `unreadable` ones are stored too, in the dead-letter table or as a text with
    the reason; `dropped` and `refused` ones were not received (a sender that was refused comes again)."""

    received: int = 0
    stored: int = 0
    repeated: int = 0
    unreadable: int = 0
    dropped: int = 0
    refused: int = 0
    bytes: int = 0


COUNTS: Final = tuple(one.name for one in fields(Counts))


@dataclass(slots=True)
class _Source:
    total: Counts = field(default_factory=Counts)
    told: Counts = field(default_factory=Counts)
    """What the intervals before had told."""
    last: int | None = None
    lags: Lags = field(default_factory=Lags)
    before: Lags = field(default_factory=Lags)


@dataclass(frozen=True, slots=True)
class SourceFlow:
    """One source: its counts, when its last row came (ticks), and its lag (seconds)."""

    source: str
    counts: Counts
    last: int | None
    lag_p50: float | None
    lag_p95: float | None


class Flow:
    """Counts by source. Safe for threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._sources: dict[str, _Source] = {}

    def count(self, source: str, at: int, **changes: int) -> None:
        """Adds to counts of a source; `at` is now (ticks)."""
        with self._guard:
            one = self._of(source)
            for name, change in changes.items():
                setattr(one.total, name, getattr(one.total, name) + change)
            if "received" in changes:
                one.last = at

    def stored(self, at: int, rows: Iterable[tuple[str, Ticks]]) -> None:
        """Rows of sources, by their TimeGenerated, that can be queried now."""
        with self._guard:
            for source, moments in rows:
                one = self._of(source)
                one.total.stored += len(moments)
                one.lags.add(at - moments)

    def sources(self) -> list[SourceFlow]:
        """All sources, the one of which a row came last first."""
        with self._guard:
            found = [
                SourceFlow(name, Counts(*_values(one.total)), one.last, lags.seconds(0.5), lags.seconds(0.95))
                for name, one in self._sources.items()
                for lags in [one.before + one.lags]
            ]
        return sorted(found, key=lambda one: -(one.last or 0))

    def interval(self) -> list[SourceFlow]:
        """What happened since this was called before, of those sources of which something did."""
        found: list[SourceFlow] = []
        with self._guard:
            for name, one in self._sources.items():
                since = Counts(*(now - told for now, told in zip(_values(one.total), _values(one.told))))
                lags, one.before, one.lags = one.lags, one.lags, Lags()
                one.told = Counts(*_values(one.total))
                if any(_values(since)):
                    found.append(SourceFlow(name, since, one.last, lags.seconds(0.5), lags.seconds(0.95)))
        return found

    def _of(self, source: str) -> _Source:
        one = self._sources.get(source)
        if one is None:
            if len(self._sources) >= _SOURCES:
                source = OTHERS
            one = self._sources.setdefault(source, _Source())
        return one


def _values(counts: Counts) -> tuple[int, ...]:
    return tuple(getattr(counts, name) for name in COUNTS)
