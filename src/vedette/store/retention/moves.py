"""What retention does with the rows of a table: into the lake, or away. Each step is a transaction under the table's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vedette.core.errors import Unavailable
from vedette.engine.dialect import identifier
from vedette.store.gone import note_expired
from vedette.store.retention.lake import DAY, READERS, in_files
from vedette.store.statements import engine_errors, run
from vedette.store.tables import StoredTable
from vedette.store.writer import writing

if TYPE_CHECKING:
    from vedette.store.logstore import LogStore


def _moment(table: StoredTable | None) -> str | None:
    column = None if table is None else table.stored.get("TimeGenerated")
    return None if column is None else identifier(column.physical)


def old_days(logs: LogStore, table: str, before: int) -> list[int]:
    """The days (counted since 0001-01-01) before another of which a table has rows."""
    stored = logs.stored(table)
    moment = _moment(stored)
    if stored is None or moment is None:
        return []
    with logs.cursor() as cursor, engine_errors():
        rows = run(
            cursor, f"SELECT DISTINCT {moment} // {DAY} FROM {stored.sql} WHERE {moment} < ? ORDER BY 1", [before * DAY]
        )
    return [int(row[0]) for row in rows]


def move_day(logs: LogStore, table: str, day: int, seconds: float) -> int | None:
    """Move the rows of a day into the lake; how many there were. None while queries that began before still read them.

    Queries see each row once at every moment: first the file takes the place of the rows, then, when nobody looks at them any more,
    the rows go. A process that ends in between leaves a file that does not count.
    """
    lake = logs.lake
    with writing(logs.table_register, table, logs.connect) as (writer, connection):
        stored = writer.table
        moment = _moment(stored)
        if writer.draft.is_new or moment is None:
            return 0
        start, end = day * DAY, (day + 1) * DAY
        part = lake.write(
            connection, stored, day, f"SELECT * FROM {stored.sql} WHERE {moment} >= {start} AND {moment} < {end}"
        )
        lake.publish(table, [part], without=(start, end))
        counted = False
        try:
            if not READERS.wait(seconds):
                return None
            with engine_errors():
                gone = run(connection, f"DELETE FROM {stored.sql} WHERE {moment} >= ? AND {moment} < ?", [start, end])
            if int(gone[0][0]) != part.rows:
                raise Unavailable(f"Rows of {table} came while a day of it was moved; it is moved at the next time.")
            lake.record(connection, [part])
            counted = True
        finally:
            if not counted:
                lake.publish(table, removed=[part])
                lake.remove([part], 0.0)
    lake.publish(table)
    return part.rows


def delete_before(logs: LogStore, table: str, moment: int) -> int:
    """Delete the rows of a table before a time (ticks); how many there were."""
    with writing(logs.table_register, table, logs.connect) as (writer, connection):
        column = _moment(writer.table)
        if writer.draft.is_new or column is None:
            return 0
        note_expired(connection, table, f"{writer.table.sql} WHERE {column} < {moment}", column)
        with engine_errors():
            gone = int(run(connection, f"DELETE FROM {writer.table.sql} WHERE {column} < ?", [moment])[0][0])
    if gone:
        logs.partials.forget(table)
    return gone


def drop_days(logs: LogStore, table: str, before: int, seconds: float) -> int:
    """Drop the files of a table's days before another; how many rows they had."""
    lake = logs.lake
    old = [part for part in lake.parts(table) if part.day < before]
    if not old:
        lake.remove([], 0.0)
        return 0
    with writing(logs.table_register, table, logs.connect) as (writer, connection):
        column = _moment(writer.table)
        if lake.folder is not None and column is not None:
            note_expired(connection, table, in_files(lake.folder / part.file for part in old), column)
        lake.record(connection, [], old)
    lake.publish(table, removed=old)
    lake.remove(old, seconds)
    return sum(part.rows for part in old)
