"""Parquet files: a batch of rows at a time, with the types that the file states."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from vedette.core.errors import InvalidInput, VedetteError
from vedette.kql.ticks import DAY, UNIX_EPOCH
from vedette.kql.types import Type
from vedette.store.batch import Batch, RawColumn
from vedette.store.conversion import json_text
from vedette.store.reading.streams import open_file

_BATCH_ROWS: Final = 10_000
_TICKS: Final = {"s": (10_000_000, 1), "ms": (10_000, 1), "us": (10, 1), "ns": (1, 100)}
"""Factor and divisor from a unit of Arrow's to ticks."""


def read_parquet(path: Path) -> Iterator[Batch]:
    """The rows of a Parquet file in batches. Raises `VedetteError` where it is not one or is damaged."""
    with open_file(path) as file:
        try:
            parquet = pq.ParquetFile(file)
            size = path.stat().st_size
            total, done = max(1, parquet.metadata.num_rows), 0
            for arrow in parquet.iter_batches(_BATCH_ROWS):
                columns = {name: _column(arrow.column(n)) for n, name in enumerate(arrow.schema.names)}
                first, done = done + 1, done + arrow.num_rows
                sizes = _sizes(columns, arrow.num_rows)
                yield Batch(arrow.num_rows, columns, range(first, done + 1), sizes, [], size * done // total)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> VedetteError:
    reason = str(error).split("\n", 1)[0].rstrip(". ")
    return InvalidInput(
        f"The file {path} cannot be read as Parquet: {reason}.",
        code="VDT0605",
        hint="Nothing of it was loaded.",
        file=str(path),
        exit_code=1,
    )


def _column(array: pa.Array) -> RawColumn:
    kind = array.type
    if pa.types.is_dictionary(kind):
        return _column(array.dictionary_decode())
    if pa.types.is_timestamp(kind):
        return RawColumn(_scaled(array, kind.unit, UNIX_EPOCH), native=Type.DATETIME)
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        return RawColumn(_scaled(array, kind.unit, 0), native=Type.TIMESPAN)
    if pa.types.is_date(kind):
        days = array.cast(pa.date32()).cast(pa.int32()).to_pylist()
        return RawColumn([None if d is None else d * DAY + UNIX_EPOCH for d in days], native=Type.DATETIME)
    return RawColumn(array.to_pylist(), native=_native(kind))


def _scaled(array: pa.Array, unit: str, origin: int) -> list[int | None]:
    factor, divisor = _TICKS[unit]
    whole = pa.int32() if pa.types.is_time32(array.type) else pa.int64()
    values = array.cast(whole).to_pylist() if not pa.types.is_time32(array.type) else pc.cast(array, whole).to_pylist()
    return [None if value is None else value * factor // divisor + origin for value in values]


def _native(kind: pa.DataType) -> Type | None:
    if pa.types.is_boolean(kind):
        return Type.BOOL
    if pa.types.is_integer(kind):
        return Type.INT if kind.bit_width < 32 or kind == pa.int32() else Type.LONG
    if pa.types.is_floating(kind):
        return Type.REAL
    if pa.types.is_decimal(kind):
        return Type.DECIMAL
    if pa.types.is_nested(kind):
        return Type.DYNAMIC
    return None if pa.types.is_null(kind) else Type.STRING


def _sizes(columns: dict[str, RawColumn], rows: int) -> list[int]:
    """What the rows would be as JSON, roughly as they would be billed: names, quotes and values."""
    sizes = [2] * rows
    for name, column in columns.items():
        overhead = len(name) + 4
        for row, value in enumerate(column.values):
            if value is not None:
                sizes[row] += overhead + (len(value) + 2 if isinstance(value, str) else len(json_text(value)))
    return sizes
