"""What has arrived in a store since it was last looked at, by the order in which loads were committed; and what a query reads.

The catalogue of arrivals is only added to, in the transaction of the rows: its row numbers are the order of the commits. A
load that takes long is therefore never passed over, as it would be by the time at which it began; and rows that join an
hour's load are an arrival of their own. Old ones are cleared away when the store is opened, before anybody adds to it: the
table is made anew, since row numbers do not outlast a deletion, and how many are gone is counted to every position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import duckdb

from vedette.engine.dialect import identifier
from vedette.kql import ticks
from vedette.kql.bound import BoundQuery, Scan
from vedette.kql.host import TableSchema
from vedette.kql.types import Type
from vedette.store.physical import INGESTED, LOAD, ROW
from vedette.store.statements import run
from vedette.store.tables import StoredTable, Tables

_SECOND: Final = timedelta(seconds=1)
_LAST_SECOND: Final = ticks.from_datetime(datetime(9999, 12, 31, tzinfo=UTC)) // 10_000_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """Rows of one table that one load brought, with TimeGenerated from `start` up to but not including `end` (whole seconds)."""

    table: str
    start: datetime
    end: datetime
    rows: int
    position: int
    """Who has seen this position of the store (see `position`) has seen the rows."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came into a table: rows, billed bytes, loads, and the mean time from TimeGenerated to the store in seconds."""

    table: str
    rows: int
    bytes: int
    loads: int
    latency: float


def ingested(
    connection: duckdb.DuckDBPyConnection,
    tables: Tables,
    start: int,
    end: int,
    rows_of: Callable[[StoredTable, int], str],
) -> list[Ingested]:
    """What was put into each table from `start` up to `end` (ticks); `rows_of` is the SQL of its rows that came since a time (ticks),
    wherever they lie by now."""
    found: list[Ingested] = []
    for name in tables.names():
        stored = tables.get(name)
        if stored is None:
            continue
        moment, size = stored.stored.get("TimeGenerated"), stored.stored.get("_BilledSize")
        at = identifier(INGESTED)
        latency = "0" if moment is None else f"avg({at} - {identifier(moment.physical)})"
        total = "0" if size is None or size.type is not Type.REAL else f"sum({identifier(size.physical)})"
        rows, held, loads, late = run(
            connection,
            f"SELECT count(*), {total}, count(DISTINCT {identifier(LOAD)}), {latency} "
            f"FROM {rows_of(stored, start)} WHERE {at} >= ? AND {at} < ?",
            [start, end],
        )[0]
        if rows:
            found.append(Ingested(name, rows, int(held or 0), loads, max(0.0, float(late or 0) / ticks.SECOND)))
    return found


_CLEARED: Final = "arrivals_cleared"
"""In the store's meta data: how many arrivals were cleared away."""
KEPT: Final = timedelta(days=60)
"""Arrivals are kept that long: twice the time after which rules no longer catch up on windows."""
_WORTH_CLEARING: Final = 10_000


def _cleared(connection: duckdb.DuckDBPyConnection) -> int:
    rows = run(connection, "SELECT value FROM store_catalog.meta WHERE name = ?", [_CLEARED])
    return int(rows[0][0]) if rows else 0


def position(connection: duckdb.DuckDBPyConnection) -> int:
    """How many arrivals were ever committed: whoever asks and then reads sees the rows of all of them."""
    return _cleared(connection) + int(run(connection, "SELECT count(*) FROM store_catalog.arrivals")[0][0])


def clear(connection: duckdb.DuckDBPyConnection, now: datetime) -> int:
    """Clear away the arrivals that came before the first one which is not old; how many there were. Positions stay what they are.

    Nobody else may use the store meanwhile. A few are not worth it.
    """
    before = ticks.from_datetime(now - KEPT)
    rows = run(
        connection, "SELECT coalesce(min(rowid), -1) FROM store_catalog.arrivals WHERE arrived_at >= ?", [before]
    )
    total = int(run(connection, "SELECT count(*) FROM store_catalog.arrivals")[0][0])
    old = int(rows[0][0]) if rows[0][0] >= 0 else total
    if old < _WORTH_CLEARING:
        return 0
    cleared = _cleared(connection) + old
    run(connection, "BEGIN TRANSACTION")
    try:
        run(
            connection,
            "CREATE TEMP TABLE arrivals_kept AS SELECT * FROM store_catalog.arrivals WHERE rowid >= ? ORDER BY rowid",
            [old],
        )
        run(connection, "DROP TABLE store_catalog.arrivals")
        run(connection, "CREATE TABLE store_catalog.arrivals AS SELECT * FROM arrivals_kept ORDER BY rowid")
        run(connection, "DROP TABLE arrivals_kept")
        run(connection, "DELETE FROM store_catalog.meta WHERE name = ?", [_CLEARED])
        run(connection, "INSERT INTO store_catalog.meta VALUES (?, ?)", [_CLEARED, str(cleared)])
        run(connection, "COMMIT")
    except BaseException:
        run(connection, "ROLLBACK")
        raise
    return old


def between(
    connection: duckdb.DuckDBPyConnection, tables: Tables, first: int, last: int, before: datetime,
    rows_of: Callable[[StoredTable, int], str],
) -> list[Arrival]:  # fmt: skip
    """What arrived from position `first` up to `last` with a TimeGenerated before a time; seconds that touch are one.

    `rows_of` is the SQL of a table's rows that came since a time (ticks), wherever they lie by now.
    """
    cleared = _cleared(connection)
    first, last = first - cleared, last - cleared  # row numbers, by which the rows of the table are asked
    loads = run(
        connection,
        "SELECT table_name, min(arrived_at) FROM store_catalog.arrivals WHERE rowid >= ? AND rowid < ? GROUP BY 1 ORDER BY 1",
        [first, last],
    )
    found: list[Arrival] = []
    for name, oldest in loads:
        stored = tables.get(name)
        column = None if stored is None else stored.stored.get("TimeGenerated")
        if stored is None or column is None:
            continue
        moment = f"rows.{identifier(column.physical)}"
        seconds = run(
            connection,
            f"SELECT arrivals.rowid + 1 + {cleared}, {moment} // 10000000 AS second, count(*) FROM {rows_of(stored, oldest)} AS rows "
            f"JOIN store_catalog.arrivals AS arrivals ON arrivals.load = rows.{identifier(LOAD)} "
            f"AND rows.{identifier(ROW)} BETWEEN arrivals.first_row AND arrivals.last_row "
            f"WHERE arrivals.rowid >= ? AND arrivals.rowid < ? AND arrivals.table_name = ? AND rows.{identifier(INGESTED)} >= ? "
            f"AND {moment} < ? AND {moment} >= 0 GROUP BY 1, 2 ORDER BY 1, 2",
            [first, last, name, oldest, ticks.from_datetime(before)],
        )
        found += _spans(name, seconds)
    return found


def _spans(table: str, seconds: list[tuple[int, int, int]]) -> Iterator[Arrival]:
    held: list[int] = []  # position, first second, second after the last, rows
    for at, second, rows in seconds:
        if second >= _LAST_SECOND:
            continue
        if held and held[0] == at and held[2] == second:
            held[2], held[3] = second + 1, held[3] + rows
            continue
        if held:
            yield _arrival(table, *held)
        held = [at, second, second + 1, rows]
    if held:
        yield _arrival(table, *held)


def _arrival(table: str, at: int, first: int, after: int, rows: int) -> Arrival:
    start = ticks.to_datetime(first * 10_000_000)
    return Arrival(table, start, start + (after - first) * _SECOND, rows, at)


def tables_read(bound: BoundQuery) -> frozenset[str]:
    """The names of the tables that a bound query reads, in subqueries too."""
    found: set[str] = set()
    seen: set[int] = set()
    todo: list[object] = list(bound.results)
    while todo:
        value = todo.pop()
        if isinstance(value, Scan):
            found.add(value.table.name)
        if isinstance(value, list | tuple | set | frozenset):
            todo += value
        elif isinstance(value, dict):
            todo += value.values()
        elif is_dataclass(value) and not isinstance(value, TableSchema | type) and id(value) not in seen:
            seen.add(id(value))
            todo += [getattr(value, item.name) for item in fields(value)]
    return frozenset(found)
