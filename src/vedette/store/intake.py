"""The one write path of everything that arrives: acknowledged when it is on disk, then moved into the log tables.

`accept` writes rows into a spool beside the store and returns when they are durable; a thread moves them into their tables in large,
paced batches. So a sender never waits for the log store's checkpoints, and what was acknowledged survives the end of the process:
it is in the spool until it is in a table, and in the same transaction the table notes that it is, so it gets there once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vedette.core.clock import Clock
from vedette.core.errors import InvalidInput, TooManyRequests, Unavailable, VedetteError
from vedette.core.priority import WAITED_FOR_LATER, step_back
from vedette.kql import ticks
from vedette.store.batch import BadRecord
from vedette.store.catalog import DEAD_LETTER
from vedette.store.claims import Claims
from vedette.store.columnar import by_source, packed
from vedette.store.flow import Flow
from vedette.store.frames import Entry, Spooled
from vedette.store.logstore import LogStore
from vedette.store.reading.forms import check_table_name
from vedette.store.rowlines import RowLines, TableLines, lines_of, unreadable_lines
from vedette.store.spool import Spool, SpoolLimits

log = logging.getLogger(__name__)
_RETRY_SECONDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
_CLOSE_SECONDS: Final = 5.0

_REFUSED: Final = (duckdb.DataError, duckdb.ProgrammingError, duckdb.IntegrityError, duckdb.NotSupportedError)
"""What the engine raises when the rows themselves are what it does not take."""


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """`move_rows` and `move_bytes` go into the tables at once; fewer wait `linger` seconds for more to come."""

    spool: SpoolLimits = field(default_factory=SpoolLimits)
    move_rows: int = 20_000
    move_bytes: int = 32 * 1024**2
    linger: float = 0.25


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is on disk: rows, and their bytes as JSON."""

    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class IntakeStats:
    """Counts since the start (rows), what is waiting now, and `oldest_seconds`: how long the first of it has waited.

    `repeated` rows had the id of a record that was there; `unreadable` ones lie in the dead-letter table; `dropped` were lost by
    their sender's doing (a listener counts datagrams here that it could not keep); `refused` were told to come again later.
    """

    accepted: int
    stored: int
    repeated: int
    unreadable: int
    dropped: int
    refused: int
    waiting_rows: int
    waiting_bytes: int
    oldest_seconds: float
    full: bool
    trouble: str | None
    """Why rows cannot be moved into the tables, or not be accepted, at the moment."""

    @property
    def state(self) -> str:
        """`ok`, `full` (too much is waiting), or `trouble` (the disk or the store does not take rows)."""
        return "trouble" if self.trouble else "full" if self.full else "ok"


OnStored = Callable[[str, npt.NDArray[np.int64]], None]
"""Takes a table's name and the TimeGenerated (ticks) of the rows that it has just got."""


class Intake:
    """The write path into one log store. Safe for threads; one process at a time has the folder."""

    def __init__(self, logs: LogStore, folder: Path, clock: Clock, limits: IntakeLimits | None = None) -> None:
        """Takes up what an earlier process left in the folder, and starts to move it. Close it before the store."""
        self._logs = logs
        self._clock = clock
        self._limits = limits or IntakeLimits()
        self._marks = logs.taken()
        self._spool = Spool(folder, self._limits.spool)
        self._spool.begin_after(max(self._marks.values(), default=0))
        self._guard = threading.Lock()
        self._claims = Claims(logs)
        for entry, record_ids in self._spool.left_ids():
            if entry.number > self._marks.get(entry.table, 0):  # the others are in their tables
                self._claims.hold(entry.table, record_ids)
        self._counts = dict.fromkeys(("accepted", "stored", "repeated", "unreadable", "dropped", "refused"), 0)
        self._trouble: str | None = None
        self._refuses: str | None = None
        self.flow = Flow()
        """The counts by source."""
        self.on_stored: OnStored | None = None
        """Told of what has come into a table; it returns at once and raises nothing."""
        self._moving = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"intake of {logs.host.name}", daemon=True)
        self._thread.start()

    # -- in

    def accept(
        self, table: str, rows: Sequence[Mapping[str, object]], *, source: str, record_ids: Sequence[str] | None = None
    ) -> Accepted:
        """Take rows (JSON-like; datetimes may be Python's) for a table; returns when they are on disk.

        `source` says where they come from: the door and the sender. With `record_ids`, one for each row ("" for none), a record
        that the table got within the last week is not stored again. Raises `InvalidInput` for what is no row, `TooManyRequests`
        when too much is waiting, `Unavailable` when the disk does not take them; then none of them is kept.
        """
        check_table_name(table)
        return self.accept_lines(table, lines_of(table, rows), source=source, record_ids=record_ids)

    def accept_lines(
        self, table: str, lines: RowLines, *, source: str, record_ids: Sequence[str] | None = None
    ) -> Accepted:
        """As `accept`, of rows that are lines already."""
        return self.accept_together([TableLines(table, lines, record_ids)], source=source)

    def accept_together(self, batches: Sequence[TableLines], *, source: str) -> Accepted:
        """As `accept`, of rows of several tables: all of them are taken or none, and if the process is ended in between, too.

        What one request brings is taken by one call: its sender repeats the whole of it.
        """
        for one in batches:
            self.check(one)
        batches = [one for one in batches if one.lines.count]
        if not batches:
            return Accepted(0, 0)
        at = ticks.from_datetime(self._clock.now())
        unreadable = sum(one.lines.count for one in batches if one.table == DEAD_LETTER)
        put = partial(self._spool.put_together, batches, source=source, at=at)
        return self._put({source: sum(one.lines.count for one in batches)}, unreadable, at, put)

    def check(self, batch: TableLines) -> None:
        """Raises `InvalidInput` for what `accept` takes at no time: a name that is none, or too much at once."""
        check_table_name(batch.table)
        rows, ids = batch.lines.count, batch.record_ids
        if ids is not None and len(ids) != rows:
            raise InvalidInput(f"There are {rows} rows and {len(ids)} ids of records.", code="VDT0620")
        self._spool.check_size(batch.lines.size)

    def claim(self, table: str, record_ids: Sequence[str]) -> list[bool]:
        """Which records are new: neither in the table (as far as ids are remembered), nor accepted before, nor claimed. "" is always new.

        A new one is the caller's, who either has it accepted or gives it back (`unclaim`).
        """
        return self._claims.claim(table, record_ids)

    def unclaim(self, table: str, record_ids: Sequence[str]) -> None:
        """Give ids back whose records were not accepted."""
        self._claims.release(table, record_ids)

    def accept_columns(self, table: str, rows: pa.Table, *, source: str) -> Accepted:
        """Take rows that are columns already (`store.columnar.columnar`); as `accept` in all other ways.

        A column `$source` says of each row where it comes from, in the place of `source`.
        """
        check_table_name(table)
        if not rows.num_rows:
            return Accepted(0, 0)
        data = packed(rows)
        at = ticks.from_datetime(self._clock.now())
        put = partial(self._spool.put_columns, table, data, rows.num_rows, source=source, at=at)
        unreadable = rows.num_rows if table == DEAD_LETTER else 0
        return self._put({name: len(some) for name, some in by_source(rows, source).items()}, unreadable, at, put)

    def _put(self, sources: Mapping[str, int], unreadable: int, at: int, put: Callable[[], int]) -> Accepted:
        rows = sum(sources.values())
        try:
            size = put()
        except VedetteError as error:
            self._count(refused=rows)
            for source, own in sources.items():
                self.flow.count(source, at, refused=own)
            if not isinstance(error, TooManyRequests | InvalidInput):
                self._refuses = str(error)
            raise
        self._refuses = None
        self._count(accepted=rows, unreadable=unreadable)
        for source, own in sources.items():
            share = size * own // rows
            self.flow.count(source, at, received=own, bytes=share, unreadable=unreadable * own // rows)
        self._wake.set()
        return Accepted(rows, size)

    def accept_unreadable(self, table: str, records: Sequence[BadRecord], *, source: str) -> Accepted:
        """Take records that could not be read as rows of the table: kept whole, with the reason, in the dead-letter table."""
        return self.accept_together([unreadable_lines(table, records, source)], source=source)

    def count_dropped(self, rows: int, source: str = "unknown") -> None:
        """Count what a door that cannot ask its sender to wait (UDP) had to let go."""
        self._count(dropped=rows)
        self.flow.count(source, ticks.from_datetime(self._clock.now()), dropped=rows)

    def count_unreadable(self, rows: int, source: str) -> None:
        """Count rows that could not be read as what they claim to be, and are stored whole with the reason."""
        self._count(unreadable=rows)
        self.flow.count(source, ticks.from_datetime(self._clock.now()), unreadable=rows)

    def stats(self) -> IntakeStats:
        """How well rows flow."""
        oldest = self._spool.oldest
        now = ticks.from_datetime(self._clock.now())
        refused, trouble = self._refuses, self._trouble
        if trouble is None and refused is not None:
            if self._spool.takes():  # nobody may have tried again since
                self._refuses = None
            else:
                trouble = refused
        with self._guard:
            return IntakeStats(
                **self._counts, waiting_rows=self._spool.waiting_rows, waiting_bytes=self._spool.waiting_bytes,
                oldest_seconds=0.0 if oldest is None else max(0.0, (now - oldest) / ticks.SECOND),
                full=self._spool.full, trouble=trouble,
            )  # fmt: skip

    def _count(self, **changes: int) -> None:
        with self._guard:
            for name, change in changes.items():
                self._counts[name] += change

    # -- into the tables

    def flush(self, seconds: float = 30.0, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Wait until everything accepted before this call can be queried; False if that takes longer, or `stopped` says so."""
        deadline = self._clock.monotonic() + seconds
        while self._spool.waiting_rows:
            if self._clock.monotonic() >= deadline or self._stop.is_set() or stopped():
                return False
            try:
                self._move()
            except Exception as error:  # the rows are on disk, and what is wrong is no fault of who waits
                self._troubled(error)
                return False
        return True

    def close(self, seconds: float = _CLOSE_SECONDS) -> None:
        """Move what is waiting, as far as that is possible in so many seconds; the rest stays on disk for the next start."""
        if self._stop.is_set():
            return
        self.flush(seconds)
        self._stop.set()
        self._wake.set()
        self._thread.join()
        self._spool.close()

    def __enter__(self) -> Intake:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        step_back(WAITED_FOR_LATER)
        failures = 0
        while not self._stop.is_set():
            if not self._spool.waiting_rows:
                self._wake.wait()
                self._wake.clear()
            if self._spool.waiting_rows < self._limits.move_rows and not failures:
                self._clock.wait(self._stop, self._limits.linger)
            try:
                if not self._stop.is_set():
                    self._move()
                failures = 0
            except Exception as error:
                self._troubled(error)
                self._recover()  # queries need the store meanwhile
                self._clock.wait(self._stop, _RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
                failures += 1

    def _recover(self) -> None:
        """Have the store opened anew if the engine gave it up: which batches it has, it knows best."""
        try:
            with self._moving:
                if self._logs.recover():
                    self._marks = self._logs.taken()
                    log.warning("the log store was opened anew")
        except Exception as error:  # whatever it is, it is tried again: without this thread nothing is stored any more
            log.warning("the log store cannot be opened again yet: %s", error)

    def _troubled(self, error: Exception) -> None:
        with self._guard:
            first, self._trouble = self._trouble is None, str(error)
        if first:
            log.error("rows are waiting in the spool, they cannot be stored: %s", error)

    def _move(self) -> None:
        """Move the batches that have waited longest; each table's in a transaction of its own."""
        with self._moving:
            entries = self._spool.head(self._limits.move_rows, self._limits.move_bytes)
            by_table: dict[str, list[Entry]] = {}
            for entry in entries:
                if entry.number > self._marks.get(entry.table, 0):
                    by_table.setdefault(entry.table, []).append(entry)
            for table, waiting in by_table.items():
                self._store(table, waiting)
            self._spool.release(entries)
        with self._guard:
            recovered, self._trouble = self._trouble is not None, None
        if recovered:
            log.info("rows are stored again")

    def _store(self, table: str, waiting: Sequence[Entry]) -> None:
        try:
            self._take(table, list(self._spool.read(waiting)))
        except Exception as error:
            if isinstance(error, Unavailable) and not isinstance(error.__cause__, _REFUSED):
                raise  # the disk, the store: it is tried again
            if len(waiting) > 1:  # one batch must not keep the others from being stored
                for entry in waiting:
                    self._store(table, [entry])
                return
            log.error("a batch for %s is put into %s: %s", table, DEAD_LETTER, error)
            self._take(table, list(self._spool.read(waiting)), f"The batch could not be stored: {error}")

    def _take(self, table: str, batches: Sequence[Spooled], rejected: str | None = None) -> None:
        done = self._logs.take(table, batches, rejected)
        self._marks[table] = batches[-1].entry.number
        for batch in batches:
            if batch.record_ids is not None:
                self._claims.release(table, batch.record_ids)
        self._count(stored=done.stored, repeated=done.repeated, unreadable=done.stored if rejected else 0)
        at = ticks.from_datetime(self._clock.now())
        self.flow.stored(at, done.moments)
        if self.on_stored is not None:
            for name, some in done.tables:
                self.on_stored(name, some)
        if done.repeated:
            self.flow.count(batches[0].source, at, repeated=done.repeated)
        if rejected:
            for source, some in done.moments:
                self.flow.count(source, at, unreadable=len(some))
