"""The term index of a store: which rows of a table can hold a text.

It lies beside the store's file, in segments: files of the terms of some rows (`store.term_file`), named by their row ids. It is made
of committed rows alone and holds nothing that is not in the store: whatever is missing, damaged or of another version is made anew, and
rows without a segment are read by every query. The engine may give rows other ids when deleted ones are cleared away. Each segment
therefore remembers which rows are its first and last, and a query asks in its own statement whether the last is where it was.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote as quoted

import duckdb
import pyarrow as pa

from vedette.core.errors import VedetteError
from vedette.core.priority import WAITED_FOR_BY_NOBODY, step_back
from vedette.engine.dialect import identifier
from vedette.kql.types import Type
from vedette.store.physical import LOAD, ROW
from vedette.store.statements import engine_errors, run
from vedette.store.tables import StoredTable, Tables
from vedette.store.terms.beside import BuilderBeside
from vedette.store.terms.building import INDEXED, Source, Stopped, build
from vedette.store.terms.file import Damaged, SegmentFile
from vedette.store.terms.lookup import Lookup
from vedette.store.terms.places import Anchor, InPlace, Seen
from vedette.store.terms.segments import (
    NAME,
    SEGMENT,
    Segment,
    end_of,
    gaps,
    is_there,
    overlap,
    remove,
    room_of,
    rows_of,
)

LEAST: Final = 32_768
"""So many rows without a segment are worth one at once; fewer wait until no more come."""
_WORTH: Final = 2_048
"""Fewer rows are never worth a segment."""
_log = logging.getLogger(__name__)
_PACE: Final = 0.5
"""Seconds between two looks at what there is to do."""
_KEPT: Final = 30.0
"""Seconds without work after which the process that makes segments ends."""
Build = Callable[[duckdb.DuckDBPyConnection, Source, Path, Mapping[str, float], Callable[[], bool]], int]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a table is in the index: rows with a segment, all rows, and bytes."""

    rows: int
    of: int
    bytes: int


class TermIndex:
    """The index of all tables of a store. Lookups need no lock; one thread at a time changes the index."""

    def __init__(
        self, folder: Path | None, tables: Tables, connect: Callable[[], duckdb.DuckDBPyConnection],
        resting: float = 2.0,
    ) -> None:  # fmt: skip
        """`folder` None: there is no index. `resting`: seconds after which few new rows are worth a segment."""
        self._folder = folder
        self._tables = tables
        self._connect = connect
        self._resting = resting
        self._segments: dict[str, tuple[Segment, ...]] = {}
        self._opened: set[str] = set()
        self._working = threading.RLock()
        self._opening = threading.RLock()
        self._paused: set[str] = set()
        self._dirty: set[str] = set()
        self._seen = Seen()
        self._ends: dict[str, int] = {}
        self._rooms: dict[str, tuple[int, dict[str, float]]] = {}
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._beside = BuilderBeside()

    # -- asking

    def lookup(self, table: StoredTable) -> Lookup | None:
        """What the engine asks about one table."""
        return None if self._folder is None else Lookup(self, table)

    def segments(self, table: str) -> tuple[Segment, ...]:
        """The segments of a table, by their rows; the first call opens the files."""
        if self._folder is None:
            return ()
        if table not in self._opened:
            with self._opening:
                if table not in self._opened:
                    self._open(table)
        return self._segments.get(table, ())

    def lower(self, text: str) -> str:
        """A text in lower case as the engine says."""
        with closing(self._connect()) as cursor:
            return str(run(cursor, "SELECT lower(?)", [text])[0][0])

    def has_load(self, table: str, mask: int, value: int) -> bool:
        """Whether rows of a table were brought by a load whose number has these bits."""
        if mask == 0:
            return True
        asked = "SELECT 1 FROM store_catalog.loads WHERE table_name = ? AND (id & ?) = ? LIMIT 1"
        with closing(self._connect()) as cursor:
            return bool(run(cursor, asked, [table, mask, value]))

    def has_row(self, table: StoredTable, least: int) -> bool:
        """Whether a table has a row of this number or a greater one in its load."""
        if least == 0:
            return True
        with closing(self._connect()) as cursor:
            return bool(run(cursor, f"SELECT 1 FROM {table.sql} WHERE {identifier(ROW)} >= {least} LIMIT 1"))

    def in_place(self, table: StoredTable, anchor: Anchor) -> InPlace:
        """What tells whether rows are where they were, for a statement that is made now; `anchor` is the index's last row."""
        return InPlace(table, anchor, self._tables.commits, self._seen)

    def rows_seen(self, table: str) -> int:
        """The id behind the last row of a table when that was last looked at; without a look, more than there can be."""
        return self._ends.get(table, 2**62)

    @property
    def workspace_id(self) -> str:
        """The workspace's id, which is a constant column of most tables."""
        return self._tables.workspace_id

    def coverage(self, table: StoredTable, rows: int) -> Coverage:
        """How much of a table of `rows` rows is in the index."""
        segments = self.segments(table.name)
        size = sum(segment.file.size for segment in segments)
        return Coverage(min(rows, sum(segment.file.rows for segment in segments)), rows, size)

    # -- keeping it up to date

    def note(self, *tables: str) -> None:
        """Rows were added to tables (none named: to any): a thread of its own brings the index up to date."""
        if self._folder is None or self._closed.is_set():
            return
        added = tables or self._tables.names()
        self._seen.ended.difference_update(added)
        self._dirty.update(added)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._keep, name="vedette-terms", daemon=True)
                self._thread.start()
        self._wake.set()

    def catch_up(
        self, stopped: Callable[[], bool] = lambda: False, *, tables: Iterable[str] | None = None,
        told: Callable[[str, int, int], None] = lambda table, rows, of: None,
    ) -> None:  # fmt: skip
        """Bring the index of every table, or of some, up to date now.

        `stopped` is asked now and then; `told` hears of a table, how many of its rows are in the index and how many it has.
        """
        for name in self._tables.names() if tables is None else tables:
            going = True
            while going:
                going = self._step(name, _WORTH, stopped)
                told(name, sum(one.file.rows for one in self.segments(name)), self._ends.get(name, 0))

    def bring_up_to_date(self, table: str) -> None:
        """Bring the index of one table up to date now."""
        while self._step(table, _WORTH, self._closed.is_set):
            pass

    def choose(self, table: StoredTable, columns: Sequence[str] | None, wanted: bool) -> None:
        """Say whether the terms of columns (None: of all) are kept; what was kept otherwise is forgotten where that changes."""
        with closing(self._connect()) as cursor:
            before = self._columns(cursor, table)
            with engine_errors():
                run(cursor, "BEGIN TRANSACTION")
                names = [""] if columns is None else list(columns)
                off = {column.name for column in table.columns} - {
                    column.name for column in table.columns if column.physical in before
                }
                if columns is None:
                    off = set() if wanted else {""}
                elif wanted:
                    off = off - set(names)
                else:
                    off = off | set(names)
                kinds = {column.name for column in table.columns if column.type not in INDEXED}
                run(cursor, "DELETE FROM store_catalog.unindexed WHERE table_name = ?", [table.name])
                for name in sorted(off - kinds):
                    run(cursor, "INSERT INTO store_catalog.unindexed VALUES (?, ?)", [table.name, name])
                run(cursor, "COMMIT")
            changed = self._columns(cursor, table) != before
        if changed:
            with self.without(table.name):
                pass

    @contextmanager
    def without(self, table: str) -> Iterator[None]:
        """Forget a table's segments, and make none within the block: for whoever changes stored rows in place."""
        self._paused.add(table)
        with self._working:
            self._forget(table)
        try:
            yield
        finally:
            self._paused.discard(table)

    def close(self) -> None:
        """Stop the thread and let go of all files."""
        self._closed.set()
        self._wake.set()
        with self._starting:
            thread = self._thread
        self._beside.close()
        if thread is not None:
            thread.join()
        held, self._segments = self._segments, {}
        for segments in held.values():
            for segment in segments:
                with suppress(BufferError):  # somebody reads it still, and lets go of it afterwards
                    segment.file.close()

    def _keep(self) -> None:
        """Work while there is something to do; a wait tells rows that go on coming from a pause."""
        step_back(WAITED_FOR_BY_NOBODY)
        waiting: set[str] = set()
        while not self._closed.is_set():
            if not waiting and not self._wake.wait(_KEPT):
                self._beside.end()
            self._wake.wait(self._resting if waiting else None)
            rested = not self._wake.is_set()
            self._wake.clear()
            while self._dirty:
                waiting.add(self._dirty.pop())
            for name in sorted(waiting):
                try:
                    while self._step(name, _WORTH if rested else LEAST, self._closed.is_set, self._beside.build):
                        pass
                except (duckdb.Error, pa.ArrowException, OSError, MemoryError, Damaged, VedetteError):
                    # no index is no fault of the store: the rows are read instead, and later rows bring another try
                    waiting.discard(name)
                except Exception:
                    _log.exception("the term index of %s is not brought up to date", name)
                    waiting.discard(name)
            if rested:
                waiting.clear()
            self._closed.wait(_PACE)

    def _step(self, name: str, least: int, stopped: Callable[[], bool], make: Build = build) -> bool:
        """Make one segment of a table if enough rows have none; whether one was made."""
        table = self._tables.get(name)
        if table is None or self._folder is None:
            return False
        with self._working:
            if name in self._paused or stopped():
                return False
            segments = self.segments(name)
            with closing(self._connect()) as cursor:
                segments = self._checked(cursor, table, segments)
                end = self._saw_end(cursor, table, segments)
                source, replaced = _next(segments, end, least)
                if source is None:
                    return False
                columns = self._columns(cursor, table)
                if not columns:
                    return False
                first, last = source
                others = tuple(one.physical for one in table.columns if one.physical not in columns)
                work = Source(table.sql, first, last, columns, others)
                path = self._path(name) / f"{first}-{last - first}.terms"
                path.parent.mkdir(parents=True, exist_ok=True)
                try:
                    room = self._room(cursor, table, columns, end)
                    make(cursor, work, path, room, lambda: stopped() or name in self._paused)
                except Stopped:
                    return False
            kept = [segment for segment in segments if segment not in replaced]
            made = Segment(first, SegmentFile(path))
            self._segments[name] = tuple(sorted([*kept, made], key=lambda one: one.first))
            for old in replaced:
                if old.file.path != path:
                    remove(old.file.path)
        return True

    def _columns(self, cursor: duckdb.DuckDBPyConnection, table: StoredTable) -> dict[str, Type]:
        """The columns whose terms are kept, by their DuckDB names."""
        off = {
            column
            for (column,) in run(
                cursor, "SELECT column_name FROM store_catalog.unindexed WHERE table_name = ?", [table.name]
            )
        }
        if "" in off:
            return {}
        return {
            column.physical: column.type
            for column in table.columns
            if column.type in INDEXED and column.name not in off
        }

    def _room(
        self, cursor: duckdb.DuckDBPyConnection, table: StoredTable, columns: dict[str, Type], end: int
    ) -> dict[str, float]:
        """What a row takes of each column in the file, asked again when the table has grown by half."""
        asked, known = self._rooms.get(table.name, (0, {}))
        if end > asked * 1.5 or not known:
            known = room_of(cursor, table, columns)
            self._rooms[table.name] = end, known
        return known

    # -- the files

    def _path(self, table: str) -> Path:
        stored = self._tables.get(table)
        assert self._folder is not None
        assert stored is not None
        return self._folder / quoted(stored.physical, safe="")

    def _open(self, name: str) -> None:
        """Take over a table's files; those that are not whole, or that others have taken the place of, are removed."""
        self._opened.add(name)
        table = self._tables.get(name)
        if table is None:
            self._opened.discard(name)
            return
        folder = self._path(name)
        found: list[Segment] = []
        for path in sorted(folder.glob("*"), key=rows_of, reverse=True) if folder.is_dir() else ():
            parts = NAME.fullmatch(path.name)
            try:
                if parts is None:
                    raise Damaged("left behind")
                segment = Segment(int(parts[1]), SegmentFile(path))
                if segment.file.rows != int(parts[2]) or any(overlap(segment, other) for other in found):
                    raise Damaged("replaced")
            except Damaged:
                remove(path)
                continue
            found.append(segment)
        with closing(self._connect()) as cursor:
            self._segments[name] = tuple(sorted(found, key=lambda one: one.first))
            self._saw_end(cursor, table, self._checked(cursor, table, self._segments[name]))

    def _saw_end(self, cursor: duckdb.DuckDBPyConnection, table: StoredTable, segments: tuple[Segment, ...]) -> int:
        """The id behind a table's last row; whether that is the last of the index, too, is kept."""
        end = self._ends[table.name] = end_of(cursor, table)
        if segments and segments[-1].anchors and segments[-1].last == end:
            self._seen.ended.add(table.name)
        return end

    def _checked(
        self, cursor: duckdb.DuckDBPyConnection, table: StoredTable, segments: tuple[Segment, ...]
    ) -> tuple[Segment, ...]:
        """The segments whose rows are where they were; those whose rows have moved together have moved with them."""
        newest = next((anchor for segment in reversed(segments) for anchor in reversed(segment.anchors)), None)
        # rows are cleared away and never put between: if a late one is where it was, so are all before it
        if newest is None or is_there(cursor, table, newest):
            return segments
        wanted = {anchor for segment in segments for anchor in segment.anchors}
        keys = ", ".join(f"({load}, {number})" for _, load, number in wanted)
        load_and_row = f"{identifier(LOAD)}, {identifier(ROW)}"
        now: dict[tuple[int, int], list[int]] = {}
        for row, load, number in run(
            cursor, f"SELECT rowid, {load_and_row} FROM {table.sql} WHERE ({load_and_row}) IN ({keys})"
        ):
            now.setdefault((load, number), []).append(row)
        kept: list[Segment] = []
        for segment in segments:
            shifts = {
                row - where
                for where, load, number in segment.anchors
                for row in now.get((load, number), [None])
                if row is not None
            }
            all_found = all(len(now.get((load, number), ())) == 1 for _, load, number in segment.anchors)
            if segment.anchors and all_found and len(shifts) == 1:
                moved = self._moved(segment, shifts.pop())
                if moved is not None:
                    kept.append(moved)
            else:
                remove(segment.file.path)
        self._segments[table.name] = tuple(sorted(kept, key=lambda one: one.first))
        return self._segments[table.name]

    def _moved(self, segment: Segment, by: int) -> Segment | None:
        if by == 0:
            return segment
        path = segment.file.path
        first = segment.first + by
        target = path.with_name(f"{first}-{segment.file.rows}.terms")
        try:
            path.replace(target)
        except OSError:
            return None
        return Segment(first, segment.file.renamed(target))

    def _forget(self, table: str) -> None:
        for segment in self.segments(table):
            remove(segment.file.path)
        self._segments[table] = ()


def _next(segments: tuple[Segment, ...], end: int, least: int) -> tuple[tuple[int, int] | None, list[Segment]]:
    """The rows of the segment that is to be made next, if one is, and those segments that it takes the place of."""
    for start, stop in gaps(segments, segments[-1].last if segments else 0):
        upto = end if stop is None else stop
        if stop is not None and upto - start >= 1:
            return (start, min(upto, start + SEGMENT)), []
        if upto - start < least:
            return None, []
        # small segments before it are made one with it, so that there are few, and each row is read a few times only
        replaced: list[Segment] = []
        for before in reversed([one for one in segments if one.last <= start]):
            size = min(upto, start + SEGMENT) - start
            if before.last != start or before.file.rows > size or before.file.rows + size > SEGMENT:
                break
            replaced.append(before)
            start = before.first
        return (start, min(upto, start + SEGMENT)), replaced
    return None, []
