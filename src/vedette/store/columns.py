"""Moving a field from the hidden column into a column of its own."""

from __future__ import annotations

from typing import Any, Final, cast

import duckdb
import orjson
import pyarrow as pa

from vedette.engine.dialect import identifier, quote
from vedette.kql.types import Type
from vedette.store.conversion import convert, json_text
from vedette.store.physical import EXTRA
from vedette.store.statements import lent, run
from vedette.store.tables import TableDraft

_BATCH: Final = 50_000
_VIEW: Final = "moving"


def materialise_field(draft: TableDraft, connection: duckdb.DuckDBPyConnection, name: str, kind: Type) -> int:
    """Fill a new, declared column out of the hidden column; returns the number of rows that have a value now.

    What converts leaves the hidden column; what does not stays there.
    """
    table = draft.table
    column, extra = identifier(table.stored[name].physical), identifier(EXTRA)
    moved, failed, last = 0, 0, -1
    while True:
        # The text of the name is a cheap filter; whether the field is really there, the parsed object tells.
        found = run(
            connection,
            f"SELECT rowid, {extra} FROM {table.sql} WHERE rowid > ? AND contains({extra}, {quote(json_text(name))}) "
            "ORDER BY rowid LIMIT ?",
            [last, _BATCH],
        )
        if not found:
            break
        last = found[-1][0]
        holders = [(row, cast(dict[str, Any], orjson.loads(text))) for row, text in found]
        holders = [(row, holder) for row, holder in holders if name in holder]
        array, failures = convert([holder[name] for _, holder in holders], kind)
        failed += len(failures)
        kept = set(failures)
        left = []
        for position, (_, holder) in enumerate(holders):
            if position not in kept:
                del holder[name]
            left.append(json_text(holder) if holder else None)
        moved += len(holders) - len(failures)
        rows = pa.table({"r": [row for row, _ in holders], "v": array, "x": pa.array(left, pa.string())})
        with lent(connection, _VIEW, rows):
            run(
                connection,
                f"UPDATE {table.sql} AS t SET {column} = {_VIEW}.v, {extra} = {_VIEW}.x FROM {_VIEW} WHERE t.rowid = {_VIEW}.r",
            )
    if not failed:
        draft.forget_extra(name)
    return moved
