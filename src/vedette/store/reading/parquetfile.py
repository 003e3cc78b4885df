"""Parquet files: a batch of rows at a time, with the types that the file states."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from vedette.core.errors import InvalidInput, VedetteError
from vedette.kql.ticks import DAY, MAX_DATETIME, MAX_TIMESPAN, MIN_TIMESPAN, UNIX_EPOCH
from vedette.kql.types import Type
from vedette.store.batch import Batch, RawColumn
from vedette.store.conversion import json_text
from vedette.store.reading.streams import open_file

_BATCH_ROWS: Final = 10_000
_TICKS: Final = {"s": (10_000_000, 1), "ms": (10_000, 1), "us": (10, 1), "ns": (1, 100)}
"""Factor and divisor from a unit of Arrow's to ticks."""
_MOMENTS: Final = range(MAX_DATETIME + 1)
_SPANS: Final = range(MIN_TIMESPAN, MAX_TIMESPAN + 1)


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
        return RawColumn(_scaled(array, UNIX_EPOCH, _MOMENTS), native=Type.DATETIME)
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        return RawColumn(_scaled(array, 0, _SPANS), native=Type.TIMESPAN)
    if pa.types.is_date(kind):
        days = array.cast(pa.date32()).cast(pa.int32())
        moments = [None if day is None else day * DAY + UNIX_EPOCH for day in days.to_pylist()]
        return RawColumn(_within(moments, _MOMENTS, days, "days since 1970-01-01"), native=Type.DATETIME)
    return RawColumn(array.to_pylist(), native=_native(kind))


def _scaled(array: pa.Array, origin: int, within: range) -> list[int | str | None]:
    kind = array.type
    factor, divisor = _TICKS[kind.unit]
    whole = array.cast(pa.int32() if pa.types.is_time32(kind) else pa.int64())
    made = [None if value is None else value * factor // divisor + origin for value in whole.to_pylist()]
    return _within(made, within, whole, f"{kind.unit} since 1970-01-01" if origin else kind.unit)


def _within(ticks: list[int | None], within: range, array: pa.Array, unit: str) -> list[int | str | None]:
    """The ticks, with texts in the place of those that KQL cannot have: years before 1 and after 9999.

    They say what the file has; Arrow's own texts of years far away are of other years.
    """
    return [
        tick if tick is None or tick in within else f"{array[place].as_py()} {unit}" for place, tick in enumerate(ticks)
    ]


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
