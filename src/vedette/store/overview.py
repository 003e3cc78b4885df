"""What is told of a table: how much it has and of when, and its schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import duckdb

from vedette.engine.dialect import identifier
from vedette.kql import ticks
from vedette.kql.types import Type
from vedette.store.catalog import Field
from vedette.store.retention.lake import LakePart
from vedette.store.statements import run
from vedette.store.tables import StoredTable


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table with rows: `first` and `last` TimeGenerated, and the bytes of its rows as they came.

    `indexed` are the rows whose terms are in the term index, `index_bytes` what that takes on disk.
    """

    name: str
    rows: int
    columns: int
    first: datetime | None
    last: datetime | None
    bytes: int
    indexed: int = 0
    index_bytes: int = 0


@dataclass(frozen=True, slots=True)
class TableDescription:
    """A table's schema, known or stored; `extra` are the fields in its hidden column, with their types."""

    name: str
    fields: tuple[Field, ...]
    extra: dict[str, Type]
    known: bool
    stored: bool


def stored_info(cursor: duckdb.DuckDBPyConnection, table: StoredTable) -> TableInfo:
    """What the engine tells of a table; without the lake and the index."""
    moment = table.stored.get("TimeGenerated")
    size = table.stored.get("_BilledSize")
    first_last = "NULL, NULL" if moment is None else "min({0}), max({0})".format(identifier(moment.physical))
    total = "0" if size is None or size.type is not Type.REAL else f"coalesce(sum({identifier(size.physical)}), 0)"
    rows, first, last, held = run(cursor, f"SELECT count(*), {first_last}, {total} FROM {table.sql}")[0]
    return TableInfo(
        table.name,
        int(rows),
        len(table.fields),
        None if first is None else ticks.to_datetime(first),
        None if last is None else ticks.to_datetime(last),
        int(held),
    )


def with_lake(info: TableInfo, parts: Sequence[LakePart]) -> TableInfo:
    """A table with the rows that it has in the lake."""
    if not parts:
        return info
    first = ticks.to_datetime(min(part.first for part in parts))
    last = ticks.to_datetime(max(part.last for part in parts))
    return replace(
        info,
        rows=info.rows + sum(part.rows for part in parts),
        first=first if info.first is None else min(first, info.first),
        last=last if info.last is None else max(last, info.last),
        bytes=info.bytes + int(sum(part.billed for part in parts)),
    )
