"""Runs the shapes: KQL and SQL in turns, so that whatever else the machine does weighs on both, and the fastest of each counts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson
import pyarrow as pa

from bench.queries.data import NOW
from bench.queries.shapes import Shape
from vedette.engine.batches import batches_of
from vedette.engine.dialect import identifier
from vedette.engine.query import Limits, QueryOptions
from vedette.store.logstore import LogStore
from vedette.store.tables import StoredTable


@dataclass(frozen=True, slots=True)
class Timing:
    """A shape's fastest runs, in seconds; `floor` is the fastest reading of just the columns that the SQL names."""

    shape: str
    kql: float
    sql: float
    rows: int
    read: int

    @property
    def ratio(self) -> float:
        return self.kql / self.sql


def measure(store: LogStore, shapes: Iterable[Shape], *, repeats: int = 3, least: float = 0.4) -> list[Timing]:
    """Each shape at least `repeats` times, and for at least `least` seconds; both sides hand over Arrow."""
    cursor = store._cursor()
    try:
        return [_one(store, cursor, shape, repeats, least) for shape in shapes]
    finally:
        cursor.close()


def _one(store: LogStore, cursor: duckdb.DuckDBPyConnection, shape: Shape, repeats: int, least: float) -> Timing:
    options = QueryOptions(NOW, limits=Limits(rows=10_000_000, bytes=2**34))
    sql = hand_written(store, shape)
    kql_times: list[float] = []
    sql_times: list[float] = []
    rows = held = 0
    started = time.perf_counter()
    while len(sql_times) < repeats or (time.perf_counter() - started < least and len(sql_times) < 20):
        seconds, answer = _timed(lambda: store._engine.tables(shape.kql, options)[-1])
        kql_times.append(seconds)
        seconds, held_by_sql = _timed(lambda: batches_of(cursor, sql, None, 2048).read_all())
        sql_times.append(seconds)
        rows, held = answer.num_rows, held_by_sql.num_rows
    if rows != held:
        print(f"!! {shape.name}: {rows} rows by KQL, {held} by SQL")
    timing = Timing(shape.name, min(kql_times), min(sql_times), rows, scanned(cursor, sql))
    print(f"{timing.kql * 1000:9.1f} {timing.sql * 1000:9.1f} ms {timing.ratio:5.2f} {shape.name}", flush=True)
    return timing


def _timed(work: Callable[[], pa.Table]) -> tuple[float, pa.Table]:
    started = time.perf_counter()
    made = work()
    return time.perf_counter() - started, made


def hand_written(store: LogStore, shape: Shape) -> str:
    """The SQL of a shape with the names that the store gave to the columns of properties."""
    table = store._tables.get("SigninLogs")
    assert table is not None
    schema = store.host.table("SigninLogs")
    assert schema is not None
    names = {
        "{signin_columns}": ", ".join(
            field.sql or identifier(field.physical) for field in schema.fields if not field.hidden
        ),
        "{browser}": _property(table, "DeviceDetail", "browser"),
        "{system}": _property(table, "DeviceDetail", "operatingSystem"),
    }
    sql = shape.sql
    for mark, name in names.items():
        sql = sql.replace(mark, name)
    return sql


def _property(table: StoredTable, column: str, name: str) -> str:
    stored = table.stored[column]
    physical = stored.properties.get((name,))
    return identifier(physical) if physical else f"json_extract_string({identifier(stored.physical)}, '$.{name}')"


def scanned(cursor: duckdb.DuckDBPyConnection, sql: str) -> int:
    """How many rows the statement's scans give, as the engine counts them."""
    found = cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}").fetchall()
    profile: dict[str, Any] = orjson.loads(found[0][1])
    return _scanned(profile)


def _scanned(profile: dict[str, Any]) -> int:
    own = int(profile.get("intermediate_rows", 0)) if str(profile.get("type", "")).endswith("SCAN") else 0
    return own + sum(_scanned(child) for child in (*profile.get("operator", ()), *profile.get("children", ())))


def report(timings: list[Timing]) -> str:
    """The table as Markdown."""
    lines = ["| shape | KQL ms | SQL ms | ratio | rows | rows read |", "|---|---:|---:|---:|---:|---:|"]
    lines += [
        f"| {one.shape} | {one.kql * 1000:.1f} | {one.sql * 1000:.1f} | {one.ratio:.2f} | {one.rows:,} | {one.read:,} |"
        for one in timings
    ]
    return "\n".join(lines)
