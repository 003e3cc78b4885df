"""Files whose records belong to several tables: one transaction for a file, and no record twice, however many files have it.

A record's key is a digest of its own id (or of all of it). The keys of what came in files are kept for good, also when the rows are
gone, and so is the digest of every file, in the transaction of the rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import duckdb
import pyarrow as pa

from vedette.core.errors import VedetteError
from vedette.store import catalog
from vedette.store.assembly import Assembled, Assembler
from vedette.store.batch import BadRecord, Batch, columns_of
from vedette.store.contents import Load, digest_of_file, earlier_digests, kinds_of, load_id, record
from vedette.store.coverage import days_of
from vedette.store.inference import Inference
from vedette.store.known import Place, each_day
from vedette.store.report import FileReport, Outcome
from vedette.store.statements import engine_errors, lent, run
from vedette.store.tables import Tables
from vedette.store.writer import TableWriter, writing_all

CATALOGUE: Final = """
CREATE TABLE IF NOT EXISTS store_catalog.files (
    sha256 VARCHAR, bytes BIGINT, target VARCHAR, source VARCHAR, rows BIGINT, loaded_at BIGINT
);
CREATE TABLE IF NOT EXISTS store_catalog.file_records (table_name VARCHAR, key HUGEINT, load BIGINT);
ALTER TABLE store_catalog.file_records ADD COLUMN IF NOT EXISTS load BIGINT;
ALTER TABLE store_catalog.file_records ADD COLUMN IF NOT EXISTS "row" BIGINT;
"""
"""Rows are only ever added. The load and the row of a record that an earlier version stored are not known."""

_KEYS: Final = "incoming_keys"
_LINE_BITS: Final = 36
"""Bits of a row's number for its line; above them are told apart the records of one line."""
Connect = Callable[[], duckdb.DuckDBPyConnection]


class Filed(NamedTuple):
    """A record of a file as a row of its table. `kind` says what it is from; `key` has 16 bytes, or is None for what may repeat."""

    table: str
    row: dict[str, object]
    kind: str
    line: int
    size: int
    key: bytes | None


@dataclass(slots=True)
class Records:
    """Some records of a file, and what could not be read."""

    rows: list[Filed]
    bad: list[BadRecord] = field(default_factory=list)
    consumed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class RecordSource:
    """A file of records. `path` is what is shown, `file` where it lies; `target` is the table that was asked for, if any."""

    path: Path
    file: Path
    size: int
    kind: str
    read: Callable[[], Iterator[Records]]
    target: str | None = None
    table: str = ""
    """None is known beforehand."""

    @property
    def shown(self) -> Path:
        """What reports call the file."""
        return self.path


@dataclass(slots=True)
class _Part:
    """What one table gets of a file."""

    load: int
    writer: TableWriter
    assembler: Assembler
    report: FileReport
    bytes: int = 0
    extra: set[str] = field(default_factory=set)
    line: int = 0
    place: int = 0

    def numbered(self, rows: list[Filed]) -> list[Filed]:
        """The rows, each with a number of its own for a line: by load and number a row is found again, and they are its id."""
        made = []
        for filed in rows:
            if filed.line == self.line:
                self.place += 1
                filed = filed._replace(line=filed.line | self.place << _LINE_BITS)
            else:
                self.line, self.place = filed.line, 0
            made.append(filed)
        return made


class _OtherTables(Exception):
    """Records of a table came that the transaction was not begun for."""


class RecordWriter:
    """Stores one file of records."""

    def __init__(
        self, tables: Tables, connect: Connect, source: RecordSource, *, now: int, stamp: int, shift: int, again: bool,
        loads: set[int], tell: Callable[[int, int], None],
    ) -> None:  # fmt: skip
        """`loads` are those of the files before this one in the call; its own are added. `tell(consumed, rows)` is called after
        each batch, and may raise to stop."""
        self._tables = tables
        self._connect = connect
        self._source = source
        self._now, self._stamp, self._shift, self._again = now, stamp, shift, again
        self._loads = loads
        self._tell = tell
        self._parts: dict[str, _Part] = {}
        self._bad = 0
        self._stored = 0

    def store(self) -> list[FileReport]:
        """What came of the file, table by table. Raises `VedetteError`, and then nothing of it is there."""
        digest = digest_of_file(self._source.file)
        needed: set[str] | None = None
        while True:
            self._parts, self._bad, self._stored = {}, 0, 0
            batches = self._source.read()
            first = next(batches, None)
            if needed is None:
                needed = set() if first is None else {filed.table for filed in first.rows}
            try:
                return self._attempt(digest, needed, first, batches)
            except _OtherTables:  # tables are locked before a transaction begins: begin again with all of them
                needed = {filed.table for records in self._source.read() for filed in self._told(records).rows}

    def _told(self, records: Records) -> Records:
        self._tell(0, self._stored)
        return records

    def _attempt(
        self, digest: str, needed: set[str], first: Records | None, batches: Iterator[Records]
    ) -> list[FileReport]:
        with writing_all(self._tables, needed, self._connect) as (writers, connection):
            present = None if self._again else self._present(connection, digest)
            if present is not None:
                tables = self._tables_of(connection, present) or [self._source.target or ""]
                return [
                    FileReport(self._source.path, table, Outcome.PRESENT, kind=self._source.kind, content=present)
                    for table in tables
                ]
            records = first
            while records is not None:
                self._take(connection, writers, digest, records)
                records = next(batches, None)
            for table, part in self._parts.items():
                part.report.extra = tuple(sorted(part.extra))
                found = part.report
                if found.rows:
                    record(connection, Load(
                        part.load, table, str(self._source.path), digest, part.bytes, found.rows, found.stamped, found.bad,
                        found.drifted, self._now,
                    ))  # fmt: skip
            with engine_errors():
                run(
                    connection,
                    "INSERT INTO store_catalog.files VALUES (?, ?, ?, ?, ?, ?)",
                    [
                        digest,
                        self._source.size,
                        self._source.target or "",
                        str(self._source.path),
                        self._stored,
                        self._now,
                    ],
                )
        self._loads.update(part.load for part in self._parts.values())
        reports = [part.report for part in self._parts.values()]
        if not reports:
            reports = [FileReport(self._source.path, self._source.target or "", Outcome.LOADED)]
        reports[0].bad = self._bad
        return reports

    def _present(self, connection: duckdb.DuckDBPyConnection, digest: str) -> str | None:
        """The digest by which a file of this content is known, if one has been loaded, for the same table if one was asked for."""
        target = self._source.target or ""
        with engine_errors():
            starts = run(
                connection,
                "SELECT DISTINCT left(sha256, 3) FROM store_catalog.files WHERE bytes = ? AND target = ?",
                [self._source.size, target],
            )
        if not starts:
            return None
        sql = "SELECT 1 FROM store_catalog.files WHERE sha256 = ? AND target = ? LIMIT 1"
        for one in [digest, *earlier_digests(self._source.file, kinds_of(start for (start,) in starts))]:
            with engine_errors():
                if run(connection, sql, [one, target]):
                    return one
        return None

    def _tables_of(self, connection: duckdb.DuckDBPyConnection, digest: str) -> list[str]:
        with engine_errors():
            return [
                name
                for (name,) in run(
                    connection,
                    "SELECT DISTINCT table_name FROM store_catalog.loads WHERE sha256 = ? ORDER BY 1",
                    [digest],
                )
            ]

    def _take(
        self, connection: duckdb.DuckDBPyConnection, writers: Mapping[str, TableWriter], digest: str, records: Records
    ) -> None:
        by_table: dict[str, list[Filed]] = {}
        for filed in records.rows:
            by_table.setdefault(filed.table, []).append(filed)
        if not by_table.keys() <= writers.keys():
            raise _OtherTables
        for table, rows in by_table.items():
            part = self._parts.get(table)
            if part is None:
                part = self._parts[table] = self._part(connection, table, writers[table], digest)
            rows = part.numbered(rows)
            new, known = _new_rows(connection, table, rows, part.load, every=self._again)
            for filed in rows:
                part.report.kinds[filed.kind] += 1
            if self._again:
                new = rows
            elif len(new) < len(rows):
                self._count_repeated(part, rows, new, known)
            part.report.days.update(days_of(_moments(new), self._shift))
            if new:
                self._insert(part, table, new)
        if records.bad:
            self._bad += len(records.bad)
            self._insert_bad(connection, digest, records.bad)
        self._tell(records.consumed, self._stored)

    def _part(self, connection: duckdb.DuckDBPyConnection, table: str, writer: TableWriter, digest: str) -> _Part:
        report = FileReport(
            self._source.path, table, Outcome.LOADED, new_table=writer.draft.is_new, kind=self._source.kind
        )
        load = _new_load(connection, table, digest)
        return _Part(
            load,
            writer,
            Assembler({}, table, self._tables.workspace_id, load, self._now, self._stamp, self._shift),
            report,
        )

    def _count_repeated(
        self, part: _Part, rows: list[Filed], new: list[Filed], known: Mapping[int, list[Place]]
    ) -> None:
        """The records that add nothing: how many on each day, and those of them that were known before this call."""
        added = set(map(id, new))
        repeated = [filed for filed in rows if id(filed) not in added]
        part.report.repeated += len(repeated)
        part.report.again.update(days_of(_moments(repeated), self._shift))
        earlier = [
            (number, filed)
            for filed in repeated
            if filed.key is not None
            and (number := _number(filed.key)) in known
            and not any(load == part.load or load in self._loads for load, _ in known[number])
        ]
        days = each_day(_moments([filed for _, filed in earlier]), self._shift)
        part.report.known.add([number for number, _ in earlier], [known[number] for number, _ in earlier], days)

    def _insert(self, part: _Part, table: str, rows: list[Filed]) -> None:
        batch = Batch(
            len(rows),
            columns_of([filed.row for filed in rows]),
            [filed.line for filed in rows],
            [filed.size for filed in rows],
        )
        writer = part.writer
        if not catalog.is_known(table):
            inference = Inference(table, writer.table.types if not writer.draft.is_new else {})
            inference.look(batch, text_form=False)
            writer.declare(inference.fields())
        else:
            writer.declare([])
        assembler = Assembler(
            writer.table.types, table, self._tables.workspace_id, part.load, self._now, self._stamp, self._shift
        )
        part.assembler = assembler
        made: Assembled = assembler.assemble(batch)
        writer.insert(made)
        report = part.report
        report.rows += made.size
        report.stamped += made.stamped
        report.drifted.update(made.drifted)
        part.extra.update(made.extra)
        part.bytes += sum(batch.sizes)
        self._stored += made.size

    def _insert_bad(self, connection: duckdb.DuckDBPyConnection, digest: str, bad: list[BadRecord]) -> None:
        table = next(iter(self._parts), self._source.target or "")
        load = load_id("bad", digest, str(self._now))
        assembler = Assembler({}, table, self._tables.workspace_id, load, self._now, self._stamp)
        TableWriter(self._tables, catalog.DEAD_LETTER, connection).insert_bad(assembler, str(self._source.path), bad)


def _new_load(connection: duckdb.DuckDBPyConnection, table: str, digest: str) -> int:
    number = 0
    while True:
        found = load_id(table, digest, "records", str(number))
        with engine_errors():
            if not run(connection, "SELECT 1 FROM store_catalog.loads WHERE id = ?", [found]):
                return found
        number += 1


def _moments(rows: Sequence[Filed]) -> list[object]:
    return [filed.row.get("TimeGenerated") for filed in rows]


def _new_rows(
    connection: duckdb.DuckDBPyConnection, table: str, rows: list[Filed], load: int, *, every: bool
) -> tuple[list[Filed], dict[int, list[Place]]]:
    """The rows whose records did not come in a file before, and the keys of the others with the places of each. The keys of the former
    are noted with their places in this load, or those of all rows (`every`)."""
    first: dict[int, Filed] = {}
    for filed in rows:
        if filed.key is not None:
            first.setdefault(_number(filed.key), filed)
    if not first:
        return rows, {}
    texts = pa.table({"key": pa.array([str(one) for one in first], pa.string())})
    with engine_errors(), lent(connection, _KEYS, texts):
        found = run(
            connection,
            'SELECT key, load, "row" FROM store_catalog.file_records WHERE table_name = ? '
            f"AND key IN (SELECT CAST(key AS HUGEINT) FROM {_KEYS})",
            [table],
        )
    known: dict[int, list[Place]] = {}
    for one, *place in found:
        known.setdefault(int(one), []).append((place[0], place[1]))
    new = {one: filed for one, filed in first.items() if one not in known}
    noted = [(_number(filed.key), filed.line) for filed in (rows if every else new.values()) if filed.key is not None]
    if noted:
        texts = pa.table(
            {"key": pa.array([str(one) for one, _ in noted], pa.string()), "number": [line for _, line in noted]}
        )
        with engine_errors(), lent(connection, _KEYS, texts):
            run(
                connection,
                f"INSERT INTO store_catalog.file_records SELECT ?, CAST(key AS HUGEINT), ?, number FROM {_KEYS}",
                [table, load],
            )
    return [filed for filed in rows if filed.key is None or new.get(_number(filed.key)) is filed], known


def _number(key: bytes) -> int:
    return int.from_bytes(key, "big") >> 1


def record_key(*parts: str | bytes) -> bytes:
    """The key of a record that these parts tell from every other one of its table."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass"))
        digest.update(b"\0")
    return digest.digest()[:16]


def newest_of(source: RecordSource, check: Callable[[], None]) -> int | None:
    """The newest TimeGenerated (ticks) of a file of records."""
    from vedette.kql.types import Type
    from vedette.store.conversion import convert

    newest: int | None = None
    try:
        for records in source.read():
            check()
            values = [filed.row.get("TimeGenerated") for filed in records.rows]
            array, _ = convert(values, Type.DATETIME)
            latest = max((one for one in array.to_pylist() if one is not None), default=None)
            if latest is not None:
                newest = latest if newest is None else max(newest, latest)
    except VedetteError:
        return newest  # told when the file is loaded
    return newest
