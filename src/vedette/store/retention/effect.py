"""What a retention would do to the rows that are there: told before it is set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vedette.engine.dialect import identifier
from vedette.kql.types import Type
from vedette.store.retention.lake import DAY
from vedette.store.statements import engine_errors, run

if TYPE_CHECKING:
    from vedette.store.logstore import LogStore


@dataclass(frozen=True, slots=True)
class RetentionEffect:
    """What the next run would do to a table: rows that it moves to the lake, and rows that it deletes, with their bytes as they came."""

    table: str
    moved_rows: int
    moved_bytes: int
    deleted_rows: int
    deleted_bytes: int


def effects(
    logs: LogStore, tables: Sequence[str], today: int, interactive_days: int | None, total_days: int | None
) -> list[RetentionEffect]:
    """What these days would do to each of some tables on a day (since 0001-01-01), without those to which they would do nothing."""
    made = (_effect(logs, table, today, interactive_days, total_days) for table in tables)
    return [one for one in made if one.moved_rows or one.deleted_rows]


def _effect(
    logs: LogStore, table: str, today: int, interactive_days: int | None, total_days: int | None
) -> RetentionEffect:
    deleted = 0 if total_days is None else (today - total_days) * DAY
    moved = 0 if interactive_days is None or not logs.has_lake else (today - interactive_days) * DAY
    counts = [0.0] * 4
    stored = logs.stored(table)
    moment = None if stored is None else stored.stored.get("TimeGenerated")
    if stored is not None and moment is not None:
        size = stored.stored.get("_BilledSize")
        billed = "0" if size is None or size.type is not Type.REAL else f"coalesce(sum({identifier(size.physical)}), 0)"
        column = identifier(moment.physical)
        with logs.cursor() as cursor, engine_errors():
            counts = [
                float(value)
                for start, end in ((deleted, max(deleted, moved)), (0, deleted))
                for value in run(
                    cursor,
                    f"SELECT count(*), {billed} FROM {stored.sql} WHERE {column} >= ? AND {column} < ?",
                    [start, end],
                )[0]
            ]
    old = [part for part in logs.lake.parts(table) if part.day * DAY < deleted]
    return RetentionEffect(
        table, int(counts[0]), int(counts[1]), int(counts[2]) + sum(part.rows for part in old),
        int(counts[3] + sum(part.billed for part in old)),
    )  # fmt: skip
