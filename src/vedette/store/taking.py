"""Spooled batches into a table: in the transaction of their rows it is noted that they are there."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import duckdb
import orjson
import pyarrow as pa

from vedette.core.errors import InvalidInput
from vedette.kql import ticks
from vedette.store import catalog
from vedette.store.assembly import Assembler
from vedette.store.batch import Batch, columns_of
from vedette.store.catalog import DEAD_LETTER
from vedette.store.contents import Load, load_id, record
from vedette.store.inference import Inference
from vedette.store.spool import Spooled
from vedette.store.statements import engine_errors, lent, run
from vedette.store.tables import Tables
from vedette.store.transform import Output, Transform
from vedette.store.writer import writing_all

REMEMBERED: Final = 7 * 24 * 3600 * ticks.SECOND
"""How long the id of a record is remembered: longer than any sender tries again."""
_PLACES: Final = 26
"""Bits for the place of a row in what is moved at once."""
_INCOMING: Final = "incoming_ids"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of some batches: rows stored, and records that were there already."""

    stored: int
    repeated: int


def marks(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Of each table the number of the last batch that it has."""
    with engine_errors():
        return dict(run(connection, "SELECT table_name, max(number) FROM store_catalog.spooled GROUP BY ALL"))


def take(
    tables: Tables, table: str, batches: Sequence[Spooled], connect: Callable[[], duckdb.DuckDBPyConnection],
    workspace_id: str, moment: datetime, rejected: str | None = None, transform: Transform | None = None,
) -> Taken:  # fmt: skip
    """Add the rows of batches of one table, in the order of their numbers, in one transaction.

    A row without TimeGenerated gets the time at which its batch was accepted. With `rejected`, the reason why the table does not
    take them, they go into the dead-letter table as texts; otherwise the table's transformation says what becomes of them. Raises
    `VedetteError`, and then nothing is added.
    """
    now = ticks.from_datetime(moment)
    rows, sizes, ids, stamped = _gathered(batches) if rejected is None else _as_texts(table, batches, rejected)
    target = table if rejected is None else DEAD_LETTER
    if rejected is not None:
        transform = None
    source = ", ".join(dict.fromkeys(batch.source for batch in batches))[:1024]
    with writing_all(tables, [target] if transform is None else transform.tables, connect) as (writers, connection):
        kept = _new_ones(connection, table, ids, now) if any(ids) else range(len(rows))
        if len(kept) < len(rows):
            rows, sizes = [rows[position] for position in kept], [sizes[position] for position in kept]
        if rows:
            # one load an hour has the rows of many batches; a row's number tells its batch and its place there
            start = batches[0].entry.number << _PLACES
            if transform is None:
                outputs = [Output(target, Batch(len(rows), columns_of(rows), range(start, start + len(rows)), sizes))]
            else:
                outputs = transform.apply(rows, moment, start)
            for output in outputs:
                if not output.batch.size:
                    continue
                writer, made = writers[output.table], output.batch
                fields = output.fields
                if catalog.is_known(output.table):
                    fields = []
                elif not fields:
                    inference = Inference(output.table, writer.table.types if not writer.draft.is_new else {})
                    inference.look(made, text_form=False)
                    fields = inference.fields()
                writer.declare(fields)
                load = load_id("spool", workspace_id, output.table, table, str(now // ticks.HOUR))
                assembled = Assembler(writer.table.types, output.table, workspace_id, load, now, now).assemble(made)
                writer.insert(assembled)
                _record(
                    connection,
                    Load(
                        load, output.table, source, "", sum(made.sizes), made.size, stamped + assembled.stamped, 0,
                        assembled.drifted, now,
                    ),
                )  # fmt: skip
                stamped = 0
        with engine_errors():
            run(connection, "DELETE FROM store_catalog.spooled WHERE table_name = ?", [table])
            run(connection, "INSERT INTO store_catalog.spooled VALUES (?, ?)", [table, batches[-1].entry.number])
    return Taken(len(rows), len(ids) - len(rows))


def _record(connection: duckdb.DuckDBPyConnection, load: Load) -> None:
    """Note the rows as part of their hour's load."""
    with engine_errors():
        before = run(
            connection, "SELECT source, bytes, rows, stamped, drifted FROM store_catalog.loads WHERE id = ?", [load.id]
        )
        for source, size, rows, stamped, drifted in before:
            sources = dict.fromkeys([*source.split(", "), *load.source.split(", ")])
            load = replace(
                load, source=", ".join(sources)[:1024], size=load.size + size, rows=load.rows + rows,
                stamped=load.stamped + stamped, drifted=Counter(load.drifted) + Counter(json.loads(drifted or "{}")),
            )  # fmt: skip
        if before:
            run(connection, "DELETE FROM store_catalog.loads WHERE id = ?", [load.id])
    record(connection, load)


def forget_old_ids(connection: duckdb.DuckDBPyConnection, now: int) -> None:
    """Forget ids of records that nobody will send again."""
    with engine_errors():
        run(connection, "DELETE FROM store_catalog.record_ids WHERE taken_at < ?", [now - REMEMBERED])


_Gathered = tuple[list[dict[str, object]], list[int], list[int | None], int]
"""Rows, their sizes, the ids of their records, and how many got their batch's time."""


def _gathered(batches: Sequence[Spooled]) -> _Gathered:
    rows: list[dict[str, object]] = []
    sizes: list[int] = []
    ids: list[int | None] = []
    stamped = 0
    for batch in batches:
        stamp = ticks.format_datetime(batch.entry.at)
        for row in _rows(batch):
            if row.get("TimeGenerated") in (None, ""):
                row["TimeGenerated"] = stamp
                stamped += 1
            rows.append(row)
        sizes += map(len, batch.lines)
        ids += [None] * len(batch.lines) if batch.record_ids is None else map(_digest, batch.record_ids)
    return rows, sizes, ids, stamped


def _as_texts(table: str, batches: Sequence[Spooled], reason: str) -> _Gathered:
    rows: list[dict[str, object]] = []
    for batch in batches:
        stamp = ticks.format_datetime(batch.entry.at)
        rows += (
            {
                "TimeGenerated": stamp, "TableName": table, "Source": batch.source, "Line": number, "Reason": reason,
                "Raw": line.decode("utf-8", "replace"),
            }
            for number, line in enumerate(batch.lines, 1)
        )  # fmt: skip
    return rows, [len(line) for batch in batches for line in batch.lines], [None] * len(rows), 0


def _rows(batch: Spooled) -> list[dict[str, object]]:
    try:
        found: list[dict[str, object]] = orjson.loads(b"[" + b",".join(batch.lines) + b"]")
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The rows of a batch for {batch.entry.table} cannot be read: {error}.") from error
    return found


def _new_ones(connection: duckdb.DuckDBPyConnection, table: str, ids: Sequence[int | None], now: int) -> Sequence[int]:
    """The positions of records that the table does not have yet; their ids are noted."""
    first: dict[int, int] = {}
    for position, one in enumerate(ids):
        if one is not None:
            first.setdefault(one, position)
    texts = pa.table({"id": pa.array([str(one) for one in first], pa.string())})
    with engine_errors(), lent(connection, _INCOMING, texts):
        known = {
            int(one)
            for (one,) in run(
                connection,
                "SELECT id FROM store_catalog.record_ids WHERE table_name = ? "
                f"AND id IN (SELECT CAST(id AS HUGEINT) FROM {_INCOMING})",
                [table],
            )
        }
    new = {one: position for one, position in first.items() if one not in known}
    texts = pa.table({"id": pa.array([str(one) for one in new], pa.string())})
    with engine_errors(), lent(connection, _INCOMING, texts):
        run(
            connection,
            f"INSERT INTO store_catalog.record_ids SELECT ?, CAST(id AS HUGEINT), ? FROM {_INCOMING}",
            [table, now],
        )
    return [position for position, one in enumerate(ids) if one is None or new.get(one) == position]


def _digest(record_id: str | None) -> int | None:
    """127 bits of an id; an empty one is none."""
    if not record_id:
        return None
    digest = hashlib.sha256(record_id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:16], "big") >> 1
