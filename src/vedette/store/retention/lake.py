"""The lake: rows past their interactive retention as Parquet files, a folder for each table and day.

`lake/<table>/day=YYYY-MM-DD/<number>.parquet` beside the store's own file; the catalogue in that file says which of them count. A file is
written once and never changed. Queries read both: `TableTiers` is what they see of a table that has such files.
"""

from __future__ import annotations

import itertools
import math
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import duckdb

from vedette.core.clock import SystemClock
from vedette.core.errors import Unavailable
from vedette.core.files import make_private_directory, sync_directory
from vedette.engine.dialect import identifier, quote
from vedette.engine.tiers import Tiered
from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store.catalog import Field
from vedette.store.physical import HIDDEN, absent
from vedette.store.statements import engine_errors, run
from vedette.store.tables import StoredTable, constant_of

DAY: Final = 24 * ticks.HOUR
FOLDER: Final = "lake"
NUMBER: Final = "$rowid"
"""The column that numbers rows over all files, below zero so that no row of the table itself has the number."""
_STEP: Final = 2**32
_MARGIN: Final = 60.0
"""Seconds by which the clock of the files may differ from the machine's."""
CATALOGUE: Final = """
CREATE TABLE IF NOT EXISTS store_catalog.lake (
    id BIGINT, table_name VARCHAR, day BIGINT, file VARCHAR, rows BIGINT, bytes BIGINT, first BIGINT, last BIGINT, billed DOUBLE,
    columns VARCHAR[]
);
"""


@dataclass(frozen=True, slots=True)
class LakePart:
    """A file of rows: `file` is its path below the lake's folder, `first` and `last` their TimeGenerated (ticks), `columns` the
    columns of the file, `billed` the bytes of the rows as they came and `size` those of the file."""

    id: int
    table: str
    day: int
    file: str
    rows: int
    size: int
    first: int
    last: int
    billed: float
    columns: tuple[str, ...]


class Readers:
    """Who reads at the moment: a file is removed, and a moved row is deleted, when nobody looks any more at what was before."""

    def __init__(self) -> None:
        self._guard = threading.Condition()
        self._numbers = itertools.count(1)
        self._reading: set[int] = set()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Somebody reads within the block."""
        with self._guard:
            number = next(self._numbers)
            self._reading.add(number)
        try:
            yield
        finally:
            with self._guard:
                self._reading.discard(number)
                self._guard.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until all who read now have ended; False if that takes longer."""
        with self._guard:
            before = set(self._reading)
            return self._guard.wait_for(lambda: not before & self._reading, seconds)


READERS: Final = Readers()
"""Of this process: a query of one workspace may read the tables of another."""


@dataclass(frozen=True, slots=True)
class TableTiers(Tiered):
    """A table and its files as queries read them. Rows of the table with a TimeGenerated in `without` are in a file by now."""

    folder: Path
    table: StoredTable
    workspace_id: str
    parts: tuple[LakePart, ...]
    without: tuple[int, int] | None = None

    def relation(self, first: int | None, last: int | None) -> str:
        """SQL of all rows, but for files without rows from `first` to `last`."""
        columns = _columns(self.table, self.workspace_id)
        names = ", ".join(identifier(name) for name in columns)
        live = f"SELECT rowid, {names} FROM {self.table.sql}"
        moment = self.table.stored.get("TimeGenerated")
        if self.without is not None and moment is not None:
            start, end = self.without
            column = identifier(moment.physical)
            live += f" WHERE NOT ({column} >= {start} AND {column} < {end})"
        selects = [live]
        groups: dict[tuple[str, ...], list[LakePart]] = {}
        for part in self.parts:
            if (first is None or part.last >= first) and (last is None or part.first <= last):
                groups.setdefault(part.columns, []).append(part)
        for held, parts in groups.items():
            present = set(held)
            items = [
                identifier(name) if name in present else f"{nothing} AS {identifier(name)}"
                for name, nothing in columns.items()
            ]
            # the text of one workspace's files may be run by another's connection: paths are whole
            files = in_files(self.folder / part.file for part in parts)
            selects.append(f"SELECT {identifier(NUMBER)} AS rowid, {', '.join(items)} FROM {files}")
        return " UNION ALL ".join(selects)


def in_files(paths: Iterable[Path]) -> str:
    """SQL of the rows of Parquet files, as they are in the files: what stands in the names of their folders (`day=2026-03-01`) would
    take the place of columns that are called so."""
    return f"read_parquet([{', '.join(quote(str(path)) for path in paths)}], hive_partitioning = false)"


def _columns(table: StoredTable, workspace_id: str) -> dict[str, str]:
    """Every column that DuckDB has for a table, with the SQL of what rows from before it have there."""
    found = {name: absent(kind) for name, kind in HIDDEN.items()}
    for column in table.columns:
        constant = constant_of(Field(column.name, column.type), table.name, workspace_id)
        found[column.physical] = constant or absent(column.type)
        found |= dict.fromkeys(column.properties.values(), absent(Type.DYNAMIC))
    return found


def part_of(number: int) -> int:
    """The file that has the row with a number."""
    return (-number - 1) // _STEP


class Lake:
    """The files of one store. Whoever changes something holds the table's lock."""

    def __init__(self, store_file: Path | None, workspace_id: str) -> None:
        self.folder = None if store_file is None else store_file.with_name(FOLDER)
        self._workspace_id = workspace_id
        self._guard = threading.Lock()
        self._parts: dict[str, tuple[LakePart, ...]] = {}
        self._without: dict[str, tuple[int, int]] = {}
        self._doomed: list[str] = []
        self._next = 1

    # -- reading

    def read(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Take over what the catalogue says; files that it does not know, and that an ended process left behind, are removed."""
        run(connection, CATALOGUE)
        parts: dict[str, list[LakePart]] = {}
        rows = run(connection, f"SELECT {_FIELDS} FROM store_catalog.lake ORDER BY day, id")
        for row in rows:
            part = LakePart(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], tuple(row[9]))
            parts.setdefault(part.table, []).append(part)
            self._next = max(self._next, part.id + 1)
        self._parts = {table: tuple(found) for table, found in parts.items()}
        if self.folder is not None and self.folder.is_dir():
            known = {part.file for found in self._parts.values() for part in found}
            for path in self.folder.rglob("*.parquet*"):
                if path.relative_to(self.folder).as_posix() not in known:
                    path.unlink(missing_ok=True)

    def parts(self, table: str) -> tuple[LakePart, ...]:
        """The files of a table, by day."""
        return self._parts.get(table, ())

    def tables(self) -> list[str]:
        """The tables that have files."""
        return sorted(name for name, parts in self._parts.items() if parts)

    def seen(self, table: str) -> object:
        """Changes whenever what queries see of a table's files does."""
        return self._parts.get(table), self._without.get(table)

    def tiers(self, table: StoredTable) -> TableTiers | None:
        """How queries read a table that has files; None for one that has none."""
        parts, without = self._parts.get(table.name, ()), self._without.get(table.name)
        if self.folder is None or (not parts and without is None):
            return None
        return TableTiers(self.folder, table, self._workspace_id, parts, without)

    def rows_of(self, table: StoredTable, seconds: float | None = None) -> str:
        """SQL of all rows of a table, for a FROM; whoever runs it is among `READERS`.

        With `seconds`, files that were written longer ago may be left out, as by one who looks for rows that came since then.
        """
        tiers = self.tiers(table)
        if tiers is not None and seconds is not None:
            since = SystemClock().now().timestamp() - seconds - _MARGIN  # which is the clock of files
            tiers = replace(tiers, parts=tuple(part for part in tiers.parts if self._written(part) >= since))
        return table.sql if tiers is None else f"({tiers.relation(None, None)})"

    def _written(self, part: LakePart) -> float:
        assert self.folder is not None
        with suppress(OSError):
            return (self.folder / part.file).stat().st_mtime
        return math.inf  # whoever reads it is told

    # -- changing

    def write(self, connection: duckdb.DuckDBPyConnection, table: StoredTable, day: int, select: str) -> LakePart:
        """Write the rows of a SELECT of all columns as a file; it counts when the catalogue has it (`record`)."""
        billed = table.stored.get("_BilledSize")
        date = ticks.to_datetime(day * DAY).date().isoformat()
        return self._write(
            connection, table.name, day, f"{table.physical}/day={date}", select, tuple(_columns(table, self._workspace_id)),
            table.stored["TimeGenerated"].physical,
            billed.physical if billed is not None and billed.type is Type.REAL else None,
        )  # fmt: skip

    def copy(
        self, connection: duckdb.DuckDBPyConnection, part: LakePart, select: str, moment: str, billed: str | None
    ) -> LakePart:
        """Write some rows of a file as another one; `moment` and `billed` are the columns of TimeGenerated and _BilledSize."""
        return self._write(
            connection, part.table, part.day, Path(part.file).parent.as_posix(), select, part.columns, moment,
            billed if billed in part.columns else None,
        )  # fmt: skip

    def _write(
        self, connection: duckdb.DuckDBPyConnection, table: str, day: int, folder: str, select: str, columns: tuple[str, ...],
        moment: str, billed: str | None,
    ) -> LakePart:  # fmt: skip
        assert self.folder is not None
        with self._guard:
            number, self._next = self._next, self._next + 1
        file = f"{folder}/{number:08d}.parquet"
        path = self.folder / file
        names = ", ".join(identifier(name) for name in columns)
        moment = identifier(moment)
        try:
            make_private_directory(path.parent)
        except OSError as error:
            raise _not_written(path, error) from error
        partial = path.with_name(f"{path.name}.part")
        numbered = f"-({number} * {_STEP} + row_number() OVER (ORDER BY {moment})) AS {identifier(NUMBER)}"
        with engine_errors():
            run(
                connection,
                f"COPY (SELECT {numbered}, {names} FROM ({select}) ORDER BY {moment}) TO {quote(str(partial))} "
                "(FORMAT parquet, COMPRESSION zstd)",
            )
            total = "0" if billed is None else f"sum({identifier(billed)})"
            rows, first, last, size = run(
                connection,
                f"SELECT count(*), min({moment}), max({moment}), coalesce({total}, 0) FROM {in_files([partial])}",
            )[0]
        try:
            with partial.open("rb+") as written:
                os.fsync(written.fileno())
            os.replace(partial, path)
            sync_directory(path.parent)
            bytes_ = path.stat().st_size
        except OSError as error:
            raise _not_written(path, error) from error
        return LakePart(number, table, day, file, rows, bytes_, first or 0, last or 0, float(size), columns)

    def record(
        self, connection: duckdb.DuckDBPyConnection, added: Sequence[LakePart], removed: Sequence[LakePart] = ()
    ) -> None:
        """Say in the catalogue which files count from this transaction on."""
        with engine_errors():
            for part in removed:
                run(connection, "DELETE FROM store_catalog.lake WHERE id = ?", [part.id])
            for part in added:
                run(
                    connection,
                    f"INSERT INTO store_catalog.lake ({_FIELDS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        part.id, part.table, part.day, part.file, part.rows, part.size, part.first, part.last, part.billed,
                        list(part.columns),
                    ],
                )  # fmt: skip

    def publish(
        self, table: str, added: Sequence[LakePart] = (), removed: Sequence[LakePart] = (),
        without: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        """Let queries see other files of a table. Rows of the table itself in `without` are not looked at meanwhile."""
        with self._guard:
            gone = {part.id for part in removed}
            kept = [part for part in self._parts.get(table, ()) if part.id not in gone]
            found = tuple(sorted([*kept, *added], key=lambda part: (part.day, part.id)))
            self._parts = {**self._parts, table: found}
            self._without = {name: span for name, span in self._without.items() if name != table}
            if without is not None:
                self._without[table] = without

    def remove(self, parts: Sequence[LakePart], seconds: float) -> None:
        """Remove files that do not count any more, once nobody reads them; what is still read is removed later."""
        with self._guard:
            self._doomed += (part.file for part in parts)
            doomed = list(self._doomed)
        if not doomed or self.folder is None or not READERS.wait(seconds):
            return
        for file in doomed:
            path = self.folder / file
            with suppress(OSError):
                path.unlink(missing_ok=True)
                path.parent.rmdir()
        with self._guard:
            self._doomed = [file for file in self._doomed if file not in doomed]


_FIELDS: Final = "id, table_name, day, file, rows, bytes, first, last, billed, columns"


def _not_written(path: Path, error: OSError) -> Unavailable:
    reason = (error.strerror or str(error)).lower()
    return Unavailable(f"The file {path} of the lake cannot be written: {reason}.", code="VDT0650", file=str(path))
