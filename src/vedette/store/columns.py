"""Moving a field from the hidden column into a column of its own, in the table and in its files in the lake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast

import duckdb
import orjson
import pyarrow as pa

from vedette.core.errors import Conflict, InvalidInput
from vedette.engine.batches import batches_of
from vedette.engine.dialect import SQL_TYPES, identifier, quote
from vedette.kql.types import Type
from vedette.store.catalog import Field
from vedette.store.conversion import convert, json_text
from vedette.store.physical import EXTRA, absent
from vedette.store.retention.lake import NUMBER, Lake, LakePart, in_files
from vedette.store.statements import engine_errors, lent, run
from vedette.store.tables import StoredTable
from vedette.store.writer import writing

if TYPE_CHECKING:
    from vedette.store.logstore import LogStore

_BATCH: Final = 50_000
_VIEW: Final = "moving"
_MOVED: Final = "moved"
_WAIT: Final = 30.0
Connect = Callable[[], duckdb.DuckDBPyConnection]


def add_column(logs: LogStore, table: str, name: str, kind: Type) -> int:
    """Give a table a column of its own; values that rows carry for it in the hidden column move into it, converted.

    Files of the lake that have such values are written anew. Returns the number of rows that got a value. Values that do not convert
    stay in the hidden column. Raises `NotFound` for an unknown table and `Conflict` if the table has the column.
    """
    described = logs.describe(table)
    if not name or len(name) > 256:
        raise InvalidInput("A column's name has 1 to 256 characters.", code="VDT0609", target=name)
    if any(one.name == name for one in described.fields):
        raise Conflict(f"{table} has a column '{name}' already.", code="VDT0610", target=name)
    if kind is Type.UNKNOWN:
        raise InvalidInput("A column needs a type.", code="VDT0609", target=name)
    lake, files = logs.lake, _Files()
    with logs.maintenance:
        try:
            with logs.terms.without(table), writing(logs.table_register, table, logs.connect) as (writer, connection):
                if name in writer.table.types:  # somebody was faster
                    raise Conflict(f"{table} has a column '{name}' already.", code="VDT0610", target=name)
                writer.declare([Field(name, kind)])
                logs.partials.forget(table)
                with engine_errors():
                    moved, failed = _fill(writer.table, connection, name, kind)
                    _fill_files(lake, writer.table, connection, logs.connect, name, kind, files)
                    if not failed + files.failed:
                        writer.draft.forget_extra(name)
                    lake.record(connection, files.added, files.removed)
        except BaseException:
            lake.remove(files.added, 0.0)
            raise
        if files.removed:
            lake.publish(table, files.added, files.removed)
            lake.remove(files.removed, _WAIT)
    return moved + files.moved


@dataclass(slots=True)
class _Files:
    """What becomes of a table's files: those that take the place of others, and how many values moved and did not convert."""

    added: list[LakePart] = field(default_factory=list)
    removed: list[LakePart] = field(default_factory=list)
    moved: int = 0
    failed: int = 0


def _fill(table: StoredTable, connection: duckdb.DuckDBPyConnection, name: str, kind: Type) -> tuple[int, int]:
    """Fill a new, declared column out of the hidden column; how many values moved, and how many did not convert.

    What converts leaves the hidden column; what does not stays there.
    """
    column, extra = identifier(table.stored[name].physical), identifier(EXTRA)
    moved, failed, last = 0, 0, -1
    while True:
        found = run(
            connection,
            f"SELECT rowid, {extra} FROM {table.sql} WHERE rowid > ? AND {_may_hold(name)} ORDER BY rowid LIMIT ?",
            [last, _BATCH],
        )
        if not found:
            return moved, failed
        last = found[-1][0]
        rows, missed = _taken_out(found, name, kind)
        moved, failed = moved + len(rows) - missed, failed + missed
        with lent(connection, _VIEW, rows):
            run(
                connection,
                f"UPDATE {table.sql} AS t SET {column} = {_VIEW}.v, {extra} = {_VIEW}.x FROM {_VIEW} WHERE t.rowid = {_VIEW}.r",
            )


def _fill_files(
    lake: Lake, table: StoredTable, connection: duckdb.DuckDBPyConnection, connect: Connect, name: str, kind: Type, files: _Files
) -> None:  # fmt: skip
    """The same for a table's files in the lake: those that have a value for the column are written anew, with the column."""
    stored = table.stored
    sized = stored.get("_BilledSize")
    billed = None if sized is None or sized.type is not Type.REAL else sized.physical
    column, extra = stored[name].physical, identifier(EXTRA)
    number = identifier(NUMBER)
    for part in lake.parts(table.name):
        assert lake.folder is not None
        file = in_files([lake.folder / part.file])
        run(connection, f"CREATE OR REPLACE TEMP TABLE {_MOVED} (r BIGINT, v {SQL_TYPES[kind]}, x VARCHAR)")
        with closing(connect()) as other:  # a connection has one result at a time
            for found in _rows(other, f"SELECT {number}, {extra} FROM {file} WHERE {_may_hold(name)}"):
                rows, missed = _taken_out(found, name, kind)
                files.moved, files.failed = files.moved + len(rows) - missed, files.failed + missed
                with lent(connection, _VIEW, rows):
                    run(connection, f"INSERT INTO {_MOVED} SELECT r, v, x FROM {_VIEW}")
        if not run(connection, f"SELECT count(*) FROM {_MOVED}")[0][0]:
            continue
        value = f"CASE WHEN m.r IS NULL THEN {absent(kind)} ELSE m.v END AS {identifier(column)}"
        rest = f"CASE WHEN m.r IS NULL THEN f.{extra} ELSE m.x END AS {extra}"
        files.added.append(
            lake.copy(
                connection, replace(part, columns=(*part.columns, column)),
                f"SELECT f.* REPLACE ({rest}), {value} FROM {file} AS f LEFT JOIN {_MOVED} AS m ON f.{number} = m.r",
                stored["TimeGenerated"].physical, billed,
            )
        )  # fmt: skip
        files.removed.append(part)
    run(connection, f"DROP TABLE IF EXISTS {_MOVED}")


def _may_hold(name: str) -> str:
    """SQL of a cheap filter: the text of the name is there. Whether the field really is, the parsed object tells."""
    return f"contains({identifier(EXTRA)}, {quote(json_text(name))})"


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> Iterator[list[tuple[int, str]]]:
    for batch in batches_of(connection, sql, None, _BATCH):
        yield list(zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True))


def _taken_out(found: Iterable[tuple[int, str]], name: str, kind: Type) -> tuple[pa.Table, int]:
    """Of numbers of rows and their hidden columns: those that hold a field, with its value and with the hidden column without it
    (`r`, `v`, `x`), and how many values did not convert."""
    holders = [(row, cast(dict[str, Any], orjson.loads(text))) for row, text in found]
    holders = [(row, holder) for row, holder in holders if name in holder]
    array, failures = convert([holder[name] for _, holder in holders], kind)
    kept = set(failures)
    left = []
    for position, (_, holder) in enumerate(holders):
        if position not in kept:
            del holder[name]
        left.append(json_text(holder) if holder else None)
    numbers = pa.array([row for row, _ in holders], pa.int64())
    return pa.table({"r": numbers, "v": array, "x": pa.array(left, pa.string())}), len(failures)
