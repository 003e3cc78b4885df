"""Rows that come as columns: Arrow arrays in the types of KQL, as they lie in the spool and go into their tables.

Whoever reads thousands of rows of one form at once (a listener) makes columns of them; nothing on the way to the table looks at a
row by itself after that. A table's columns take their arrays as they are; any other way is for what does not fit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from vedette.kql import ticks
from vedette.kql.types import TYPE_NAMES, Type
from vedette.store.assembly import Assembled, Assembler
from vedette.store.conversion import convert, json_text
from vedette.store.inference import value_type
from vedette.store.physical import EXTRA, INGESTED, LOAD, ROW

SOURCE: Final = "$source"
"""A column of the spool alone: where the row comes from, in a batch of several senders."""
_KIND: Final = b"kql"
_TEXTS: Final = frozenset({Type.STRING, Type.GUID, Type.DYNAMIC})
_WIDTHS: Final = {Type.DATETIME: 30, Type.TIMESPAN: 18, Type.BOOL: 5, Type.REAL: 12}
"""About how many bytes a value takes as JSON where that is not counted."""
_INGESTION_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True, slots=True)
class Column:
    """The values of one field: an array of the storage type of its KQL type (datetimes are ticks); null is an absent value."""

    type: Type
    values: pa.Array


def columnar(columns: Mapping[str, Column]) -> pa.Table:
    """Rows of one table; all columns have the same length, and one of them is TimeGenerated."""
    fields = [
        pa.field(name, column.values.type, metadata={_KIND: column.type.value}) for name, column in columns.items()
    ]
    return pa.Table.from_arrays([column.values for column in columns.values()], schema=pa.schema(fields))


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """The rows of several tables, with the columns of all of them."""
    return tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default")


def packed(rows: pa.Table) -> bytes:
    """The rows as bytes (an Arrow IPC stream, LZ4)."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema, options=_INGESTION_OPTIONS) as writer:
        writer.write_table(rows.combine_chunks())
    return bytes(sink.getvalue())


def unpacked(data: bytes) -> pa.Table:
    """The rows that `packed` made bytes of."""
    with pa.ipc.open_stream(data) as reader:
        return reader.read_all()


def as_rows(rows: pa.Table) -> list[dict[str, object]]:
    """Each row as the JSON object that says the same; absent values are left out."""
    columns = {name: _values(rows.column(name), kind_of(rows, name)) for name in rows.column_names if name != SOURCE}
    return [
        {name: values[place] for name, values in columns.items() if values[place] is not None}
        for place in range(rows.num_rows)
    ]


def texts(rows: pa.Table) -> list[bytes]:
    """Each row as the text of such an object."""
    return [json_text(row).encode() for row in as_rows(rows)]


def kind_of(rows: pa.Table, name: str) -> Type:
    """The KQL type of a column."""
    metadata = rows.schema.field(name).metadata or {}
    return TYPE_NAMES[metadata[_KIND].decode()]


def by_source(rows: pa.Table, source: str) -> dict[str, npt.NDArray[np.int64]]:
    """The TimeGenerated of the rows by where they come from: the column that says so, or else the one source."""
    moments = np.asarray(rows.column("TimeGenerated"), dtype=np.int64)
    if SOURCE not in rows.column_names:
        return {source: moments}
    coded = pc.dictionary_encode(rows.column(SOURCE).combine_chunks())
    places = np.asarray(coded.indices)
    return {name: moments[places == place] for place, name in enumerate(coded.dictionary.to_pylist())}


def assembled(rows: pa.Table, assembler: Assembler, first_row: int) -> Assembled:
    """The rows as the table has them; what has no column there, and what its column does not take, goes into the hidden one."""
    size = rows.num_rows
    made = Assembled(size, {}, {})
    extras: dict[int, dict[str, object]] = {}
    billed = np.full(size, 1, dtype=np.int64)
    for name in rows.column_names:
        if name == SOURCE:
            continue
        array, own = rows.column(name).combine_chunks(), kind_of(rows, name)
        if isinstance(array, pa.ChunkedArray):  # more than 2 GiB of text, or none at all
            array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
        if array.null_count == size:
            continue
        billed += _billed(name, array, own)
        kind = assembler.types.get(name)
        if kind is own:
            made.columns[name] = array.fill_null("") if kind is Type.STRING else array
            continue
        values = _values(array, own)
        if kind is None:
            for position, value in enumerate(values):
                if value is not None:
                    extras.setdefault(position, {})[name] = value
            found = value_type(values)
            if found is not None:
                made.extra.setdefault(name, set()).add(found)
            continue
        made.columns[name], failures = convert(values, kind)
        made.drifted[name] += len(failures)
        for position in failures:
            extras.setdefault(position, {})[name] = values[position]
    if assembler.types.get("_BilledSize") is Type.REAL and "_BilledSize" not in made.columns:
        made.columns["_BilledSize"] = pa.array(billed.astype(np.float64))
    made.hidden = {
        LOAD: pa.array(np.full(size, assembler.load, dtype=np.int64)),
        ROW: pa.array(np.arange(first_row, first_row + size, dtype=np.int64)),
        INGESTED: pa.array(np.full(size, assembler.ingested, dtype=np.int64)),
    }
    if extras:
        lines = [json_text(extras[row]) if row in extras else None for row in range(size)]
        made.hidden[EXTRA] = pa.array(lines, pa.string())
    made.drifted = +made.drifted  # no zeros
    return made


def _billed(name: str, array: pa.Array, kind: Type) -> npt.NDArray[np.int64]:
    """About the bytes of a column's values and its name in the JSON of their rows; an absent value takes none."""
    if kind in _TEXTS:
        lengths = pc.add(pc.binary_length(array), len(name) + (4 if kind is Type.DYNAMIC else 6))
        return np.asarray(lengths.fill_null(0), dtype=np.int64)
    width = _WIDTHS.get(kind, 5) + len(name) + 4
    return np.asarray(array.is_valid().cast(pa.int64()), dtype=np.int64) * width


def _values(array: pa.Array, kind: Type) -> list[object]:
    """The values as JSON has them."""
    values: list[object] = array.to_pylist()
    if kind is Type.DATETIME:
        return [None if value is None else ticks.format_datetime(value) for value in values]  # type: ignore[arg-type]
    if kind is Type.TIMESPAN:
        return [None if value is None else ticks.format_timespan(value) for value in values]  # type: ignore[arg-type]
    if kind is Type.DYNAMIC:
        return [None if value is None else orjson.loads(value) for value in values]  # type: ignore[arg-type]
    return values
