"""Spooled batches into a table: in the transaction of their rows it is noted that they are there."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import duckdb
import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from vedette.core.errors import InvalidInput
from vedette.kql import ticks
from vedette.store import catalog
from vedette.store.assembly import Assembler
from vedette.store.batch import Batch, columns_of
from vedette.store.catalog import DEAD_LETTER, Field
from vedette.store.columnar import SOURCE, as_rows, assembled, by_source, joined, kind_of, texts, unpacked
from vedette.store.contents import Load, load_id, record
from vedette.store.frames import Spooled
from vedette.store.inference import Inference, needs_columns
from vedette.store.many import ManyLines
from vedette.store.statements import engine_errors, lent, run
from vedette.store.tables import Tables
from vedette.store.transformations.transform import Output, Transform
from vedette.store.writer import TableWriter, writing_all

REMEMBERED: Final = 7 * 24 * 3600 * ticks.SECOND
"""How long the id of a record is remembered: longer than any sender tries again."""
_PLACES: Final = 26
"""Bits for the place of a row in what is moved at once."""
_INCOMING: Final = "incoming_ids"
MANY: Final = 2_000
"""Lines that come at once from which on the engine reads them: it takes some milliseconds to begin."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of some batches: rows stored, records that were there already, and the rows' TimeGenerated (ticks) by source,
    and as they are now by table."""

    stored: int
    repeated: int
    moments: list[tuple[str, npt.NDArray[np.int64]]]
    tables: list[tuple[str, npt.NDArray[np.int64]]]


def marks(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Of each table the number of the last batch that it has."""
    with engine_errors():
        return dict(run(connection, "SELECT table_name, max(number) FROM store_catalog.spooled GROUP BY ALL"))


def take(
    tables: Tables, table: str, batches: Sequence[Spooled], connect: Callable[[], duckdb.DuckDBPyConnection],
    workspace_id: str, moment: datetime, many: ManyLines, rejected: str | None = None, transform: Transform | None = None,
) -> Taken:  # fmt: skip
    """Add the rows of batches of one table, in the order of their numbers, in one transaction.

    A row without TimeGenerated gets the time at which its batch was accepted. With `rejected`, the reason why the table does not
    take them, they go into the dead-letter table as texts; otherwise the table's transformation says what becomes of them. Raises
    `VedetteError`, and then nothing is added.
    """
    now = ticks.from_datetime(moment)
    at_once = rejected is None and transform is None and _many_lines(tables, table, batches) and many.takes(table)
    gathered: _Gathered = ([], [], [], [])
    if not at_once:
        gathered = _gathered(batches) if rejected is None else _as_texts(table, batches, rejected)
    rows, sizes, ids, without_time = gathered
    ready = [unpacked(batch.columns) for batch in batches if batch.columns is not None] if rejected is None else []
    moments = [
        one for batch, own in zip([batch for batch in batches if batch.columns is not None], ready)
        for one in by_source(own, batch.source).items()
    ]  # fmt: skip
    by_table: list[tuple[str, npt.NDArray[np.int64]]] = []
    target = table if rejected is None else DEAD_LETTER
    if rejected is not None:
        transform = None
    source = ", ".join(dict.fromkeys(batch.source for batch in batches))[:1024]
    counts = [batch.entry.rows if rejected or batch.columns is None else 0 for batch in batches]
    with writing_all(tables, [target] if transform is None else transform.tables, connect) as (writers, connection):
        # one load an hour has the rows of many batches; a row's number tells its batch and its place there
        start = batches[0].entry.number << _PLACES

        def assembler_of(name: str) -> Assembler:
            load = load_id("spool", workspace_id, name, table, str(now // ticks.HOUR))
            return Assembler(writers[name].table.types, name, workspace_id, load, now, now)

        lined = [batch for batch in batches if batch.columns is None]
        if at_once:
            ids = [one for batch in lined for one in _ids(batch)]
        kept = _new_ones(connection, table, ids, now) if any(ids) else range(len(ids))
        read = None
        if at_once and len(kept) == len(ids):
            read = many.assembled(lined, assembler_of(target), start)
            if (
                read is not None
                and not catalog.is_known(table)
                and needs_columns(writers[target].table.types, read.extra)
            ):
                many.pass_over(table)
                read = None
        if at_once and read is None:
            rows, sizes, _, without_time = _gathered(batches)
        stamped = len(without_time) if len(kept) == len(ids) else len(set(kept).intersection(without_time))
        if read is None and len(kept) < len(rows):
            rows, sizes = [rows[position] for position in kept], [sizes[position] for position in kept]
        if rows or ready or read is not None:
            columns = joined(ready) if ready else None
            if transform is None:
                outputs = [Output(target, Batch(len(rows), columns_of(rows), range(start, start + len(rows)), sizes))]
            else:  # it looks at rows
                moments += _by_source(batches, counts, kept, _times(rows, now))
                rows += [] if columns is None else as_rows(columns)
                outputs, columns = transform.apply(rows, moment, start), None
            for output in outputs:
                writer, made = writers[output.table], output.batch
                if not made.size and columns is None and read is None:
                    continue
                _declare(writer, output, columns)
                assembler = assembler_of(output.table)
                parts = [assembler.assemble(made)] if made.size else [read] if read is not None else []
                if parts and transform is None:
                    moments += _by_source(batches, counts, kept, parts[0].columns["TimeGenerated"])
                if columns is not None:
                    parts.append(assembled(columns, assembler, start + sum(part.size for part in parts)))
                drifted: Counter[str] = Counter()
                for part in parts:
                    writer.insert(part)
                    by_table.append((output.table, np.asarray(part.columns["TimeGenerated"], dtype=np.int64)))
                    stamped += part.stamped
                    drifted += part.drifted
                size = int(sum(made.sizes)) if read is None else sum(map(_bytes, lined))
                size += sum(len(batch.columns or b"") for batch in batches) if columns is not None else 0
                count = sum(part.size for part in parts)
                _record(
                    connection,
                    Load(assembler.load, output.table, source, "", size, count, stamped, 0, drifted, now),
                    start,
                )
                stamped = 0
        with engine_errors():
            run(connection, "DELETE FROM store_catalog.spooled WHERE table_name = ?", [table])
            run(connection, "INSERT INTO store_catalog.spooled VALUES (?, ?)", [table, batches[-1].entry.number])
    stored = sum(len(some) for _, some in moments)
    return Taken(stored, len(ids) - len(kept), moments, by_table)


def _many_lines(tables: Tables, table: str, batches: Sequence[Spooled]) -> bool:
    """Whether the rows are so many lines for a table that has its columns that the engine's own reader has use."""
    has_columns = catalog.is_known(table) or tables.get(table) is not None
    return has_columns and sum(batch.entry.rows for batch in batches if batch.columns is None) >= MANY


def _bytes(batch: Spooled) -> int:
    """The bytes of a batch's rows as JSON."""
    return batch.lines.size - (batch.lines.count - 1)


def _by_source(
    batches: Sequence[Spooled], counts: Sequence[int], kept: Sequence[int], times: pa.Array
) -> list[tuple[str, npt.NDArray[np.int64]]]:
    """The TimeGenerated of the rows that came as lines, by where they come from."""
    moments = np.asarray(times, dtype=np.int64)
    owners = np.repeat(np.arange(len(batches)), counts)
    if len(owners) != len(moments):
        owners = owners[np.asarray(kept, dtype=np.int64)]
    return [(batch.source, some) for place, batch in enumerate(batches) if len(some := moments[owners == place])]


def _times(rows: Sequence[dict[str, object]], now: int) -> pa.Array:
    """TimeGenerated of rows that are not assembled: what cannot be read counts as now."""
    read = (ticks.parse_datetime(str(row.get("TimeGenerated"))) for row in rows)
    return pa.array([now if moment is None else moment for moment in read], pa.int64())


def _declare(writer: TableWriter, output: Output, columns: pa.Table | None) -> None:
    """Make what the rows have that the table has not part of its schema, unless that is a known one."""
    fields = output.fields
    if catalog.is_known(output.table):
        fields = []
    elif not fields:
        inference = Inference(output.table, writer.table.types if not writer.draft.is_new else {})
        inference.look(output.batch, text_form=False)
        fields = inference.fields()
        if columns is not None:
            named = {field.name for field in fields}
            named.add(SOURCE)
            fields += [Field(name, kind_of(columns, name)) for name in columns.column_names if name not in named]
    writer.declare(fields)


def _record(connection: duckdb.DuckDBPyConnection, load: Load, start: int) -> None:
    """Note the rows, whose numbers begin with `start`, as part of their hour's load."""
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
    record(connection, load, start, start + (1 << _PLACES) - 1)


def forget_old_ids(connection: duckdb.DuckDBPyConnection, now: int) -> None:
    """Forget ids of records that nobody will send again."""
    with engine_errors():
        run(connection, "DELETE FROM store_catalog.record_ids WHERE taken_at < ?", [now - REMEMBERED])


_Gathered = tuple[list[dict[str, object]], list[int], list[int | None], list[int]]
"""Rows, their sizes, the ids of their records, and the places of those that got their batch's time."""


def _gathered(batches: Sequence[Spooled]) -> _Gathered:
    rows: list[dict[str, object]] = []
    sizes: list[int] = []
    ids: list[int | None] = []
    stamped: list[int] = []
    for batch in batches:
        stamp = ticks.format_datetime(batch.entry.at)
        lines = batch.lines.split()
        for row in _rows(batch.entry.table, lines):
            if row.get("TimeGenerated") in (None, ""):
                row["TimeGenerated"] = stamp
                stamped.append(len(rows))
            rows.append(row)
        sizes += map(len, lines)
        ids += _ids(batch)
    return rows, sizes, ids, stamped


def _ids(batch: Spooled) -> list[int | None]:
    """The ids of the records of a batch of lines."""
    if batch.record_ids is None:
        return [None] * (batch.entry.rows if batch.columns is None else 0)
    return list(map(id_digest, batch.record_ids))


def _as_texts(table: str, batches: Sequence[Spooled], reason: str) -> _Gathered:
    rows: list[dict[str, object]] = []
    sizes: list[int] = []
    for batch in batches:
        stamp = ticks.format_datetime(batch.entry.at)
        lines = batch.lines.split() if batch.columns is None else texts(unpacked(batch.columns))
        sizes += map(len, lines)
        rows += (
            {
                "TimeGenerated": stamp, "TableName": table, "Source": batch.source, "Line": number, "Reason": reason,
                "Raw": line.decode("utf-8", "replace"),
            }
            for number, line in enumerate(lines, 1)
        )  # fmt: skip
    return rows, sizes, [None] * len(rows), []


def _rows(table: str, lines: Sequence[bytes]) -> list[dict[str, object]]:
    try:
        # one by one: while a long text is read, nobody else has the interpreter
        found: list[dict[str, object]] = [orjson.loads(line) for line in lines]
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"The rows of a batch for {table} cannot be read: {error}.") from error
    return found


def _new_ones(connection: duckdb.DuckDBPyConnection, table: str, ids: Sequence[int | None], now: int) -> Sequence[int]:
    """The positions of records that the table does not have yet; their ids are noted."""
    first: dict[int, int] = {}
    for position, one in enumerate(ids):
        if one is not None:
            first.setdefault(one, position)
    known = known_ids(connection, table, first)
    new = {one: position for one, position in first.items() if one not in known}
    texts = pa.table({"id": pa.array([str(one) for one in new], pa.string())})
    with engine_errors(), lent(connection, _INCOMING, texts):
        run(
            connection,
            f"INSERT INTO store_catalog.record_ids SELECT ?, CAST(id AS HUGEINT), ? FROM {_INCOMING}",
            [table, now],
        )
    return [position for position, one in enumerate(ids) if one is None or new.get(one) == position]


def known_ids(connection: duckdb.DuckDBPyConnection, table: str, ids: Iterable[int]) -> set[int]:
    """Those of some ids (`id_digest`) whose records the table has."""
    texts = pa.table({"id": pa.array([str(one) for one in ids], pa.string())})
    with engine_errors(), lent(connection, _INCOMING, texts):
        found = run(
            connection,
            "SELECT id FROM store_catalog.record_ids WHERE table_name = ? "
            f"AND id IN (SELECT CAST(id AS HUGEINT) FROM {_INCOMING})",
            [table],
        )
    return {int(one) for (one,) in found}


def id_digest(record_id: str | None) -> int | None:
    """127 bits of an id; an empty one is none."""
    if not record_id:
        return None
    digest = hashlib.sha256(record_id.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:16], "big") >> 1
