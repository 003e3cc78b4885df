"""Partial rows of queries that come again and again: which are kept, and whether they are still right.

A file for each query (`store.partials.file`) has the partial rows of bins of time, and a mark of the state of the table that they were
made from. Rows are only ever added behind the last one. So kept rows are right as long as the marked row is where it was and as many
rows lie up to it: then what has come since are the rows behind it, which tell the bins that are to be made anew. Whatever takes rows
away, or gives them other ids, fails that test. It is asked in the same state of the tables as the rest of the query.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from vedette.engine.dialect import identifier
from vedette.engine.partial_plan import BIN, COUNT, Bins
from vedette.engine.partials import Work
from vedette.engine.result import Statistics
from vedette.kql import ticks
from vedette.store.partials.file import KeptRows, Mark
from vedette.store.partials.folder import PartialFiles
from vedette.store.physical import LOAD, ROW
from vedette.store.statements import run

DEFAULT_BYTES: Final = 512 * 1024**2
_MOST_BINS: Final = 512
"""A window of more steps has bins of several."""
_APART: Final = 8
"""So many stretches of bins are made one by one; more are made as one."""
_FEW_GROUPS: Final = 1_000
_MOST_WAITING: Final = 10_000


@dataclass(frozen=True, slots=True)
class Worth:
    """When partial rows are worth keeping."""

    rows: int = 100_000
    """A table of fewer is read whole."""
    probed: int = 1_000_000
    """Of a table of so many, some bins are made first, to see how many groups they have."""
    bins: int = 8
    seconds: float = 0.05
    """A query that takes less without is asked as ever."""
    runs: int = 24
    """After so many further runs a query is tried once more that was not worth it, or of which nothing could be kept."""
    part: float = 0.5
    """Partial rows are at most this part of the rows that they stand for."""
    saved: float = 0.7
    """With kept rows a query takes at most this part of its time without."""


@dataclass(slots=True)
class Used:
    """What a query took of kept bins, and how many it made."""

    kept: int = 0
    made: int = 0


class Partials:
    """The partial rows that one store keeps. Safe to use from several threads."""

    def __init__(
        self, folder: Path | None, limit: int, connect: Callable[[], duckdb.DuckDBPyConnection], worth: Worth | None = None
    ) -> None:  # fmt: skip
        """`folder` None, or a limit of no bytes: nothing is kept."""
        self.files = None if folder is None or limit <= 0 else PartialFiles(folder, limit, connect)
        self.worth = worth or Worth()
        self._guard = threading.Lock()
        self._not_worth: dict[str, int] = {}
        self._idle: dict[str, int] = {}
        self._without: dict[str, float] = {}
        self._slow: set[str] = set()
        self.used = Used()
        """Bins of all queries since the store was opened."""
        if folder is not None and self.files is None:
            PartialFiles.clear(folder)

    def asked(
        self, text: str, every: timedelta | None, timespan: tuple[datetime, datetime] | None
    ) -> Asked | None:  # fmt: skip
        """For a query that comes again after each `every`, over a time that ends as much later."""
        if self.files is None or every is None or timespan is None or every <= timedelta(0):
            return None
        step = every // timedelta(microseconds=1) * 10
        first, last = (ticks.from_datetime(one) for one in timespan)
        steps = -((first - last) // step)
        size = step * max(1, -(-steps // _MOST_BINS))
        if (last - first) // size < self.worth.bins:
            return None
        with self._guard:
            if not _due(self._idle, text):
                return None
            without = self._without.get(text)
        return Asked(self, self.files, text, Bins(size, last % step), without if self.worth.seconds > 0 else math.inf)

    def forget(self, table: str) -> None:
        """Remove what was made of a table: rows of it were taken away."""
        if self.files is not None:
            self.files.forget(table)

    def bytes(self) -> int:
        """What is kept."""
        return 0 if self.files is None else self.files.bytes()

    # -- for `Asked`

    def is_worth(self, key: str) -> bool:
        """Whether a query is worth trying (again)."""
        with self._guard:
            return _due(self._not_worth, key)

    def not_worth(self, key: str) -> None:
        """Remember that the query is as good without."""
        with self._guard:
            self._wait(self._not_worth, key)
        if self.files is not None:
            self.files.remove(key)

    def took(self, text: str, seconds: float) -> None:
        """Remember what a query takes without kept rows."""
        with self._guard:
            if seconds < self.worth.seconds:
                self._wait(self._idle, text)
                return
            if len(self._without) > _MOST_WAITING:
                self._without.clear()
            self._without[text] = seconds

    def took_with(self, text: str, seconds: float, without: float) -> None:
        """Have a query be asked as ever if kept rows saved it nothing twice one after the other."""
        with self._guard:
            if seconds <= self.worth.saved * without:
                self._slow.discard(text)
            elif text not in self._slow:
                self._slow.add(text)
            else:
                self._slow.discard(text)
                self._without.pop(text, None)
                self._wait(self._idle, text)

    def idle(self, text: str, refused: Iterable[str]) -> None:
        """Remember that nothing of a query was kept: it is asked as ever for a while, and then all of it is tried again."""
        with self._guard:
            for key in refused:
                self._not_worth.pop(key, None)
            self._without.pop(text, None)
            self._wait(self._idle, text)

    def _wait(self, waiting: dict[str, int], name: str) -> None:
        if len(waiting) > _MOST_WAITING:
            waiting.clear()
        if self.worth.runs > 0:
            waiting[name] = self.worth.runs

    def count(self, kept: int, made: int) -> None:
        """Add to what was used."""
        with self._guard:
            self.used.kept += kept
            self.used.made += made


@dataclass(slots=True)
class Asked:
    """One run of a query that comes again (`engine.partials.Keeping`)."""

    partials: Partials
    files: PartialFiles
    text: str
    bins: Bins
    without: float | None
    """What the query takes as it is; None: that is not known yet, and this run is to tell it."""
    used: Used = field(default_factory=Used)
    refused: list[str] = field(default_factory=list)

    @property
    def keeping(self) -> Asked | None:
        """What the engine is to ask, if anything."""
        return None if self.without is None else self

    def wanted(self, table: str, key: str) -> bool:
        """Whether keeping partial rows is worth trying."""
        if self.partials.is_worth(key):
            return True
        self.refused.append(key)
        return False

    def done(self, statistics: Statistics) -> None:
        """The query has ended: its statistics are told, and whether any of it was kept is remembered."""
        statistics.bins_kept, statistics.bins_made = self.used.kept, self.used.made
        if self.without is None:
            self.partials.took(self.text, statistics.elapsed)
        elif self.used.made * 8 <= self.used.kept:
            self.partials.took_with(self.text, statistics.elapsed, self.without)
        if self.without is not None and not self.used.kept and not self.used.made:
            self.partials.idle(self.text, self.refused)

    def rows(self, connection: duckdb.DuckDBPyConnection, work: Work, lower: int, upper: int) -> pa.Table:
        """The partial rows of a time: kept ones of the bins whose rows are what they were, the others made now."""
        opening = self.files.opening()
        if opening is None or _in_files(work, lower - 1, upper):
            return work.make(lower, upper)
        lower, upper = self._rounded(connection, work, lower, upper)
        whole = self.bins.whole(lower, upper)
        if len(whole) < self.partials.worth.bins:
            return work.make(lower, upper)
        generation = self.files.generation(work.table)
        kept = self.files.load(work.key)
        mark = None if kept is None else _moved_on(connection, work, kept.mark)
        if kept is None or mark is None:
            return self._first(connection, work, lower, upper, whole, opening, generation)
        # a window before the last one (late events) takes none of the newer bins away
        held = frozenset(number for number in kept.bins if number >= whole[0])
        behind = max(whole[-1], *held) if held else whole[-1]
        held -= _late(connection, work, self.bins, kept.mark, mark, range(whole[0], behind + 1))
        known = held & frozenset(whole)
        missing = sorted(set(whole) - known)
        part = _of_bins(kept.rows, known)
        made = self._make(work, missing)
        self._used(len(known), len(missing))
        if missing or mark.row != kept.mark.row:
            rows = pa.concat_tables([part if known == held else _of_bins(kept.rows, held), *made])
            state = KeptRows(work.table, opening, mark, held | frozenset(whole), rows)
            self._save(work.key, state, generation)
        else:
            self.files.touch(work.key)
        return pa.concat_tables([part, *made, *self._edges(work, lower, upper, whole)])

    def _rounded(
        self, connection: duckdb.DuckDBPyConnection, work: Work, lower: int, upper: int
    ) -> tuple[int, int]:  # fmt: skip
        """The time without ends of one tick (`> ago(1d)`, `<= now()`), where no row lies in these."""
        size, phase = self.bins.size, self.bins.phase
        ends = [tick for tick in (lower - 1, upper - 1) if (tick - phase) % size == 0]
        if not ends or lower >= upper:
            return lower, upper
        asked = f"SELECT DISTINCT {work.moment} FROM {work.source} WHERE {work.moment} IN ({', '.join(map(str, ends))})"
        there = {int(tick) for (tick,) in run(connection, asked)}
        free = [tick for tick in ends if tick not in there]
        return lower - (lower - 1 in free), upper - (upper - 1 in free)

    def _first(
        self, connection: duckdb.DuckDBPyConnection, work: Work, lower: int, upper: int, whole: range, opening: str,
        generation: int,
    ) -> pa.Table:  # fmt: skip
        """All bins; where those that are made first show that it is not worth it, the others are not kept."""
        worth = self.partials.worth
        mark = _mark(connection, work)
        if mark is None or mark.rows < worth.rows:
            return work.make(lower, upper)
        start, end = self.bins.start(whole[0]), self.bins.start(whole[-1] + 1)
        made = []
        if mark.rows >= worth.probed:
            newest = max(1, len(whole) // 16)
            middle = self.bins.start(whole[-newest])
            made.append(work.make(middle, end))
            groups, stood_for = made[0].num_rows, pc.sum(made[0].column(COUNT)).as_py() or 0
            if groups > _FEW_GROUPS and groups > worth.part * stood_for:
                self.partials.not_worth(work.key)
                return pa.concat_tables(
                    [*made, work.make(lower, middle), *([work.make(end, upper)] if end < upper else [])]
                )
            end = middle
        if start < end:
            made.append(work.make(start, end))
        rows = pa.concat_tables(made)
        stood_for = pc.sum(rows.column(COUNT)).as_py() or 0
        edges = self._edges(work, lower, upper, whole)
        self._used(0, len(whole))
        if rows.num_rows > _FEW_GROUPS and rows.num_rows > worth.part * stood_for:
            self.partials.not_worth(work.key)
        else:
            state = KeptRows(work.table, opening, mark, frozenset(whole), rows)
            self._save(work.key, state, generation)
        return pa.concat_tables([rows, *edges])

    def _make(self, work: Work, bins: list[int]) -> list[pa.Table]:
        """The partial rows of some bins."""
        stretches = _stretches(bins)
        if len(stretches) > _APART:
            wanted = frozenset(bins)
            found = work.make(self.bins.start(bins[0]), self.bins.start(bins[-1] + 1))
            return [_of_bins(found, wanted)]
        return [work.make(self.bins.start(first), self.bins.start(last + 1)) for first, last in stretches]

    def _edges(self, work: Work, lower: int, upper: int, whole: range) -> list[pa.Table]:
        """The partial rows of what lies before the first and behind the last whole bin."""
        ends = (lower, self.bins.start(whole[0])), (self.bins.start(whole[-1] + 1), upper)
        return [work.make(first, last) for first, last in ends if first < last]

    def _save(self, key: str, kept: KeptRows, generation: int) -> None:
        if not self.files.save(key, kept, generation):
            self.partials.not_worth(key)

    def _used(self, kept: int, made: int) -> None:
        self.used.kept += kept
        self.used.made += made
        self.partials.count(kept, made)


def _due(waiting: dict[str, int], name: str) -> bool:
    """Whether a name waits for no further run; what waits has one less to wait for."""
    left = waiting.get(name)
    if left is None:
        return True
    if left <= 1:
        del waiting[name]
    else:
        waiting[name] = left - 1
    return False


def _in_files(work: Work, lower: int, upper: int) -> bool:
    """Whether rows of the time are, or are about to be, in files of the lake."""
    return work.tiers is not None and "read_parquet" in work.tiers.relation(lower, upper)


def _mark(connection: duckdb.DuckDBPyConnection, work: Work, since: Mark | None = None) -> Mark | None:
    """The state of the table now; with an earlier one that still holds, only what is behind it is looked at."""
    where = "" if since is None else f" WHERE rowid > {since.row}"
    count, last = run(connection, f"SELECT count(*), max(rowid) FROM {work.source}{where}")[0]
    if last is None:
        return since
    load, number = _row(connection, work, last)[0]
    return Mark(int(last), int(load), int(number), int(count) + (0 if since is None else since.rows))


def _row(connection: duckdb.DuckDBPyConnection, work: Work, row: int) -> list[tuple[int, int]]:
    columns = f"{identifier(LOAD)}, {identifier(ROW)}"
    return run(connection, f"SELECT {columns} FROM {work.source} WHERE rowid = {row}")


def _moved_on(connection: duckdb.DuckDBPyConnection, work: Work, mark: Mark) -> Mark | None:
    """The state of the table now, if the rows up to a mark are still those that they were."""
    if _row(connection, work, mark.row) != [(mark.load, mark.number)]:
        return None
    rows = run(connection, f"SELECT count(*) FROM {work.source} WHERE rowid <= {mark.row}")[0][0]
    return _mark(connection, work, mark) if rows == mark.rows else None


def _late(
    connection: duckdb.DuckDBPyConnection, work: Work, bins: Bins, before: Mark, now: Mark, whole: range
) -> frozenset[int]:
    """The bins that rows behind a mark lie in."""
    if now.row == before.row:
        return frozenset()
    found = run(
        connection,
        f"SELECT DISTINCT ({work.moment} - {bins.phase}) // {bins.size} FROM {work.source} WHERE rowid > {before.row} "
        f"AND {work.moment} >= {bins.start(whole[0])} AND {work.moment} < {bins.start(whole[-1] + 1)}",
    )
    return frozenset(int(number) for (number,) in found)


def _of_bins(rows: pa.Table, bins: Iterable[int]) -> pa.Table:
    return rows.filter(pc.is_in(rows.column(BIN), pa.array(sorted(bins), pa.int64())))


def _stretches(bins: list[int]) -> list[tuple[int, int]]:
    """Neighbouring numbers as pairs of the first and the last."""
    found: list[tuple[int, int]] = []
    for number in bins:
        if found and found[-1][1] == number - 1:
            found[-1] = found[-1][0], number
        else:
            found.append((number, number))
    return found
